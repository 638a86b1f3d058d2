// Package typo finds the name that somebody meant who wrote another.
package typo

// DidYouMean suggests the known name that was probably meant, if there is one.
func DidYouMean(name string, known map[string]bool) string {
	if near := Nearest(name, known, max(2, len(name)/4)); near != "" {
		return "; did you mean " + near + "?"
	}
	return ""
}

// Nearest is the known name that so many typing errors at the most lead to, or "".
func Nearest(name string, known map[string]bool, most int) string {
	best, least := "", most+1
	for k := range known {
		if d := Distance(name, k); d < least || d == least && best != "" && k < best {
			best, least = k, d
		}
	}
	return best
}

// Distance counts the insertions, deletions and replacements from a to b.
func Distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

package syntax

import "strings"

func digits(s string) int {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return i
		}
	}
	return len(s)
}

func hex(s string) int {
	for i := range len(s) {
		if !strings.ContainsRune("0123456789abcdefABCDEF", rune(s[i])) {
			return i
		}
	}
	return len(s)
}

// guidLength is the length of the GUID that s begins with, or 0.
func guidLength(s string) int {
	at := 0
	for i, n := range []int{8, 4, 4, 4, 12} {
		if i > 0 {
			if at >= len(s) || s[at] != '-' {
				return 0
			}
			at++
		}
		if at+n > len(s) || hex(s[at:at+n]) != n {
			return 0
		}
		at += n
	}
	return at
}

// numberLength is what number or timespan s begins with, and its length; 0: a name.
func numberLength(s string) (sort, int) {
	if n := realLength(s); n > 0 && wordLength(s[n:]) == 0 {
		return number, n
	}
	n := digits(s)
	whole := n
	if strings.HasPrefix(s[n:], ".") {
		if fraction := digits(s[n+1:]); fraction > 0 {
			n += 1 + fraction
		}
	}
	if unit := wordLength(s[n:]); unit > 0 && units[s[n:n+unit]] > 0 {
		return span, n + unit
	}
	if strings.HasPrefix(s, "0x") || strings.HasPrefix(s, "0X") {
		if n := hex(s[2:]); n > 0 && wordLength(s[2+n:]) == 0 {
			return number, 2 + n
		}
	}
	if wordLength(s[whole:]) == 0 {
		return number, whole
	}
	return name, 0
}

// realLength is the length of 1.5, 1. or 1e5. The points of 1..2 belong to a range.
func realLength(s string) int {
	n := digits(s)
	switch rest := s[n:]; {
	case strings.HasPrefix(rest, ".") && (!strings.HasPrefix(rest, "..") || strings.HasPrefix(rest, "...")):
		n += 1 + digits(rest[1:])
		return n + exponent(s[n:])
	case exponent(rest) > 0:
		return n + exponent(rest)
	}
	return 0
}

func exponent(s string) int {
	if s == "" || s[0] != 'e' && s[0] != 'E' {
		return 0
	}
	n := 1
	if n < len(s) && (s[n] == '+' || s[n] == '-') {
		n++
	}
	if d := digits(s[n:]); d > 0 {
		return n + d
	}
	return 0
}

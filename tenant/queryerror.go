package tenant

import "fmt"

// queryError is a query that the tenant refuses with 400; msg is the API's text.
type queryError struct{ msg string }

func (e *queryError) Error() string { return e.msg }

func syntaxError(q string, pos int, format string, args ...any) error {
	line, col := 1, 1
	for i, r := range q {
		if i >= pos {
			break
		}
		col++
		if r == '\n' {
			line, col = line+1, 1
		}
	}
	return &queryError{fmt.Sprintf("%s at line %d, column %d. Fix syntax errors in your query.",
		fmt.Sprintf(format, args...), line, col)}
}

func semanticError(format string, args ...any) error {
	return &queryError{fmt.Sprintf(format, args...) + ". Fix semantic errors in your query."}
}

func unresolved(name string) error {
	return semanticError("'' operator: Failed to resolve table or column expression named '%s'", name)
}

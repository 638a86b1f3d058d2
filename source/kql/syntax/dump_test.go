package syntax_test

import (
	"fmt"
	"strings"

	"hunting-exporter/source/kql/syntax"
)

// dump writes a tree in one line, so that tests can say what they expect. A pipe is [source |
// operators], a sum (X op Y), a call f(…); strings are quoted.
func dump(q *syntax.Query) string { return statements(q.Statements) }

func statements(all []syntax.Statement) string {
	var parts []string
	for _, s := range all {
		part := expr(s.Value)
		if s.Keyword != "" {
			part = strings.TrimRight(s.Keyword+" "+s.Name+" "+params(s.Params)+part, " ")
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "; ")
}

func expr(e syntax.Expr) string {
	switch x := e.(type) {
	case nil:
		return ""
	case *syntax.Literal:
		return literal(x)
	case *syntax.Name:
		return x.Name
	case *syntax.Star:
		return "*"
	case *syntax.Call:
		return x.Func + "(" + args(x.Args) + ")"
	case *syntax.Unary:
		return "(" + x.Op + expr(x.X) + ")"
	case *syntax.Binary:
		return "(" + expr(x.X) + " " + x.Op + " " + expr(x.Y) + ")"
	case *syntax.List:
		return list(x.Items)
	case *syntax.Range:
		return expr(x.From) + ".." + expr(x.To)
	case *syntax.Path:
		switch {
		case x.Index != nil:
			return expr(x.X) + "[" + expr(x.Index) + "]"
		case x.Method:
			return expr(x.X) + "." + x.Name + "(" + args(x.Args) + ")"
		}
		return expr(x.X) + "." + x.Name
	case *syntax.Pipe:
		parts := []string{expr(x.Source)}
		for _, op := range x.Ops {
			parts = append(parts, operator(op))
		}
		return "[" + strings.TrimSpace(strings.Join(parts, " | ")) + "]"
	case *syntax.Operator:
		return operator(x)
	case *syntax.Function:
		return params(x.Params) + "{" + statements(x.Body) + "}"
	}
	return fmt.Sprintf("%T", e)
}

func literal(x *syntax.Literal) string {
	text := x.Text
	switch x.Kind {
	case syntax.String:
		text = fmt.Sprintf("%q", x.Text)
		if x.Strings > 1 {
			text += fmt.Sprintf("x%d", x.Strings)
		}
	case syntax.Timespan:
		text = x.Span.String()
	case syntax.Datetime:
		text = x.Time.Format("2006-01-02T15:04:05.9999999Z07:00")
	case syntax.Other:
	}
	return text
}

func list(all []syntax.Expr) string {
	parts := make([]string, len(all))
	for i, e := range all {
		parts[i] = expr(e)
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

func args(all []syntax.Arg) string {
	parts := make([]string, len(all))
	for i, a := range all {
		if parts[i] = expr(a.Value); a.Name != "" {
			parts[i] = a.Name + "=" + parts[i]
		}
	}
	return strings.Join(parts, ", ")
}

func params(all []syntax.Param) string {
	parts := make([]string, len(all))
	for i, p := range all {
		parts[i] = p.Name
		if p.Tabular {
			parts[i] += ":table"
		}
		if p.Default != nil {
			parts[i] += "=" + expr(p.Default)
		}
	}
	return strings.Join(parts, ", ")
}

func columns(all []syntax.Column) string {
	parts := make([]string, len(all))
	for i, c := range all {
		parts[i] = expr(c.Value)
		if len(c.Names) > 0 {
			parts[i] = strings.TrimRight(strings.Join(c.Names, "+")+"="+parts[i], "=")
		}
		if c.Desc {
			parts[i] += " desc"
		}
	}
	return strings.Join(parts, ", ")
}

// operator is its name and what it has, each field by its name.
func operator(op *syntax.Operator) string {
	parts := []string{op.Name}
	add := func(field, value string) {
		if value != "" {
			parts = append(parts, field+value)
		}
	}
	add("<", args(op.Params)+">")
	if len(op.Params) == 0 {
		parts = parts[:1]
	}
	add("#", expr(op.Count))
	add("?", expr(op.Cond))
	add("", columns(op.Columns))
	add("by:", columns(op.By))
	if op.On != nil {
		add("on:", list(op.On))
	}
	add("from:", expr(op.From))
	add("to:", expr(op.To))
	add("step:", expr(op.Step))
	if op.Legs != nil {
		add("legs:", list(op.Legs))
	}
	if op.Sub != nil {
		add("sub:", expr(op.Sub))
	}
	add("as:", op.As)
	if op.Unread {
		parts = append(parts, "unread")
	}
	return strings.Join(parts, " ")
}

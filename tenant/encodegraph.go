package tenant

import "strings"

const dynamicType = `"@odata.type":"#microsoft.graph.security.dynamicColumnValue"`

// jsonCompanion is the companion of a value inside a dynamic: whole numbers and
// arrays have one.
func jsonCompanion(s string) string {
	switch c := s[0]; {
	case c == '[':
		return "#Collection(" + elementType(s) + ")"
	case (c == '-' || digit(c)) && !strings.ContainsAny(s, ".eE"):
		return "#Int64"
	default:
		return ""
	}
}

// elementType is Int64 or Double for an array of nothing but numbers, else String.
func elementType(s string) string {
	out := ""
	each(s, func(_, v string) {
		switch c := v[0]; {
		case c != '-' && !digit(c):
			out = "String"
		case out == "String":
		case strings.ContainsAny(v, ".eE"):
			out = "Double"
		case out == "":
			out = "Int64"
		}
	})
	return either(out, "String")
}

// appendGraphValue writes compact JSON the way Graph does: objects name their type,
// arrays and whole numbers have a companion, objects in arrays become text.
func appendGraphValue(b []byte, s string, top bool) []byte {
	switch {
	case s == "{}" && top: // cannot be told from a null there
		return append(b, s...)
	case s[0] == '{':
		b = append(append(b, '{'), dynamicType...)
		each(s, func(key, v string) {
			b = append(b, ',')
			if t := jsonCompanion(v); t != "" {
				b = append(append(b, key[:len(key)-1]...), `@odata.type":"`...)
				b = append(append(b, t...), `",`...)
			}
			b = append(append(b, key...), ':')
			b = appendGraphValue(b, v, false)
		})
		return append(b, '}')
	case s[0] == '[':
		b = append(b, '[')
		first := true
		each(s, func(_, v string) {
			if !first {
				b = append(b, ',')
			}
			first = false
			if v[0] == '{' || v[0] == '[' {
				b = appendQuoted(b, v)
			} else {
				b = append(b, v...)
			}
		})
		return append(b, ']')
	default:
		return append(b, s...)
	}
}

// each goes over the members of a compact JSON object or array; key is quoted, and
// "" in an array.
func each(s string, do func(key, v string)) {
	object := s[0] == '{'
	for i := 1; i < len(s)-1; i++ { // the separator
		key := ""
		if object {
			end := skipJSON(s, i)
			key = s[i:end]
			i = end + 1
		}
		end := skipJSON(s, i)
		do(key, s[i:end])
		i = end
	}
}

// skipJSON returns where the value that begins at i of compact JSON ends.
func skipJSON(s string, i int) int {
	depth := 0
	for ; i < len(s); i++ {
		switch s[i] {
		case '"':
			for i++; s[i] != '"'; i++ {
				if s[i] == '\\' {
					i++
				}
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return i
}

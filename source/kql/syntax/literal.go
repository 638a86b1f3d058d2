package syntax

import "strings"

// literal reads a constant, with its sign where one touches it.
func (p *parser) literal() Expr {
	l := p.peek()
	x := &Literal{Line: Line(l.line), Text: l.text}
	switch {
	case l.sort == str:
		x.Kind = String
		x.Text, x.Strings = p.strings()
	case l.sort == number, l.sort == boolean:
		p.at++
	case l.sort == span:
		p.at++
		p.span(x, l.text)
	case l.sort == typedAs:
		p.at++
		p.typed(x, l.text)
	case l.is("dynamic") && p.ahead(1).is("("):
		from, joined := p.at, len(p.joined)
		p.at += 2
		p.json()
		p.want(")")
		x.Text = p.between(from)
		if len(p.joined) > joined {
			x.Strings = 2
		}
	case l.is("typeof") && p.ahead(1).is("("):
		from := p.at
		p.at++
		p.brackets("(")
		x.Text = p.between(from)
	case (l.is("-") || l.is("+")) && p.ahead(1).from == l.to && (p.ahead(1).sort == number || p.ahead(1).sort == span):
		p.at++
		value := p.next()
		if x.Text = l.text + value.text; value.sort == span {
			p.span(x, strings.TrimPrefix(x.Text, "+"))
		}
	default:
		p.unexpected("a literal")
	}
	return x
}

// between is the source text from lexeme from to the one before the next.
func (p *parser) between(from int) string {
	if p.err != nil {
		return ""
	}
	return p.text[p.all[from].from:p.all[p.at-1].to]
}

func (p *parser) span(x *Literal, text string) {
	var ok bool
	if x.Span, ok = timespan(text); ok {
		x.Kind = Timespan
	}
}

// typed fills in the value of datetime(…) or timespan(…). A null or a form that is not known stays Other.
func (p *parser) typed(x *Literal, text string) {
	typ, inside, _ := strings.Cut(text, "(")
	inside = strings.TrimSuffix(inside, ")")
	switch typ {
	case "time", "timespan":
		p.span(x, inside)
	case "datetime", "date":
		var ok bool
		if x.Time, ok = datetime(inside); ok {
			x.Kind = Datetime
		}
	}
}

// json reads what stands in dynamic(…).
func (p *parser) json() {
	switch l := p.peek(); {
	case l.sort == str:
		p.strings()
	case l.sort == number, l.sort == boolean, l.sort == span, l.sort == typedAs, l.sort == guid, l.is("null"):
		p.at++
	case l.is("-") && p.ahead(1).sort == number:
		p.at += 2
	case l.is("dynamic"):
		p.literal()
	case l.is("["):
		p.at++
		if !p.is("]") {
			p.comma(p.json)
		}
		p.want("]")
	case l.is("{"):
		p.at++
		if !p.is("}") {
			p.comma(p.pair)
		}
		p.want("}")
	default:
		p.unexpected("a value of JSON")
	}
}

func (p *parser) pair() {
	if p.peek().sort != str {
		p.unexpected("a string")
	}
	p.next()
	p.want(":")
	p.json()
}

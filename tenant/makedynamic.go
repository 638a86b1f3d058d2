package tenant

import (
	"fmt"
	"strings"
)

// dynamicMaker makes nested JSON. Keys are in order, as a bag has no order of its
// own; no empty bag stands alone, which Graph could not tell from a null.
func dynamicMaker(name string) maker {
	switch {
	case name == "RecommendedValue" || name == "CurrentValue":
		return func(_ *seeded, _ int, h uint64) value {
			return vJSON([]string{`"Enabled"`, "1", "true", "9007199254740993", `["a","b"]`, "0.25", `"Wert \"ä\""`}[h%7])
		}
	case name == "AdditionalFields" || strings.HasSuffix(name, "Properties") || name == "RawEventData" || name == "RawAgentInfo" || strings.HasSuffix(name, "Info"):
		return bag
	case name == "ActivityObjects" || name == "EntityIds" || name == "Permissions" || name == "RecipientDetails" || strings.HasSuffix(name, "Details"):
		return objects
	case name == "LastSeenForUser" || name == "SessionData" || name == "VerifiedPublisher" || name == "ConfidenceLevel":
		return smallBag
	default:
		return words
	}
}

func bag(g *seeded, id int, h uint64) value {
	a := g.account(id)
	b := append([]byte(nil), `{"ARG.CLOUD_SERVICE":`...)
	b = appendQuoted(b, pickOf(isps, h))
	b = fmt.Appendf(b, `,"Count":%d,"FROM.DEVICE":`, h>>54)
	b = appendQuoted(b, g.device(id).name)
	if h&1 == 0 {
		b = append(b, `,"Nested":{"Empty":{},"Flags":[`...)
		b = fmt.Appendf(b, `%d,%d],"IsSatelliteProvider":%t,"Ratio":%d.5,"User":`, h>>8&15, h>>12&15, h>>16&1 == 0, h>>20&63)
		b = append(appendQuoted(b, a.display), '}')
	}
	if h&6 == 0 {
		b = append(b, `,"Objects":[{"Id":`...)
		b = append(appendQuoted(b, a.objectID), `,"Name":"x \"y\" \\ z"},{"Id":"2","Tags":["a","b"]}]`...)
	}
	b = fmt.Appendf(b, `,"Tags":[],"TransactionId":%d}`, h)
	return vJSON(string(b))
}

func objects(g *seeded, id int, h uint64) value {
	a := g.account(id)
	b := []byte{'['}
	for i := range h % 4 {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"ApplicationId":`...)
		b = fmt.Appendf(b, `%d,"InUse":%t,"Name":`, h>>40%30000, h>>i&1 == 0)
		b = appendQuoted(b, a.display)
		b = append(b, `,"Role":"Actor","Type":"Account"}`...)
	}
	return vJSON(string(append(b, ']')))
}

func smallBag(_ *seeded, _ int, h uint64) value {
	return vJSON(fmt.Sprintf(`{"ActionType":%d,"CountryCode":%d,"ISP":-1,"UserAgent":%d}`, h%30, h>>8%30, h>>16%30))
}

func words(_ *seeded, _ int, h uint64) value {
	list := []string{`"Tor"`, `"Anonymous proxy"`, `"naïve"`, `"環境"`, `"c:\\path\\x"`, `"say \"hi\""`}
	var b strings.Builder
	b.WriteByte('[')
	for i := range h % 4 {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(pickOf(list, h>>(8+8*i)))
	}
	b.WriteByte(']')
	return vJSON(b.String())
}

package tenant

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
)

// flavour is one of the three hunting APIs.
type flavour string

// The flavours, named as the exporter's settings name them.
const (
	graphAPI flavour = "graph"
	m365dAPI flavour = "m365d"
	mdeAPI   flavour = "mde"
)

var paths = map[string]flavour{
	"/v1.0/security/runHuntingQuery": graphAPI,
	"/api/advancedhunting/run":       m365dAPI,
	"/api/advancedqueries/run":       mdeAPI,
}

var roleOf = map[flavour]string{
	graphAPI: "ThreatHunting.Read.All", m365dAPI: "AdvancedHunting.Read.All", mdeAPI: "AdvancedQuery.Read.All",
}

// flavourOf says which API a resource's host serves.
func flavourOf(host string) (flavour, bool) {
	switch {
	case host == "graph.microsoft.com" || host == "graph.microsoft.us" || host == "dod-graph.microsoft.us":
		return graphAPI, true
	case strings.HasSuffix(host, "securitycenter.microsoft.com"), strings.HasSuffix(host, "securitycenter.microsoft.us"),
		strings.HasSuffix(host, "securitycenter.windows.com"):
		return mdeAPI, true
	case strings.HasSuffix(host, "security.microsoft.com"), strings.HasSuffix(host, "security.microsoft.us"):
		return m365dAPI, true
	default:
		return "", false
	}
}

// refusal is an answer that is an error.
type refusal struct {
	status  int
	code    string
	message string
}

// body is the error in the flavour's form.
func (r refusal) body(f flavour, now time.Time, id string) []byte {
	inner := map[string]any{"code": r.code, "message": r.message}
	if f == graphAPI {
		inner["innerError"] = map[string]string{
			"date": now.UTC().Format("2006-01-02T15:04:05"), "request-id": id, "client-request-id": id,
		}
	} else {
		inner["target"] = id
	}
	b, _ := json.Marshal(map[string]any{"error": inner}) // of strings: cannot fail
	return b
}

func badRequest(message string) refusal {
	return refusal{status: http.StatusBadRequest, code: "BadRequest", message: message}
}

func quotaRefusal(f flavour, message string) refusal {
	code := "429"
	if f == graphAPI {
		code = "TooManyRequests"
	}
	return refusal{status: http.StatusTooManyRequests, code: code, message: message}
}

func quotaText(limit int, per time.Duration, wait time.Duration) string {
	return fmt.Sprintf("API calls quota exceeded! maximum allowed %d per %s for the key Destination+TenantID+AppID. "+
		"You can send requests again in %d seconds.", limit, data.AppendSpan(nil, int64(per/100)), int64((wait+time.Second-1)/time.Second))
}

// timespanOf reads Graph's Timespan: a duration back from now, a start, or
// start/end, duration/end, start/duration.
func timespanOf(s string, now time.Time) (data.Span, bool) {
	from, to, pair := strings.Cut(s, "/")
	d1, isD1 := isoDuration(from)
	t1, isT1 := data.ParseTime(from)
	nowTicks := schema.ToTicks(now)
	if !pair {
		switch {
		case isD1:
			return data.Span{From: nowTicks - d1, To: nowTicks}, true
		case isT1:
			return data.Span{From: t1, To: data.Always.To}, true
		}
		return data.Always, false
	}
	d2, isD2 := isoDuration(to)
	t2, isT2 := data.ParseTime(to)
	switch {
	case isT1 && isT2:
		return data.Span{From: t1, To: t2}, true
	case isD1 && isT2:
		return data.Span{From: t2 - d1, To: t2}, true
	case isT1 && isD2:
		return data.Span{From: t1, To: t1 + d2}, true
	default:
		return data.Always, false
	}
}

// isoDuration reads P30D, PT6H, P1DT12H30M and the like, in ticks.
func isoDuration(s string) (int64, bool) {
	rest, ok := strings.CutPrefix(s, "P")
	if !ok || rest == "" {
		return 0, false
	}
	date, clock, _ := strings.Cut(rest, "T")
	var total int64
	for _, part := range []struct {
		text  string
		units map[byte]int64
	}{
		{date, map[byte]int64{'D': data.TickDay, 'W': 7 * data.TickDay}},
		{clock, map[byte]int64{'H': data.TickHour, 'M': data.TickMinute, 'S': data.TickSecond}},
	} {
		for part.text != "" {
			i := strings.IndexFunc(part.text, func(r rune) bool { return r != '.' && (r < '0' || r > '9') })
			if i < 1 {
				return 0, false
			}
			f, err := strconv.ParseFloat(part.text[:i], 64)
			unit, known := part.units[part.text[i]]
			if err != nil || !known || f > 1e6 {
				return 0, false
			}
			total += int64(f * float64(unit))
			part.text = part.text[i+1:]
		}
	}
	return total, true
}

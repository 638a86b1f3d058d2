package tenant

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
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
		"You can send requests again in %d seconds.", limit, appendSpan(nil, int64(per/100)), int64((wait+time.Second-1)/time.Second))
}

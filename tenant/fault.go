package tenant

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto"
)

// Call is a call as a fault hook sees it, before it is answered.
type Call struct {
	// N counts the hunting calls from 1, and the token calls by themselves.
	N int
	// API is graph, m365d or mde; "token" for a call of the token endpoint.
	API string
	// Query is the KQL; "" for a token call or a body that is no query.
	Query string
	// Request is the request; its body has been read.
	Request *http.Request
}

// Fault is what goes wrong with a call; the zero Fault is nothing.
type Fault struct {
	// Delay holds the answer back, however the call goes on.
	Delay time.Duration
	// Status, Body and Header are answered in place of the true answer where Status
	// or Body is set; Status 0 is then 200.
	Status int
	Body   string
	Header http.Header
	// Cut breaks the connection after CutAfter bytes of the body on the wire.
	Cut      bool
	CutAfter int64
}

// Fault sets the hook that is asked before each call, nil for none. It may be
// called from several requests at once.
func (t *Tenant) Fault(hook func(Call) Fault) {
	t.fault.mu.Lock()
	defer t.fault.mu.Unlock()
	t.fault.hook = hook
}

type faults struct {
	mu             sync.Mutex
	hook           func(Call) Fault
	hunting, token int
}

// next numbers a call and asks the hook about it.
func (f *faults) next(c Call) (Call, Fault) {
	f.mu.Lock()
	if c.API == "token" {
		f.token++
		c.N = f.token
	} else {
		f.hunting++
		c.N = f.hunting
	}
	hook := f.hook
	f.mu.Unlock()
	if hook == nil {
		return c, Fault{}
	}
	return c, hook(c)
}

// instead says whether the fault takes the place of the true answer.
func (f Fault) instead() bool { return f.Status != 0 || f.Body != "" }

// refuse makes the Fault that is this refusal, in the form of the call's API.
func (c Call) refuse(r refusal) Fault {
	body := r.body(flavour(c.API), time.Unix(0, 0), "00000000-0000-0000-0000-000000000000")
	return Fault{Status: r.status, Header: http.Header{"Content-Type": {"application/json"}}, Body: string(body)}
}

// QuotaExceeded is the 429 of the call quota, to be sent again in wait.
func (c Call) QuotaExceeded(wait time.Duration) Fault {
	return c.refuse(quotaRefusal(flavour(c.API), quotaText(45, time.Minute, wait)))
}

// CPUExceeded is the 429 of the tenant's share of CPU.
func (c Call) CPUExceeded(wait time.Duration) Fault {
	return c.refuse(quotaRefusal(flavour(c.API), fmt.Sprintf("You have exceeded processing resources allocated to this tenant. "+
		"You can run queries again in %s.", data.AppendSpan(nil, int64(wait/100)))))
}

// ResultTooLarge is the 400 of a result over the size limit.
func (c Call) ResultTooLarge() Fault { return c.refuse(badRequest(errResultSize.Error())) }

// LimitsExceeded is the 400 of a query that took too much CPU or memory.
func (c Call) LimitsExceeded() Fault {
	return c.refuse(badRequest("Query execution has exceeded the allowed limits. Optimize your query and try again."))
}

// Unauthorized is the 401 of an expired token.
func (c Call) Unauthorized() Fault { return c.refuse(unauthorized(flavour(c.API))) }

// Forbidden is the 403 of missing consent.
func (c Call) Forbidden() Fault { return c.refuse(forbidden(flavour(c.API))) }

// BadGateway is the HTML that a gateway answers for a result that it cannot pass.
func (c Call) BadGateway() Fault {
	return Fault{
		Status: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}},
		Body: "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body><center><h1>502 Bad Gateway</h1></center></body>\r\n</html>",
	}
}

// GatewayTimeout is what Graph answers for a query that takes too long.
func (c Call) GatewayTimeout() Fault {
	return c.refuse(refusal{status: http.StatusGatewayTimeout, code: "UnknownError"})
}

// failRange is a stretch of a table that no query gets rows of.
type failRange struct {
	span   data.Span
	refuse func(Call) Fault
}

type failRanges struct {
	mu sync.RWMutex
	of map[string][]failRange // by table; replaced as a whole, never changed in place
}

// FailRange answers each query that would return a row which came in within [from, to)
// with the Fault that refuse gives: what the API does for rows that it cannot
// deliver. Queries that only count such rows work. A Fault without Status and Body
// lets the query through. Ranges add up until Restore.
func (t *Tenant) FailRange(table string, from, to time.Time, refuse func(Call) Fault) {
	r := failRange{span: data.Span{From: schema.ToTicks(from), To: schema.ToTicks(to)}, refuse: refuse}
	t.failing.edit(func(of map[string][]failRange) {
		of[table] = append(of[table][:len(of[table]):len(of[table])], r)
	})
}

// Restore ends what FailRange did to a table.
func (t *Tenant) Restore(table string) {
	t.failing.edit(func(of map[string][]failRange) { delete(of, table) })
}

func (f *failRanges) edit(change func(map[string][]failRange)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := map[string][]failRange{}
	maps.Copy(next, f.of)
	change(next)
	f.of = next
}

func (f *failRanges) now() map[string][]failRange {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.of
}

// rowFault is a query that met a row of a FailRange; its Fault is the answer.
type rowFault struct{ fault Fault }

func (f *rowFault) Error() string {
	return cmp.Or(f.fault.Body, "a row of the answer cannot be delivered")
}

// hits finds what a row does to a call that would return it.
func hits(of map[string][]failRange, rel *kusto.Relation, r *kusto.Row, call Call) error {
	if len(of) == 0 {
		return nil
	}
	table, ingested := rel.Origin(r)
	for _, p := range of[table] {
		if !p.span.Has(ingested) {
			continue
		}
		if f := p.refuse(call); f.instead() {
			return &rowFault{f}
		}
	}
	return nil
}

// faultOf is the Fault that err stands for, if it is such.
func faultOf(err error) (Fault, bool) {
	var f *rowFault
	if !errors.As(err, &f) {
		return Fault{}, false
	}
	return f.fault, true
}

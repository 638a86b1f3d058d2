package tenant

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/tenant/data"
	"hunting-exporter/tenant/kusto"
)

// answer is a result that is whole in memory: only then is it known whether it is
// within the size cap, and how many rows it has.
type answer struct {
	columns []schema.Column
	rows    int
	bytes   int64 // of the rows; where they are sizes only, of those they stand for
	chunks  [][]byte
	took    time.Duration
	// truncated is true where the cap cut rows; the client is not told.
	truncated bool
}

const chunkSize = 256 << 10

var chunkPool = sync.Pool{New: func() any { b := make([]byte, 0, chunkSize); return &b }}

func (a *answer) write(p []byte) {
	for len(p) > 0 {
		last := len(a.chunks) - 1
		if last < 0 || len(a.chunks[last]) == chunkSize {
			a.chunks = append(a.chunks, *chunkPool.Get().(*[]byte))
			last++
		}
		n := min(len(p), chunkSize-len(a.chunks[last]))
		a.chunks[last] = append(a.chunks[last], p[:n]...)
		p = p[n:]
	}
}

func (a *answer) release() {
	for _, c := range a.chunks {
		c = c[:0]
		chunkPool.Put(&c)
	}
	a.chunks = nil
}

var errResultSize = errors.New("Query execution has exceeded the allowed result size. " +
	"Optimize your query by limiting the number of results and try again")

// answer runs a call's query; the rows past the cap are cut without a word.
func (t *Tenant) answer(ctx context.Context, call Call, within data.Span) (*answer, error) {
	began := time.Now()
	rel, err := t.relation(ctx, call.Query, within)
	if err != nil {
		return nil, err
	}
	out := &answer{columns: rel.Columns()}
	err = t.fill(out, rel, call)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		out.release()
		return nil, err
	}
	out.took = time.Since(began)
	return out, nil
}

// relation is what a query answers, its rows still to come.
func (t *Tenant) relation(ctx context.Context, query string, within data.Span) (*kusto.Relation, error) {
	return kusto.Compile(query, kusto.Scope{Tables: database{t}, Now: schema.ToTicks(t.o.Now()), Within: within, Stopped: func() bool { return ctx.Err() != nil }})
}

// fill writes the rows of a relation, within the caps.
func (t *Tenant) fill(out *answer, rel *kusto.Relation, call Call) error {
	maxRows, maxBytes, failing := int(t.caps.rows.Load()), t.caps.bytes.Load(), t.failing.now()
	enc := newRowEncoder(rel, call.API == string(graphAPI))
	enc.sizeOnly = t.o.SizeOnly
	var err error
	rel.Scan(func(r *kusto.Row) bool {
		if out.rows == maxRows {
			out.truncated = true
			return false
		}
		if err = hits(failing, rel, r, call); err != nil {
			return false
		}
		if out.rows > 0 {
			out.write([]byte{','})
			out.bytes++
		}
		text, size := enc.row(r)
		out.write(text)
		out.bytes += size
		out.rows++
		return out.bytes <= maxBytes
	})
	if err == nil && out.bytes > maxBytes {
		err = errResultSize
	}
	return err
}

// writeTo writes the whole answer in the flavour's form.
func (a *answer) writeTo(w io.Writer, f flavour) error {
	head := []byte(`{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#microsoft.graph.security.huntingQueryResults","schema":[`)
	nameKey, results := "name", `],"results":[`
	if f != graphAPI {
		head = append(a.stats(), `,"Schema":[`...)
		nameKey, results = "Name", `],"Results":[`
	}
	typeKey := map[string]string{"name": "type", "Name": "Type"}[nameKey]
	for i, c := range a.columns {
		if i > 0 {
			head = append(head, ',')
		}
		head = fmt.Appendf(head, `{"%s":%s,"%s":%s}`, nameKey, data.AppendQuoted(nil, c.Name), typeKey, data.AppendQuoted(nil, c.Type))
	}
	if _, err := w.Write(append(head, results...)); err != nil {
		return err
	}
	for _, c := range a.chunks {
		if _, err := w.Write(c); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]}")
	return err
}

// stats is the Stats of the legacy flavours, without the closing brace of the whole.
func (a *answer) stats() []byte {
	seconds := math.Round(a.took.Seconds()*1e7) / 1e7
	return fmt.Appendf(nil, `{"Stats":{"ExecutionTime":%g,"resource_usage":{"cache":{"memory":{"hits":0,"misses":0,"total":0},`+
		`"disk":{"hits":0,"misses":0,"total":0}},"cpu":{"user":"00:00:00","kernel":"00:00:00","total cpu":"00:00:00"},`+
		`"memory":{"peak_per_node":33554624}},"dataset_statistics":[{"table_row_count":%d,"table_size":%d}]}`,
		seconds, a.rows, a.bytes)
}

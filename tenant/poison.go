package tenant

import (
	"cmp"
	"errors"
	"maps"
	"sync"
	"time"

	"hunting-exporter/schema"
)

// poison is a stretch of a table that no query gets rows of.
type poison struct {
	span   span
	refuse func(Call) Fault
}

type poisons struct {
	mu sync.RWMutex
	of map[string][]poison // by table; replaced as a whole, never changed in place
}

// Poison answers each query that would return a row which came in within [from, to)
// with the Fault that refuse gives: what the API does for rows that it cannot
// deliver. Queries that only count such rows work. A Fault without Status and Body
// lets the query through. Ranges add up until Cure.
func (t *Tenant) Poison(table string, from, to time.Time, refuse func(Call) Fault) {
	p := poison{span: span{schema.ToTicks(from), schema.ToTicks(to)}, refuse: refuse}
	t.poison.edit(func(of map[string][]poison) {
		of[table] = append(of[table][:len(of[table]):len(of[table])], p)
	})
}

// Cure ends what Poison did to a table.
func (t *Tenant) Cure(table string) {
	t.poison.edit(func(of map[string][]poison) { delete(of, table) })
}

func (p *poisons) edit(change func(map[string][]poison)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := map[string][]poison{}
	maps.Copy(next, p.of)
	change(next)
	p.of = next
}

func (p *poisons) now() map[string][]poison {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.of
}

// poisoned is a query that met a poisoned row; its Fault is the answer.
type poisoned struct{ fault Fault }

func (p *poisoned) Error() string {
	return cmp.Or(p.fault.Body, "a row of the answer is poisoned")
}

// taste finds what a poisoned row does to a call.
func taste(of map[string][]poison, rel *relation, r *row, call Call) error {
	if len(of) == 0 || rel.origin == nil {
		return nil
	}
	tbl, ingested := rel.origin(r)
	if tbl == nil {
		return nil
	}
	for _, p := range of[tbl.name] {
		if !p.span.has(ingested) {
			continue
		}
		if f := p.refuse(call); f.instead() {
			return &poisoned{f}
		}
	}
	return nil
}

// poisonedFault is the Fault that err stands for, if it is such.
func poisonedFault(err error) (Fault, bool) {
	var p *poisoned
	if !errors.As(err, &p) {
		return Fault{}, false
	}
	return p.fault, true
}

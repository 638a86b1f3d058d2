// Package tenant is a simulated Microsoft Defender tenant behind real HTTP: the
// three hunting APIs, the token endpoint, quotas, silent truncation, late rows and
// faults.
//
// It guarantees that its answers are what the rows it holds say: Rows gives the
// truth that a test compares an export with, and the same seed gives the same rows.
package tenant

import (
	"cmp"
	"crypto/rand"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"hunting-exporter/tenant/data"
)

// Fixed credentials that an Options without any accepts.
const (
	DefaultTenantID     = "5f3c2e1a-7b64-4d0e-9c58-2a1b3c4d5e6f"
	DefaultClientID     = "0c9d8e7f-1a2b-4c3d-8e4f-5a6b7c8d9e0f"
	DefaultClientSecret = "simulated-secret"
)

// Options says how the tenant behaves; the zero value is a usual tenant.
type Options struct {
	// TenantID, ClientID and ClientSecret are what the token endpoint accepts;
	// empty ones are the Default constants.
	TenantID, ClientID, ClientSecret string
	// Domain is another name of the tenant that the token endpoint takes; empty: none.
	Domain string
	// Assertion judges a client assertion (certificate or federated token); nil
	// accepts any that is not empty.
	Assertion func(assertion string) bool
	// Roles are the permissions consented to; nil is all three.
	Roles []string
	// Now is the clock of visibility, retention, quotas and tokens; nil is time.Now.
	Now func() time.Time
	// MaxRows is the row cap of an answer, cut without a word; 0 is 100,000.
	MaxRows int
	// MaxBytes is the size that the rows of an answer may have; 0 is 50 MB.
	MaxBytes int64
	// CallsPerMinute and CallsPerHour are quotas: 0 is 45 a minute and none an
	// hour, negative is none.
	CallsPerMinute, CallsPerHour int
	// SizeOnly answers each row of a table as {}, so that planning can be measured at
	// any size; counts and other computed rows stay. What the size cap judges and
	// Record tells is the size that the rows would have by the mean of the answer's
	// first hundred.
	SizeOnly bool
	// TokenLifetime is how long a token is accepted; 0 is an hour.
	TokenLifetime time.Duration
	// Latency is asked before each hunting answer; nil is none.
	Latency func() time.Duration
}

// Tenant is one simulated tenant and an http.Handler. Its methods may be called
// at any time, also while it serves.
type Tenant struct {
	o       Options
	signing []byte

	mu     sync.RWMutex
	tables map[string]*data.Table // replaced as a whole entry, never changed in place

	quota   quota
	stats   stats
	fault   faults
	failing failRanges
	caps    caps
}

// New makes an empty tenant: every table of the catalogue that nothing was put
// into is one that the tenant does not have.
func New(o Options) *Tenant {
	o.TenantID = cmp.Or(o.TenantID, DefaultTenantID)
	o.ClientID = cmp.Or(o.ClientID, DefaultClientID)
	o.ClientSecret = cmp.Or(o.ClientSecret, DefaultClientSecret)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CallsPerMinute == 0 {
		o.CallsPerMinute = 45
	}
	if o.TokenLifetime == 0 {
		o.TokenLifetime = time.Hour
	}
	if o.Roles == nil {
		o.Roles = []string{"ThreatHunting.Read.All", "AdvancedHunting.Read.All", "AdvancedQuery.Read.All"}
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails; see crypto/rand
	t := &Tenant{o: o, signing: key, tables: map[string]*data.Table{}}
	t.SetMaxRows(o.MaxRows)
	t.SetMaxBytes(o.MaxBytes)
	return t
}

// caps is what bounds an answer; it may change while the tenant serves.
type caps struct{ rows, bytes atomic.Int64 }

// SetMaxRows changes the row cap for the answers from now on, without a word to
// anyone; 0 is 100,000.
func (t *Tenant) SetMaxRows(n int) { t.caps.rows.Store(int64(cmp.Or(n, 100_000))) }

// SetMaxBytes changes the size cap for the answers from now on; 0 is 50 MB.
func (t *Tenant) SetMaxBytes(n int64) { t.caps.bytes.Store(cmp.Or(n, 50_000_000)) }

// TenantID is the tenant's id, as tokens and the demo need it.
func (t *Tenant) TenantID() string { return t.o.TenantID }

// database is the tenant as queries see it.
type database struct{ t *Tenant }

// Table returns the table as it is now; what was returned never changes.
func (d database) Table(name string) (*data.Table, bool) { return d.t.table(name) }

// Names is the tables that there are.
func (d database) Names() []string {
	d.t.mu.RLock()
	defer d.t.mu.RUnlock()
	return slices.Sorted(maps.Keys(d.t.tables))
}

func (t *Tenant) table(name string) (*data.Table, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	tbl, ok := t.tables[name]
	return tbl, ok
}

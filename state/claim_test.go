package state_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	_ "hunting-exporter/internal/racetest"
	"hunting-exporter/state"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errLost = errors.New("connection lost")

// store is an object store of one document whose answers can be lost.
type store struct {
	mu   sync.Mutex
	data []byte
	etag int
	puts []string // If-Match of every put that arrived
	// onPut sees each put before it is applied and may apply it itself; an error
	// becomes the answer and the put is not applied again.
	onPut func(apply func()) error
	onGet func() error
}

// put and get exchange the hooks; nil: none.
func (s *store) put(f func(apply func()) error) { s.mu.Lock(); s.onPut = f; s.mu.Unlock() }
func (s *store) get(f func() error)             { s.mu.Lock(); s.onGet = f; s.mu.Unlock() }

func (s *store) hooks() (func(apply func()) error, func() error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.onPut, s.onGet
}

func (s *store) Get(context.Context, string) ([]byte, string, error) {
	if _, hook := s.hooks(); hook != nil {
		if err := hook(); err != nil {
			return nil, "", err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.etag == 0 {
		return nil, "", blob.ErrNotFound
	}
	return s.data, fmt.Sprint(s.etag), nil
}

func (s *store) Put(_ context.Context, _ string, data []byte, c blob.Condition) (etag string, err error) {
	apply := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.puts = append(s.puts, c.IfMatch)
		switch {
		case c.Absent && s.etag > 0, c.IfMatch != "" && c.IfMatch != fmt.Sprint(s.etag):
			err = blob.ErrPrecondition
			return
		}
		s.etag++
		s.data, etag, err = data, fmt.Sprint(s.etag), nil
	}
	if hook, _ := s.hooks(); hook != nil {
		if lost := hook(apply); lost != nil {
			return "", lost
		}
	}
	apply()
	return etag, err
}

func (s *store) Delete(context.Context, string) error { return nil }

const lease = time.Minute

func acquire(s *store, run string) (*state.Claim, error) {
	return state.NewStore(s, state.LockCAS, lease).Acquire(context.Background(), "T", run,
		func() state.Document { return state.Document{} }, func(state.Document) error { return nil })
}

func hold(t *testing.T, s *store) *state.Claim {
	t.Helper()
	c, err := acquire(s, "one")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Release(context.Background()) })
	return c
}

func setSeq(n int64) func(*state.Document) { return func(d *state.Document) { d.Seq = n } }

// once makes only the first put after now go through f.
func (s *store) once(f func(apply func()) error) {
	s.put(func(apply func()) error {
		s.put(nil)
		return f(apply)
	})
}

// TestAnswerLost goes through the protocol's table "a state write whose answer is not known".
func TestAnswerLost(t *testing.T) {
	cases := []struct {
		name  string
		fault func(s *store, apply func()) error
		want  func(err error) bool
		seq   int64 // in the store afterwards
	}{
		{"it took effect", func(_ *store, apply func()) error { apply(); return errLost }, isNil, 7},
		{"it took effect and the repeat met 412", func(_ *store, apply func()) error { apply(); return blob.ErrPrecondition }, isNil, 7},
		{"it never arrived", func(*store, func()) error { return errLost }, isNil, 7},
		{"another run took over", func(s *store, _ func()) error { overtake(s); return errLost }, isLost, 0},
		{"it took effect and another run took over", func(s *store, apply func()) error { apply(); overtake(s); return errLost }, isLost, 7},
		{"the document was deleted", func(s *store, _ func()) error { s.mu.Lock(); s.etag = 0; s.mu.Unlock(); return errLost }, isNotFound, 0},
		{"refused", func(*store, func()) error { return blob.ErrDenied }, func(err error) bool { return errors.Is(err, blob.ErrDenied) }, 0},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &store{}
				c := hold(t, s)
				s.once(func(apply func()) error { return tc.fault(s, apply) })
				if _, err := c.Update(t.Context(), setSeq(7)); !tc.want(err) {
					t.Errorf("update ended with %v", err)
				}
				s.put(nil)
				doc, err := state.NewStore(s, state.LockCAS, lease).Load(t.Context(), "T")
				if err == nil && doc.Seq != tc.seq {
					t.Errorf("the store has seq %d, want %d", doc.Seq, tc.seq)
				}
			})
		})
	}
}

func isNil(err error) bool      { return err == nil }
func isNotFound(err error) bool { return errors.Is(err, blob.ErrNotFound) }
func isLost(err error) bool {
	var lost *state.LostError
	return errors.As(err, &lost) && lost.Run == "two"
}

func overtake(s *store) {
	time.Sleep(2 * lease)
	s.put(nil)
	c, err := acquire(s, "two")
	if err == nil {
		c.Release(context.Background())
	}
}

// TestTheSameRequestAgain: while a put may still arrive, only the very same put follows it.
func TestTheSameRequestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c := hold(t, s)
		before := len(s.puts)
		var late func()
		s.once(func(apply func()) error { late = apply; return errLost })
		if _, err := c.Update(t.Context(), setSeq(7)); err != nil {
			t.Fatal(err)
		}
		late() // arrives after its repeat took effect
		if n := len(s.puts) - before; n != 2 || s.puts[before] != s.puts[before+1] {
			t.Errorf("puts carried If-Match %v", s.puts[before:])
		}
		if doc, err := c.Update(t.Context(), setSeq(8)); err != nil || doc.Seq != 8 {
			t.Errorf("next update: %v, %v", doc.Seq, err)
		}
	})
}

// TestUnknown: a store that never answers leaves the outcome unknown and ends the claim.
func TestUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c := hold(t, s)
		s.put(func(func()) error { return errLost })
		s.get(func() error { return errLost })
		start := time.Now()
		_, err := c.Update(t.Context(), setSeq(7))
		var unknown *state.UnknownError
		if !errors.As(err, &unknown) {
			t.Fatalf("update ended with %v", err)
		}
		if took := time.Since(start); took > time.Minute {
			t.Errorf("it took %v", took)
		}
		<-c.Over()
		if _, err := c.Update(t.Context(), setSeq(8)); !errors.As(err, &unknown) {
			t.Errorf("a later update ended with %v", err)
		}
	})
}

// TestLease: a live claim is respected, renewed, released, and runs out by itself.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		first := hold(t, s)
		time.Sleep(5 * lease) // renewed all along
		var held *state.HeldError
		if _, err := acquire(s, "two"); !errors.As(err, &held) || held.Run != "one" {
			t.Fatalf("second run: %v", err)
		}
		first.Release(t.Context())
		second, err := acquire(s, "two")
		if err != nil {
			t.Fatal(err)
		}
		s.put(func(func()) error { return errLost }) // two is dead from here on
		time.Sleep(3 * lease)
		<-second.Over()
		s.put(nil)
		third, err := acquire(s, "three")
		if err != nil {
			t.Fatal(err)
		}
		third.Release(t.Context())
	})
}

// TestWhatIsReleasedIsNotRenewed: even if it was time to renew while it was released.
func TestWhatIsReleasedIsNotRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for range 20 {
			s := &store{}
			first := hold(t, s)
			s.once(func(func()) error {
				time.Sleep(lease/3 + time.Second)
				return nil
			})
			first.Release(t.Context())
			second, err := acquire(s, "two")
			if err != nil {
				t.Fatal(err)
			}
			second.Release(t.Context())
		}
	})
}

// TestAcquireAfterRenewal: the old owner wrote between our read and our write; what
// it wrote is not overwritten.
func TestAcquireAfterRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		old := hold(t, s)
		s.put(func(func()) error { return errLost })
		time.Sleep(lease + time.Second) // its lease runs out while it still tries to renew
		s.once(func(func()) error {
			time.Sleep(3 * time.Second) // meanwhile the old owner's renewal goes through
			return nil
		})
		second, err := acquire(s, "two")
		var held *state.HeldError
		if !errors.As(err, &held) || held.Run != "one" {
			second.Release(t.Context())
			t.Fatalf("acquire: %v", err)
		}
		if _, err := old.Update(t.Context(), setSeq(3)); err != nil {
			t.Errorf("old owner: %v", err)
		}
	})
}

// TestCheckRefuses: a refusal before acquire changes nothing.
func TestCheckRefuses(t *testing.T) {
	s := &store{}
	no := errors.New("no")
	_, err := state.NewStore(s, state.LockCAS, lease).Acquire(t.Context(), "T", "one",
		func() state.Document { return state.Document{} }, func(state.Document) error { return no })
	if !errors.Is(err, no) || len(s.puts) != 0 {
		t.Errorf("got %v after %d puts", err, len(s.puts))
	}
}

// TestVersion2: an earlier document is read, and written as this version from then on.
func TestVersion2(t *testing.T) {
	s := &store{data: []byte(`{"version":2,"dataset":"T","epoch":4,"seq":3}`), etag: 1}
	c, err := acquire(s, "one")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Release(t.Context())
	if doc, err := c.Look(t.Context()); err != nil || doc.Version != 3 || doc.Epoch != 5 || doc.Seq != 3 || !strings.Contains(string(s.data), `"version": 3`) {
		t.Errorf("%+v, %v, stored as %s", doc, err, s.data)
	}
}

// TestForeignDocument: what is not ours is refused, never overwritten.
func TestForeignDocument(t *testing.T) {
	for _, data := range []string{"", "{", `{"version":9,"dataset":"T"}`, `{"version":1,"dataset":"U"}`} {
		s := &store{data: []byte(data), etag: 1}
		if _, err := acquire(s, "one"); err == nil || s.etag != 1 || strings.Contains(data, "version") && !hunting.Refused(err) {
			t.Errorf("%q: %v", data, err)
		}
	}
}

// TestConcurrentUpdates: renewals and updates never race.
func TestConcurrentUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &store{}
		c := hold(t, s)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				time.Sleep(time.Second)
				if _, err := c.Update(t.Context(), func(d *state.Document) { d.Rows++ }); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if doc, err := c.Look(t.Context()); err != nil || doc.Rows != 50 {
			t.Errorf("rows %d, %v", doc.Rows, err)
		}
	})
}

// TestEndIsOneWrite: how a run ended is told by the write that releases the claim.
func TestEndIsOneWrite(t *testing.T) {
	s := &store{}
	at := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for i, c := range []struct {
		end    state.End
		failed bool
		want   string // runs of Last, Success, Failure
	}{
		{state.End{Run: "a", At: at}, false, "a a -"},
		{state.End{Run: "b", At: at, Reason: "refused"}, true, "b a b"},
		{state.End{Run: "c", At: at, Reason: "stopped"}, false, "c a b"},
		{state.End{Run: "d", At: at}, false, "d d b"},
	} {
		claim, err := acquire(s, c.end.Run)
		if err != nil {
			t.Fatal(err)
		}
		before := len(s.puts)
		claim.End(t.Context(), func(d *state.Document) { d.Ended(c.end, c.failed) })
		doc, err := state.NewStore(s, state.LockCAS, lease).Load(t.Context(), "T")
		if err != nil {
			t.Fatal(err)
		}
		run := func(e *state.End) string {
			if e == nil {
				return "-"
			}
			return e.Run
		}
		if got := run(doc.Last) + " " + run(doc.Success) + " " + run(doc.Failure); got != c.want || *doc.Last != c.end {
			t.Errorf("end %d: %s, want %s", i+1, got, c.want)
		}
		if n := len(s.puts) - before; n != 1 || !doc.Lease.IsZero() {
			t.Errorf("end %d: %d writes, lease %v", i+1, n, doc.Lease)
		}
	}
}

package pipeline_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"hunting-exporter/blob"
	"hunting-exporter/pipeline/commit"
)

// world is everything outside of the runs: object store, uploads, lake, broker. It
// checks the guarantee at every moment something becomes visible.
type world struct {
	mu      sync.Mutex
	rng     *rand.Rand
	truth   int // rows 0..truth-1, one a second of ingestion time from epoch
	objects map[string]object
	etags   int
	uploads map[string]*upload
	lake    map[string]lakeObject
	broker  map[string]*coordinator // by transactional id
	kafka   map[int]int             // rows visible to read_committed
	decided map[string]bool         // commit ids
	atLeast bool                    // Kafka rows may repeat
	reject  int                     // rows divisible by it cannot be converted; 0: none
	large   int                     // events divisible by it are too large for Kafka; 0: none
	flip    bool                    // the schema changes every 17 rows
	faults  []string                // what was seen that must never be
	late    []func()                // requests still on their way
	deleted bool                    // Kafka's topic was
	mute    bool                    // Kafka does not tell the topic's end
	topic   string                  // another one than at first
	gone    []int64                 // events that runs say are gone with it
}

type object struct {
	data []byte
	etag string
}

type upload struct {
	key, sha, commit string
	rows             []int
}

type lakeObject struct {
	sha  string
	rows []int
}

// coordinator is one transactional id at the broker.
type coordinator struct {
	epoch  int
	rows   []int // of the open transaction, whoever of this epoch sent them
	added  *commit.Marker
	marker *commit.Marker
	stale  *commit.Marker // what OffsetFetch may still answer until the next Init
	fresh  bool
}

func newWorld(seed uint64, truth int) *world {
	return &world{
		rng: rand.New(rand.NewPCG(seed, 7)), truth: truth,
		objects: map[string]object{}, uploads: map[string]*upload{}, lake: map[string]lakeObject{},
		broker: map[string]*coordinator{}, kafka: map[int]int{}, decided: map[string]bool{},
	}
}

// listener hears what runs say of a topic that was deleted.
type listener struct{ w *world }

func (l listener) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }
func (l listener) WithAttrs([]slog.Attr) slog.Handler               { return l }
func (l listener) WithGroup(string) slog.Handler                    { return l }

func (l listener) Handle(_ context.Context, r slog.Record) error {
	if !strings.Contains(r.Message, "topic was deleted") {
		return nil
	}
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	gone := int64(-1)
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "events" {
			gone = a.Value.Int64()
		}
		return true
	})
	if l.w.gone = append(l.w.gone, gone); !l.w.deleted {
		l.w.wrong("kafka: %d events are said to be gone", gone)
	}
	return nil
}

func (w *world) wrong(format string, args ...any) {
	w.faults = append(w.faults, fmt.Sprintf(format, args...))
}

// client is one run's view of the world: it can lose answers, and it can die.
type client struct {
	w    *world
	dead bool
	// Probabilities of a request: lost before it arrives, answer lost, arriving late.
	before, after, delayed float64
	ops                    int
	dieAt                  int                                               // request number at which the process is killed; 0: never
	pause                  float64                                           // probability that the process stops for a while before a request
	beforePut              func(key string, data []byte, apply func()) error // nil: nothing; an error is the put's answer
	asleep                 time.Time                                         // until when the whole process stands still, its renewals too
}

// sleep stops the whole process, as a suspended machine would.
func (c *client) sleep(d time.Duration) {
	c.w.mu.Lock()
	c.asleep = time.Now().Add(d)
	c.w.mu.Unlock()
	time.Sleep(d)
}

// wake waits while the process stands still.
func (c *client) wake() {
	c.w.mu.Lock()
	if c.pause > 0 && c.w.rng.Float64() < c.pause {
		c.asleep = time.Now().Add(time.Duration(c.w.rng.IntN(200)) * time.Second)
	}
	wait := time.Until(c.asleep)
	c.w.mu.Unlock()
	time.Sleep(wait)
}

var errLost = errors.New("connection lost")

// ask is a request that only reads: it cannot arrive late.
func (c *client) ask(apply func() error) error { return c.request(apply, 0) }

// call is a request that changes something; it may arrive after its caller gave up.
func (c *client) call(apply func() error) error { return c.request(apply, c.delayed) }

// request carries out one request against the world, with the client's faults.
func (c *client) request(apply func() error, delayed float64) error {
	c.wake()
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	c.ops++
	if c.dieAt > 0 && c.ops >= c.dieAt {
		c.dead = true
		if c.w.rng.IntN(2) == 0 {
			_ = apply() // killed after sending
		}
	}
	if c.dead {
		return errLost
	}
	switch p := c.w.rng.Float64(); {
	case p < c.before:
		return errLost
	case p < c.before+c.after:
		_ = apply()
		return errLost
	case p < c.before+c.after+delayed:
		c.w.late = append(c.w.late, func() { _ = apply() })
		return errLost
	}
	return apply()
}

// deliverLate lets requests arrive that were on their way, in any order.
func (w *world) deliverLate(all bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.rng.Shuffle(len(w.late), func(i, j int) { w.late[i], w.late[j] = w.late[j], w.late[i] })
	for len(w.late) > 0 && (all || w.rng.IntN(3) > 0) {
		arrive := w.late[0]
		w.late = w.late[1:]
		arrive()
	}
}

// Objects.

type objects struct {
	c    *client
	root string
}

func (o objects) Get(_ context.Context, key string) (data []byte, etag string, err error) {
	err = o.c.ask(func() error {
		obj, ok := o.c.w.objects[o.root+key]
		if !ok {
			return blob.ErrNotFound
		}
		data, etag = obj.data, obj.etag
		return nil
	})
	return data, etag, err
}

func (o objects) Put(ctx context.Context, key string, data []byte, cond blob.Condition) (string, error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	w := o.c.w
	etag := "" // a late request may still set it
	apply := func() error {
		old, ok := w.objects[o.root+key]
		if cond.Absent && ok || cond.IfMatch != "" && (!ok || old.etag != cond.IfMatch) {
			return blob.ErrPrecondition
		}
		w.etags++
		etag = fmt.Sprint("e", w.etags)
		w.objects[o.root+key] = object{append([]byte(nil), data...), etag}
		w.noteIntent(data)
		return nil
	}
	if o.c.beforePut != nil {
		if err := o.c.beforePut(o.root+key, data, func() { w.mu.Lock(); defer w.mu.Unlock(); _ = apply() }); err != nil {
			return "", err
		}
	}
	err := o.c.call(apply)
	w.mu.Lock()
	defer w.mu.Unlock()
	return etag, err
}

func (o objects) Delete(_ context.Context, key string) error {
	return o.c.call(func() error { delete(o.c.w.objects, o.root+key); return nil })
}

func sum(rows []int) string {
	s := sha256.Sum256(fmt.Append(nil, rows))
	return hex.EncodeToString(s[:])
}

// show makes a completed upload visible and checks that it may be.
func (w *world) show(u *upload) {
	if !w.decided[u.commit] {
		w.wrong("lake: %s shows commit %s, which is not decided", u.key, u.commit)
	}
	w.lake[u.key] = lakeObject{u.sha, u.rows}
	seen := map[int]int{}
	for _, o := range w.lake {
		for _, r := range o.rows {
			if seen[r]++; seen[r] == 2 {
				w.wrong("lake: row %d twice", r)
			}
		}
	}
}

// Broker.

func (w *world) coordinator(id string) *coordinator {
	if w.broker[id] == nil {
		w.broker[id] = &coordinator{}
	}
	return w.broker[id]
}

func (w *world) commitTxn(c *coordinator) {
	for _, r := range c.rows {
		if w.kafka[r]++; w.kafka[r] == 2 && !w.atLeast {
			w.wrong("kafka: row %d twice", r)
		}
	}
	if c.added != nil {
		w.decided[c.added.ID] = true
		c.stale, c.marker, c.fresh = c.marker, c.added, false
	} else if len(c.rows) > 0 {
		w.wrong("kafka: rows committed without a marker")
	}
	c.rows, c.added = nil, nil
}

func secondOf(row int) time.Time { return origin.Add(time.Duration(row) * time.Second) }

var origin = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

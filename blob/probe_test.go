package blob_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"hunting-exporter/blob"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// judged is a store in memory that keeps conditions, with a say on what writers are told.
type judged struct {
	blob.Store // nil: what is not here is not asked
	mu         sync.Mutex
	rng        *rand.Rand
	data       map[string]string
	calls      int
	deleted    int
	judge      func(j *judged, key string, c blob.Condition, holds bool) (write bool, answer error)
}

func newJudged(seed uint64, judge func(*judged, string, blob.Condition, bool) (bool, error)) *judged {
	return &judged{rng: rand.New(rand.NewPCG(seed, 1)), data: map[string]string{}, judge: judge}
}

func (j *judged) URL() string { return "s3://lake" }

func (j *judged) Put(_ context.Context, key string, data []byte, c blob.Condition) (string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls++
	old, there := j.data[key]
	write, answer := j.judge(j, key, c, c == (blob.Condition{}) || c.Absent && !there || c.IfMatch != "" && there && c.IfMatch == digest(old))
	if write {
		j.data[key] = string(data)
	}
	if answer != nil {
		return "", answer
	}
	return digest(string(data)), nil
}

func (j *judged) Get(_ context.Context, key string) ([]byte, string, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls++
	data, there := j.data[key]
	if !there {
		return nil, "", blob.ErrNotFound
	}
	return []byte(data), digest(data), nil
}

func (j *judged) Delete(_ context.Context, key string) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.calls++
	j.deleted++
	delete(j.data, key)
	return nil
}

func honest(_ *judged, _ string, _ blob.Condition, holds bool) (bool, error) {
	if !holds {
		return false, blob.ErrPrecondition
	}
	return true, nil
}

// TestProbeFindsFaultyStores: each fault is named, with the way out, and nothing is left.
func TestProbeFindsFaultyStores(t *testing.T) {
	t.Parallel()
	ignoring := func(ignored func(blob.Condition) bool) func(*judged, string, blob.Condition, bool) (bool, error) {
		return func(j *judged, key string, c blob.Condition, holds bool) (bool, error) {
			return honest(j, key, c, holds || ignored(c))
		}
	}
	told := 0 // in all races
	for name, c := range map[string]struct {
		judge func(*judged, string, blob.Condition, bool) (bool, error)
		words []string
	}{
		"all":      {ignoring(func(blob.Condition) bool { return true }), []string{"ignores conditional writes", "If-None-Match", "STATE_LOCK=none"}},
		"create":   {ignoring(func(c blob.Condition) bool { return c.Absent }), []string{"ignores conditional writes", "If-None-Match", "STATE_LOCK=none"}},
		"if-match": {ignoring(func(c blob.Condition) bool { return c.IfMatch != "" }), []string{"ignores conditional writes", "under If-Match", "STATE_LOCK=none"}},
		"two told": {func(_ *judged, _ string, c blob.Condition, holds bool) (bool, error) {
			if told++; holds || told == 5 {
				return holds, nil
			}
			return false, blob.ErrPrecondition
		}, []string{"lets several writers win: 2 of 8", "STATE_LOCK=none"}},
		"the wrong one": {func(j *judged, _ string, _ blob.Condition, holds bool) (bool, error) {
			if holds {
				return true, nil
			}
			return true, blob.ErrPrecondition
		}, []string{"gives back other bytes"}},
		"no conditions": {func(j *judged, key string, c blob.Condition, holds bool) (bool, error) {
			if c != (blob.Condition{}) {
				return false, fmt.Errorf("put: %w: 501", blob.ErrUnsupported)
			}
			return honest(j, key, c, holds)
		}, []string{"knows no conditional writes", "501", "STATE_LOCK=none"}},
	} {
		s := newJudged(1, c.judge)
		err := blob.Probe(t.Context(), s, true)
		if !errors.Is(err, blob.ErrSetting) {
			t.Errorf("%s: %v, want a wrong setting", name, err)
			continue
		}
		for _, word := range append(c.words, "s3://lake") {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %v, want %q", name, err, word)
			}
		}
		if len(s.data) > 0 {
			t.Errorf("%s: probe left %v", name, s.data)
		}
	}
}

// hasty is a store that checks a condition and writes in two steps, so that of writers that
// come at once two may win.
type hasty struct {
	*judged
	at map[string]int // writers by key, condition and time
}

func raceOf(key string, c blob.Condition, at time.Time) string {
	return fmt.Sprint(key, c, at.UnixNano())
}

func (h hasty) Put(ctx context.Context, key string, data []byte, c blob.Condition) (string, error) {
	const takes = time.Millisecond // of virtual time: who comes at once has come
	h.mu.Lock()
	h.at[raceOf(key, c, time.Now().Add(takes))]++
	h.mu.Unlock()
	time.Sleep(takes)
	return h.judged.Put(ctx, key, data, c)
}

// TestProbeFindsSeveralWinners: a store in which one race in ten has one winner is never
// taken for one that can guard the state.
func TestProbeFindsSeveralWinners(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for seed := range uint64(200) {
			at, lucky, told := map[string]int{}, map[string]bool{}, map[string]bool{} // by race
			s := newJudged(seed, func(j *judged, key string, c blob.Condition, holds bool) (bool, error) {
				race := raceOf(key, c, time.Now())
				if _, began := lucky[race]; !began {
					lucky[race] = j.rng.IntN(10) == 0
				}
				if holds {
					return true, nil
				}
				if at[race] == 1 || lucky[race] || told[race] {
					return false, blob.ErrPrecondition
				}
				told[race] = true // one of the losers, and no more
				return false, nil
			})
			if err := blob.Probe(t.Context(), hasty{s, at}, true); !errors.Is(err, blob.ErrSetting) {
				t.Errorf("store %d passes: %v", seed, err)
			}
		}
	})
}

// TestProbeOfALoadedStore: whatever losers are told, and although winners' answers get
// lost, a store that keeps conditions is accepted.
func TestProbeOfALoadedStore(t *testing.T) {
	t.Parallel()
	excuses := []error{blob.ErrPrecondition, context.DeadlineExceeded, errors.New("503 SlowDown"), errors.New("409 ConditionalRequestConflict"), errors.New("connection reset")}
	for seed := range uint64(200) {
		s := newJudged(seed, func(j *judged, _ string, _ blob.Condition, holds bool) (bool, error) {
			if holds && j.rng.IntN(2) == 0 {
				return true, nil
			}
			return holds, excuses[j.rng.IntN(len(excuses))]
		})
		if err := blob.Probe(t.Context(), s, true); err != nil {
			t.Errorf("store %d: %v", seed, err)
		}
	}
	down := newJudged(1, func(*judged, string, blob.Condition, bool) (bool, error) { return false, excuses[2] })
	if err := blob.Probe(t.Context(), down, true); !errors.Is(err, excuses[2]) || errors.Is(err, blob.ErrSetting) {
		t.Errorf("a store that is down: %v", err)
	}
}

// down is a store that nothing reaches.
type down struct{ *judged }

var errDown = errors.New("dial tcp 127.0.0.1:1: connection refused")

func (down) Put(context.Context, string, []byte, blob.Condition) (string, error) { return "", errDown }

func (down) Get(context.Context, string) ([]byte, string, error) { return nil, "", errDown }
func (down) Delete(context.Context, string) error                { return errDown }

// TestProbeOfAStoreThatIsDown: nothing is said of how it keeps conditions.
func TestProbeOfAStoreThatIsDown(t *testing.T) {
	if err := blob.Probe(t.Context(), down{newJudged(1, honest)}, true); !errors.Is(err, errDown) || err.Error() != errDown.Error() {
		t.Errorf("got %v", err)
	}
}

// TestProbeOfAnIdentityWithoutRights: the refusal is passed on, and nothing is left to
// delete.
func TestProbeOfAnIdentityWithoutRights(t *testing.T) {
	t.Parallel()
	for _, conditional := range []bool{true, false} {
		s := newJudged(1, func(*judged, string, blob.Condition, bool) (bool, error) { return false, blob.ErrDenied })
		if err := blob.Probe(t.Context(), s, conditional); !errors.Is(err, blob.ErrDenied) {
			t.Errorf("conditional %v: %v, want ErrDenied", conditional, err)
		}
		if s.deleted > 0 {
			t.Errorf("conditional %v: %d objects were deleted that nobody wrote", conditional, s.deleted)
		}
	}
}

// TestRequestsOfAProbe: what a start of the exporter costs.
func TestRequestsOfAProbe(t *testing.T) {
	t.Parallel()
	for conditional, want := range map[bool]int{true: 38, false: 3} {
		s := newJudged(1, honest)
		if err := blob.Probe(t.Context(), s, conditional); err != nil || s.calls != want {
			t.Errorf("%d requests, %v; want %d", s.calls, err, want)
		}
	}
}

func digest(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

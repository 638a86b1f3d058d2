package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"hunting-exporter/internal/crash"
)

// How many writers race for an object, and for how many objects, created and replaced
// each. A store that lets two of two win nine times in ten passes once in 10,000 probes.
const (
	probeWriters = 8
	probeObjects = 2
)

// Probe shows that a store gives back what was written, and, if it must be conditional,
// that of several writers at once one wins at most, by If-None-Match as by If-Match. It
// writes small objects below probe/ and removes them: 38 requests, or 3.
func Probe(ctx context.Context, s Store, conditional bool) error {
	if !conditional {
		return withObject(ctx, s, func(p *probe) error { return p.plain(ctx) })
	}
	var objects errgroup.Group
	for range probeObjects {
		objects.Go(func() error {
			defer crash.Exit()
			return withObject(ctx, s, func(p *probe) error { return p.races(ctx) })
		})
	}
	return objects.Wait()
}

// probe is one object of a store, and what is known of it.
type probe struct {
	store Store
	key   string
	clean bool // nothing can have been written
}

func withObject(ctx context.Context, s Store, check func(*probe) error) error {
	p := &probe{store: s, key: "probe/" + rand.Text()}
	err := check(p)
	if p.clean {
		return err
	}
	// The caller's time may be over; the object should go all the same.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if left := s.Delete(ctx, p.key); err == nil {
		err = left
	}
	return err
}

// plain writes without a condition and reads.
func (p *probe) plain(ctx context.Context) error {
	written := []byte(rand.Text())
	if _, err := p.store.Put(ctx, p.key, written, Condition{}); err != nil {
		p.clean = refusal(err)
		return err
	}
	_, err := p.read(ctx, written)
	return err
}

// races lets writers race to create the object, then to replace it.
func (p *probe) races(ctx context.Context) error {
	etag, err := p.race(ctx, Condition{Absent: true}, "If-None-Match: *")
	if err == nil {
		_, err = p.race(ctx, Condition{IfMatch: etag}, "If-Match")
	}
	return err
}

// writer is one of those that race, and what it was told.
type writer struct {
	data []byte // no two alike, so that no ETag comes twice
	err  error
}

// race sends writes on the same condition at once and returns the object's ETag. That
// writers are refused, fail or come late is no fault; that two are told they won is.
func (p *probe) race(ctx context.Context, c Condition, condition string) (etag string, err error) {
	start, ended := make(chan struct{}), make(chan writer)
	for range probeWriters {
		go func() {
			defer crash.Exit()
			w := writer{data: []byte(rand.Text())}
			<-start
			_, w.err = p.store.Put(ctx, p.key, w.data, c)
			ended <- w
		}()
	}
	close(start)
	var won, lost []writer
	for range probeWriters {
		if w := <-ended; w.err == nil {
			won = append(won, w)
		} else {
			lost = append(lost, w)
		}
	}
	switch {
	case len(won) == probeWriters:
		return "", p.unguarded("ignores conditional writes: all of %d writers at once under %s were told that they had won", probeWriters, condition)
	case len(won) > 1:
		return "", p.unguarded("lets several writers win: %d of %d at once under %s were told that they had", len(won), probeWriters, condition)
	case len(won) == 1:
		return p.read(ctx, won[0].data)
	}
	return p.unanswered(ctx, lost, c)
}

// unanswered looks for a winner whose answer was lost: sent again, its write was refused.
func (p *probe) unanswered(ctx context.Context, lost []writer, c Condition) (etag string, err error) {
	why, written := lost[0].err, false
	for _, w := range lost {
		if errors.Is(why, ErrPrecondition) {
			why = w.err // says more
		}
		written = written || !refusal(w.err)
	}
	switch {
	case errors.Is(why, ErrUnsupported):
		return "", p.unguarded("knows no conditional writes (%v)", why)
	case !written:
		p.clean = c.Absent
		return "", why
	}
	data, etag, err := p.store.Get(ctx, p.key)
	for _, w := range lost {
		if err == nil && bytes.Equal(w.data, data) {
			return etag, nil
		}
	}
	if err != nil && !errors.Is(err, ErrNotFound) { // nothing reaches the store
		return "", why
	}
	return "", fmt.Errorf("none of %d writers at once under a condition that holds has won: %w", len(lost), why)
}

// read reads the object, which must be what was written.
func (p *probe) read(ctx context.Context, written []byte) (etag string, err error) {
	data, etag, err := p.store.Get(ctx, p.key)
	switch {
	case err != nil:
		return "", fmt.Errorf("read what was written: %w", err)
	case bytes.Equal(data, written):
		return etag, nil
	case bytes.Contains(data, written):
		return "", fmt.Errorf("%w: %s keeps the checksum's framing as part of an object, %d bytes where %d were written; set S3_CHECKSUM=when_required",
			ErrSetting, p.store.URL(), len(data), len(written))
	}
	return "", fmt.Errorf("%w: %s gives back other bytes than were written and acknowledged; use another store", ErrSetting, p.store.URL())
}

// unguarded is the store's fault, and what to do about it.
func (p *probe) unguarded(fault string, args ...any) error {
	return fmt.Errorf("%w: %s %s; two runs at once could both export: use another store, or STATE_LOCK=none with a single writer",
		ErrSetting, p.store.URL(), fmt.Sprintf(fault, args...))
}

// refusal reports whether an error means that nothing was or will be written.
func refusal(err error) bool { return errors.Is(err, ErrDenied) || errors.Is(err, ErrSetting) }

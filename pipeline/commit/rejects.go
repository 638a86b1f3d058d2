package commit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"

	"hunting-exporter/hunting"
)

// rejectChunk is how many bytes of rejected rows are held before they are written.
const rejectChunk = 4 << 20

// rejectLog writes what an attempt rejects under the attempt's own keys. Only
// the keys that the commit's manifest names count.
type rejectLog struct {
	objects Objects
	attempt Attempt

	mu     sync.Mutex
	buf    bytes.Buffer
	keys   []string
	events int64 // that the topic does not take
}

// refuse takes an event that the topic does not take.
func (l *rejectLog) refuse(ctx context.Context, r hunting.Reject) error {
	l.mu.Lock()
	l.events++
	l.mu.Unlock()
	return l.add(ctx, []hunting.Reject{r})
}

func (l *rejectLog) add(ctx context.Context, rejects []hunting.Reject) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	enc := json.NewEncoder(&l.buf)
	for _, rej := range rejects {
		if !json.Valid(rej.Row) { // keep it whatever it is
			rej.Row, _ = json.Marshal(string(rej.Row))
		}
		if err := enc.Encode(rej); err != nil {
			return fmt.Errorf("encode rejected row: %w", err)
		}
		if l.buf.Len() >= rejectChunk {
			if err := l.write(ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// flush writes what is left and returns every key, and how many events were refused.
func (l *rejectLog) flush(ctx context.Context) (keys []string, events int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.buf.Len() > 0 {
		if err := l.write(ctx); err != nil {
			return nil, 0, err
		}
	}
	return l.keys, l.events, nil
}

func (l *rejectLog) write(ctx context.Context) error {
	key := fmt.Sprintf("rejects/%s/%s-%d.ndjson", l.attempt.Dataset.Name, l.attempt.Name(), len(l.keys))
	if err := PutOnce(ctx, l.objects, key, l.buf.Bytes()); err != nil {
		return fmt.Errorf("write rejects: %w", err)
	}
	l.keys = append(l.keys, key)
	l.buf.Reset()
	return nil
}

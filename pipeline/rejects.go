package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
)

// rejectChunk is how many bytes of rejected rows are held before they are written.
const rejectChunk = 4 << 20

// rejectLog writes an attempt's rejected rows under the attempt's own keys. Only
// the keys that the commit's manifest names count.
type rejectLog struct {
	objects Objects
	attempt Attempt
	buf     bytes.Buffer
	keys    []string
}

func (l *rejectLog) add(ctx context.Context, rejects []Reject) error {
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

// flush writes what is left and returns every key.
func (l *rejectLog) flush(ctx context.Context) ([]string, error) {
	if l.buf.Len() > 0 {
		if err := l.write(ctx); err != nil {
			return nil, err
		}
	}
	return l.keys, nil
}

func (l *rejectLog) write(ctx context.Context) error {
	key := fmt.Sprintf("rejects/%s/%s-%d.ndjson", l.attempt.Dataset.Name, l.attempt.Name(), len(l.keys))
	if err := putOnce(ctx, l.objects, key, l.buf.Bytes()); err != nil {
		return fmt.Errorf("write rejected rows: %w", err)
	}
	l.keys = append(l.keys, key)
	l.buf.Reset()
	return nil
}

package commit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"hunting-exporter/blob"
	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// intent is the body of a pending commit: all that is needed to publish or abort it.
type intent struct {
	Manifest Manifest `json:"manifest"`
	// Receipts are what each publisher needs to publish or abort its share.
	Receipts map[string]json.RawMessage `json:"receipts,omitempty"`
	// Dropped are objects that nothing names once the commit is finished.
	Dropped []string `json:"dropped,omitempty"`

	Next state.Progress `json:"-"` // goes into the state document
}

func intentKey(a Attempt) string { return "intents/" + a.Dataset.Name + "/" + a.Name() + ".json" }

// each does something with the receipt of every publisher.
func (in intent) each(publishers []Publisher, do func(Publisher, json.RawMessage) error) error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(in.Receipts)) {
		at := slices.IndexFunc(publishers, func(p Publisher) bool { return p.Name() == name })
		if at < 0 {
			return hunting.Refuse("commit %d waits to be visible in %q, which this run does not write: run once with it", in.Manifest.Seq, name)
		}
		all = append(all, do(publishers[at], in.Receipts[name]))
	}
	return errors.Join(all...)
}

// publish makes every publisher's share visible.
func (in intent) publish(ctx context.Context, s *Session) error {
	return in.each(s.Publishers, func(p Publisher, receipt json.RawMessage) error {
		return p.Publish(ctx, s.dataset.Name, receipt)
	})
}

// abort drops every publisher's share.
func (in intent) abort(ctx context.Context, s *Session) error {
	return in.each(s.Publishers, func(p Publisher, receipt json.RawMessage) error {
		return p.Abort(ctx, s.dataset.Name, receipt)
	})
}

// writeIntent stores the body under the attempt's own key and returns its sha256.
func writeIntent(ctx context.Context, objects Objects, key string, in intent) (string, error) {
	body, err := json.Marshal(in)
	if err != nil {
		return "", fmt.Errorf("encode intent %s: %w", key, err)
	}
	if err := PutOnce(ctx, objects, key, body); err != nil {
		return "", fmt.Errorf("write intent %s: %w", key, err)
	}
	return Sum(body), nil
}

// readIntent reads the body that a pending commit names.
func readIntent(ctx context.Context, objects Objects, p *state.Pending) (intent, error) {
	body, _, err := objects.Get(ctx, p.Body)
	if err != nil {
		return intent{}, fmt.Errorf("read intent %s of commit %d: %w", p.Body, p.Seq, err)
	}
	if sum := Sum(body); sum != p.BodySHA256 {
		return intent{}, hunting.Alarm("intent %s of commit %d has sha256 %s, the state says %s: somebody changed it; restore the object", p.Body, p.Seq, sum, p.BodySHA256)
	}
	var in struct {
		intent
		Files json.RawMessage `json:"files"` // of version 2: the lake's receipt
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return intent{}, fmt.Errorf("decode intent %s: %w", p.Body, err)
	}
	if text := string(in.Files); text != "" && text != "null" {
		in.Receipts = map[string]json.RawMessage{LakeName: in.Files}
	}
	return in.intent, nil
}

// PutOnce creates an object, or finds it there with the same bytes.
func PutOnce(ctx context.Context, objects Objects, key string, body []byte) error {
	_, err := objects.Put(ctx, key, body, blob.Condition{Absent: true})
	if !errors.Is(err, blob.ErrPrecondition) {
		return err
	}
	found, _, err := objects.Get(ctx, key) // our own lost answer, or another who published the same
	if err != nil {
		return err
	}
	if Sum(found) != Sum(body) {
		return fmt.Errorf("%s: %w", key, ErrForeignObject)
	}
	return nil
}

// Sum is the sha256 of an object, as hex digits.
func Sum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

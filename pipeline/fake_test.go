package pipeline_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/schema"
	"hunting-exporter/state"
)

// noteIntent records commits that a state document decides.
func (w *world) noteIntent(data []byte) {
	if !bytes.Contains(data, []byte(`"pending"`)) {
		return
	}
	var doc state.Document
	if json.Unmarshal(data, &doc) == nil && doc.Pending != nil && doc.Pending.Decider == state.DeciderState {
		w.decided[doc.Pending.Commit] = true
	}
}

// fakeSource emits one page a stretch of rows: their numbers, comma-separated.
type fakeSource struct {
	w    *world
	page time.Duration
	fail func(hunting.Window) error // nil: never
}

func (s fakeSource) Pace(string) hunting.Estimate { return hunting.Estimate{} }

func (s fakeSource) Count(context.Context, hunting.Counting) ([]hunting.Count, error) {
	return nil, errors.New("this source does not count")
}

func (s fakeSource) Read(ctx context.Context, q hunting.Reading, emit func(hunting.Page) error) error {
	for _, part := range q.Parts {
		if err := s.read(ctx, part.Window, emit); err != nil {
			return err
		}
	}
	return nil
}

func (s fakeSource) read(ctx context.Context, win hunting.Window, emit func(hunting.Page) error) error {
	for start := win.Start; start.Before(win.End); start = start.Add(s.page) {
		end := start.Add(s.page)
		if end.After(win.End) {
			end = win.End
		}
		page := hunting.Window{Start: start, End: end}
		if s.fail != nil {
			if err := s.fail(page); err != nil {
				return err
			}
		}
		var rows []int
		for r := range s.w.truth {
			if at := secondOf(r); !at.Before(start) && at.Before(end) {
				rows = append(rows, r)
			}
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := emit(pageOf(hunting.Part{Window: page}, rows...)); err != nil {
			return err
		}
	}
	return nil
}

// pageOf is a page of rows with these numbers.
func pageOf(part hunting.Part, rows ...int) hunting.Page {
	p := hunting.Page{Part: part}
	if len(rows) > 0 {
		p.Answer.Record = recordOf("Row", rows)
	}
	return p
}

// recordOf is one column of numbers.
func recordOf(name string, rows []int) arrow.Record {
	b := array.NewInt64Builder(memory.DefaultAllocator)
	for _, r := range rows {
		b.Append(int64(r))
	}
	s, err := schema.Arrow([]schema.Column{{Name: name, Type: "Int64"}})
	if err != nil {
		panic(err)
	}
	return array.NewRecord(s, []arrow.Array{b.NewArray()}, int64(len(rows)))
}

// transformer rejects rows that are divisible by rejectEvery.
type transformer struct {
	rejectEvery int
	name        func(row int) string // column name, to change the schema; nil: Row
}

func (t transformer) Transform(_ context.Context, _ hunting.Dataset, columns *schema.Evolution, p hunting.Page) (hunting.Batch, error) {
	defer p.Release()
	b := hunting.Batch{Part: p.Part}
	var rows []int
	name := "Row"
	for _, n := range rowsOf(hunting.Batch{Record: p.Answer.Record}) {
		if t.name != nil {
			name = t.name(n)
		}
		if t.rejectEvery > 0 && n%t.rejectEvery == 0 {
			b.Rejects = append(b.Rejects, hunting.Reject{Window: p.Window, Row: []byte(strconv.Itoa(n)), Reason: "unwanted"})
			continue
		}
		rows = append(rows, n)
	}
	if len(rows) == 0 {
		return b, nil
	}
	var err error
	b.Record, _, err = columns.Fit(recordOf(name, rows))
	b.Hashes = make([][16]byte, len(rows))
	return b, err
}

// rowsOf is the numbers of rows, from the first column that is not null.
func rowsOf(b hunting.Batch) []int {
	var rows []int
	for i := range int(b.Record.NumRows()) {
		for _, c := range b.Record.Columns() {
			if numbers, ok := c.(*array.Int64); ok && c.IsValid(i) {
				rows = append(rows, int(numbers.Value(i)))
				break
			}
		}
	}
	return rows
}

// lake is sink/s3's contract over the world.
type lake struct{ c *client }

type lakeWriter struct {
	lake
	a    commit.Attempt
	rows []int
}

func (l lake) Holds(_ context.Context, dataset string) (key string, err error) {
	err = l.c.ask(func() error {
		for k := range l.c.w.lake {
			if strings.HasPrefix(k, dataset+"/") {
				key = k
			}
		}
		return nil
	})
	return key, err
}

func (l lake) Name() string { return commit.LakeName }

func (l lake) Begin(a commit.Attempt) (commit.Writer, error) {
	return &lakeWriter{lake: l, a: a}, nil
}

func (l *lakeWriter) Write(_ context.Context, b hunting.Batch) error {
	l.rows = append(l.rows, rowsOf(b)...)
	return nil
}

// lakeFile is what the lake's receipt says of a file.
type lakeFile struct {
	Key      string `json:"key"`
	SHA256   string `json:"sha256"`
	UploadID string `json:"upload_id"`
}

func filesOf(receipt json.RawMessage) (files []lakeFile) {
	if err := json.Unmarshal(receipt, &files); err != nil {
		panic(err)
	}
	return files
}

func (l *lakeWriter) Prepare(context.Context, time.Time) (ready commit.Prepared, err error) {
	u := &upload{key: l.a.Dataset.Name + "/" + l.a.Name(), sha: sum(l.rows), commit: l.a.ID, rows: l.rows}
	id := "u" + u.key // one upload a key
	if err := l.c.call(func() error { l.c.w.uploads[id] = u; return nil }); err != nil {
		return ready, err
	}
	ready.Files = []commit.ManifestFile{{Key: u.key, Size: int64(len(l.rows)), SHA256: u.sha, Rows: int64(len(l.rows))}}
	ready.Receipt, err = json.Marshal([]lakeFile{{u.key, u.sha, id}})
	return ready, err
}

func (l *lakeWriter) Close() error { return nil }

func (l lake) Publish(_ context.Context, _ string, receipt json.RawMessage) error {
	w := l.c.w
	for _, f := range filesOf(receipt) {
		complete := l.c.call(func() error {
			u := w.uploads[f.UploadID]
			if u == nil {
				return errNoUpload
			}
			delete(w.uploads, f.UploadID)
			w.show(u)
			return nil
		})
		err := l.c.ask(func() error {
			o, ok := w.lake[f.Key]
			switch {
			case ok && o.sha == f.SHA256:
				return nil
			case ok:
				return commit.ErrForeignObject
			case errors.Is(complete, errNoUpload):
				return &commit.GoneError{Keys: []string{f.Key}, Err: commit.ErrUploadGone}
			}
			return errors.Join(complete, errLost)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l lake) Abort(_ context.Context, _ string, receipt json.RawMessage) error {
	for _, f := range filesOf(receipt) {
		if err := l.c.ask(func() error {
			if _, ok := l.c.w.lake[f.Key]; ok {
				return commit.ErrForeignObject
			}
			return nil
		}); err != nil {
			return err
		}
		if err := l.c.call(func() error { delete(l.c.w.uploads, f.UploadID); return nil }); err != nil {
			return err
		}
	}
	return nil
}

var errNoUpload = errors.New("no such upload")

var epochOf = regexp.MustCompile(`-\d+-(\d+)-[0-9a-f]{8}$`)

func (l lake) Sweep(_ context.Context, dataset string, epoch int64) error {
	var old []string
	if err := l.c.ask(func() error {
		for id, u := range l.c.w.uploads {
			e, _ := strconv.ParseInt(epochOf.FindStringSubmatch(u.key)[1], 10, 64)
			if strings.HasPrefix(u.key, dataset+"/") && e < epoch {
				old = append(old, id)
			}
		}
		slices.Sort(old)
		return nil
	}); err != nil {
		return err
	}
	for _, id := range old {
		if err := l.c.call(func() error { delete(l.c.w.uploads, id); return nil }); err != nil {
			return err
		}
	}
	return nil
}

// kafkaLog is sink/kafka's contract over the world.
type kafkaLog struct {
	c       *client
	id      string
	cluster string
	epoch   int
	atLeast bool
}

type logWriter struct {
	*kafkaLog
	rows   []int
	refuse commit.Refuse
}

var errEpoch = errors.New("invalid producer epoch")

func (k *kafkaLog) Cluster() string { return k.cluster }
func (k *kafkaLog) Close() error    { return nil }
func (k *kafkaLog) Topic() string   { return cmp.Or(k.c.w.topic, "defender."+dataset) }

func (k *kafkaLog) End(context.Context) (end int64, err error) {
	err = k.c.ask(func() error {
		if k.c.w.mute {
			return errLost
		}
		for _, n := range k.c.w.kafka {
			end += int64(n)
		}
		return nil
	})
	return end, err
}

func (k *kafkaLog) Fence(ctx context.Context) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var epoch int
	err := k.c.call(func() error {
		co := k.c.w.coordinator(k.id)
		co.epoch++
		co.rows, co.added, co.fresh = nil, nil, true
		epoch = co.epoch
		return nil
	})
	k.c.w.mu.Lock()
	defer k.c.w.mu.Unlock()
	k.epoch = epoch
	return err
}

func (k *kafkaLog) Marker(context.Context) (m commit.Marker, ok bool, err error) {
	err = k.c.ask(func() error {
		co := k.c.w.coordinator(k.id)
		found := co.marker
		if !co.fresh && k.c.w.rng.IntN(2) == 0 {
			found = co.stale // right after a commit the old value may still be answered
		}
		if found != nil {
			m, ok = *found, true
		}
		return nil
	})
	return m, ok, err
}

// send is one request under this producer's epoch.
func (k *kafkaLog) send(apply func(co *coordinator)) error {
	epoch := k.epoch
	err := k.c.call(func() error {
		co := k.c.w.coordinator(k.id)
		if co.epoch != epoch && !k.atLeast {
			return errEpoch
		}
		apply(co)
		return nil
	})
	switch {
	case errors.Is(err, errEpoch):
		return commit.ErrFenced
	case err != nil:
		return commit.ErrUnknown
	}
	return nil
}

func (k *kafkaLog) end(m commit.Marker) error {
	if err := k.send(func(co *coordinator) { co.added = &m }); err != nil {
		return err
	}
	return k.send(func(co *coordinator) { k.c.w.commitTxn(co) })
}

func (k *kafkaLog) Mark(_ context.Context, m commit.Marker) error { return k.end(m) }

func (k *kafkaLog) Begin(_ commit.Attempt, refuse commit.Refuse) (commit.EventWriter, error) {
	return &logWriter{kafkaLog: k, refuse: refuse}, nil
}

func (l *logWriter) Write(_ context.Context, b hunting.Batch) error {
	l.rows = append(l.rows, rowsOf(b)...)
	return nil
}

func (l *logWriter) Events() int64 { return int64(len(l.rows)) }

func (l *logWriter) Send(ctx context.Context) error {
	large := func(row int) bool { return l.c.w.large > 0 && row%l.c.w.large == 0 }
	for _, row := range l.rows {
		if large(row) {
			if err := l.refuse(ctx, hunting.Reject{Sink: "kafka", Row: []byte(strconv.Itoa(row)), Reason: "too large"}); err != nil {
				return err
			}
		}
	}
	l.rows = slices.DeleteFunc(l.rows, large)
	for _, part := range [][]int{l.rows[:len(l.rows)/2], l.rows[len(l.rows)/2:]} {
		err := l.send(func(co *coordinator) {
			co.rows = append(co.rows, part...)
			if l.atLeast {
				l.c.w.commitTxn(&coordinator{rows: co.rows, added: &commit.Marker{}})
				co.rows = nil
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (l *logWriter) Decide(_ context.Context, m commit.Marker) error {
	if err := l.end(m); err != nil {
		return commit.ErrUnknown
	}
	return nil
}

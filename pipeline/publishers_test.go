package pipeline_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/state"
)

// named is a lake in a world of its own, under a name of its own.
type named struct {
	lake
	decider *world // which knows what is decided
}

func (named) Name() string { return "second" }

func (n named) Publish(ctx context.Context, dataset string, receipt json.RawMessage) error {
	n.decider.mu.Lock()
	n.c.w.mu.Lock()
	maps.Copy(n.c.w.decided, n.decider.decided)
	n.c.w.mu.Unlock()
	n.decider.mu.Unlock()
	return n.lake.Publish(ctx, dataset, receipt)
}

// TestTwoPublishers: each of them shows every row once, wherever a run is killed.
func TestTwoPublishers(t *testing.T) {
	for _, m := range []mode{onlyLake, both} {
		for _, step := range []commit.Step{commit.StepPrepare, commit.StepIntent, commit.StepDecide, commit.StepPublish, commit.StepFinish} {
			t.Run(m.name+"/"+string(step), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w, second := newWorld(1, 70), newWorld(2, 70)
					run := func(name string, step commit.Step) pipeline.Result {
						ctx, kill := context.WithCancel(t.Context())
						defer kill()
						one, two := &client{w: w}, &client{w: second}
						e := m.exporter(w, one, name)
						e.Publishers = append(e.Publishers, named{lake{two}, w})
						e.AfterStep = func(s commit.Step) {
							if s == step {
								for _, c := range []*client{one, two} {
									c.w.mu.Lock()
									c.dead = true
									c.w.mu.Unlock()
								}
								kill()
							}
						}
						return export(ctx, e)
					}
					run("killed", step)
					time.Sleep(2 * lease)
					if r := run("next", ""); r.Err != nil {
						t.Fatal(r.Err)
					}
					w.check(t, m)
					second.check(t, onlyLake)
				})
			})
		}
	}
}

// TestReceiptOfNobody: what another publisher has prepared is neither published nor dropped
// by a run without it.
func TestReceiptOfNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1, 70)
		killAfter(t, onlyLake, w, commit.StepIntent, 1)
		time.Sleep(2 * lease)
		e := onlyLake.exporter(w, &client{w: w}, "other")
		e.Publishers = []commit.Publisher{named{lake{&client{w: w}}, newWorld(2, 0)}}
		if r := export(t.Context(), e); r.Err == nil || !strings.Contains(r.Err.Error(), `commit 1 waits to be visible in "lake"`) {
			t.Errorf("ended with %v", r.Err)
		}
		if w.state(t).Pending == nil || len(w.uploads) != 1 {
			t.Errorf("the commit is gone, or its uploads: %d", len(w.uploads))
		}
		time.Sleep(2 * lease)
		onlyLake.quiet(t, w)
	})
}

// TestVersion2 goes on with a state and an intent as version 2 of the document wrote them.
func TestVersion2(t *testing.T) {
	const rows = 21 // of the pending commit
	for name, c := range map[string]struct {
		mode      mode
		committed bool
	}{"state": {onlyLake, true}, "kafka": {both, true}, "kafka, undecided": {both, false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(1, 70)
			from, _, _ := strings.Cut(name, ",")
			w.load(t, "testdata/version2/"+from)
			doc := w.state(t)
			p := doc.Pending
			var body struct{ Files []lakeFile }
			if err := json.Unmarshal(w.objects["state/"+p.Body].data, &body); err != nil || len(body.Files) != 1 || doc.Version != 2 {
				t.Fatalf("version %d, %d files, %v", doc.Version, len(body.Files), err)
			}
			u := &upload{key: body.Files[0].Key, sha: body.Files[0].SHA256, commit: p.Commit}
			marker := commit.Marker{ID: p.Prev}
			if c.committed {
				w.decided[p.Commit] = true
				marker = commit.Marker{Seq: p.Seq, ID: p.Commit}
			}
			for row := range rows {
				u.rows = append(u.rows, row)
				if c.committed && c.mode.kafka {
					w.kafka[row]++
				}
			}
			w.uploads[body.Files[0].UploadID] = u
			w.coordinator(commit.TransactionalID(doc.ID)).marker = &marker
			synctest.Test(t, func(t *testing.T) {
				time.Sleep(2 * lease)
				r := export(t.Context(), c.mode.exporter(w, &client{w: w}, "next"))
				if r.Err != nil || r.Rows != 70 {
					t.Errorf("%d rows, %v", r.Rows, r.Err)
				}
				w.check(t, c.mode)
				if _, there := w.lake[u.key]; there != c.committed || len(w.uploads) > 0 {
					t.Errorf("the pending file is there: %t; uploads left: %d", there, len(w.uploads))
				}
				if now := w.state(t); now.Version != 3 || now.Pending != nil || now.ID != doc.ID {
					t.Errorf("version %d, pending %v, id %s", now.Version, now.Pending, now.ID)
				}
			})
		})
	}
}

// load takes the objects of a directory into the world.
func (w *world) load(t *testing.T, dir string) {
	t.Helper()
	files := os.DirFS(dir)
	if err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(files, path)
		w.etags++
		w.objects[path] = object{data, fmt.Sprint("e", w.etags)}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if _, there := w.objects["state/"+state.Key(dataset)]; !there {
		t.Fatal("no state document in " + dir)
	}
}

// Package lake reads back what exports left in a lake: manifests, the files that they name,
// and the rows of those.
package lake

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"path"
	"slices"
	"strconv"
	"strings"

	"hunting-exporter/blob"
	"hunting-exporter/pipeline/commit"
)

// Lake is where files lie, and their manifests.
type Lake struct{ files, meta blob.Store }

// New reads files from one store and manifests from another, that of <LAKE_URL>/_meta.
func New(files, meta blob.Store) *Lake { return &Lake{files, meta} }

// numbered is a commit that has a manifest.
type numbered struct {
	seq int64
	key string
}

// commits are a dataset's that have a manifest, in order.
func (l *Lake) commits(ctx context.Context, dataset string) (all []numbered, err error) {
	for key, err := range l.meta.List(ctx, "manifests/"+dataset+"/") {
		if err != nil {
			return nil, fmt.Errorf("list manifests of %s: %w", dataset, err)
		}
		if seq, err := strconv.ParseInt(strings.TrimSuffix(path.Base(key), ".json"), 10, 64); err == nil {
			all = append(all, numbered{seq, key})
		}
	}
	slices.SortFunc(all, func(a, b numbered) int { return cmp.Compare(a.seq, b.seq) })
	return all, nil
}

// Last is the number of a dataset's last commit that has a manifest; 0: there is none.
func (l *Lake) Last(ctx context.Context, dataset string) (int64, error) {
	all, err := l.commits(ctx, dataset)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1].seq, nil
}

// Manifests yields a dataset's manifests in the order of its commits.
func (l *Lake) Manifests(ctx context.Context, dataset string) iter.Seq2[commit.Manifest, error] {
	return func(yield func(commit.Manifest, error) bool) {
		all, err := l.commits(ctx, dataset)
		if err != nil {
			yield(commit.Manifest{}, err)
			return
		}
		for _, c := range all {
			m, err := l.manifest(ctx, c.key)
			if !yield(m, err) || err != nil {
				return
			}
		}
	}
}

func (l *Lake) manifest(ctx context.Context, key string) (m commit.Manifest, err error) {
	data, _, err := l.meta.Get(ctx, key)
	if err == nil {
		err = json.Unmarshal(data, &m)
	}
	if err != nil {
		return m, fmt.Errorf("manifest %s: %w", key, err)
	}
	return m, nil
}

// Files are the keys of the files that a dataset's manifests name. A file that lies there and
// is in none is an error.
func (l *Lake) Files(ctx context.Context, dataset string) (named []string, err error) {
	for m, err := range l.Manifests(ctx, dataset) {
		if err != nil {
			return nil, err
		}
		for _, f := range m.Files {
			named = append(named, f.Key)
		}
	}
	for key, err := range l.files.List(ctx, dataset+"/") {
		if err != nil {
			return nil, fmt.Errorf("list files of %s: %w", dataset, err)
		}
		if strings.HasSuffix(key, ".parquet") && !slices.Contains(named, key) {
			return nil, fmt.Errorf("file %s is in no manifest", key)
		}
	}
	return named, nil
}

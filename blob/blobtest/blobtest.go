// Package blobtest holds the conformance suite of the storage contract. Every store
// must pass it, so that the rest of the exporter need not know which one it is on.
package blobtest

import (
	"context"
	"slices"
	"testing"

	"hunting-exporter/blob"
)

// Lack is a promise that a store under test does not keep. Stores for production
// lack nothing; fakes may.
type Lack string

// CompleteOverwrites: completing an upload replaces an object that is there.
const CompleteOverwrites Lack = "complete overwrites"

// Run checks every promise of a store. open returns an empty store.
func Run(t *testing.T, open func(t *testing.T) blob.Store, lacks ...Lack) {
	t.Helper()
	cases := []struct {
		name  string
		check func(*testing.T, blob.Store)
	}{
		{"objects", testObjects},
		{"conditions", testConditions},
		{"keys", testKeys},
		{"list", testList},
		{"cancelled", testCancelled},
		{"compare and swap loses no update", testCompareAndSwap},
		{"create-only has one winner", testCreateOnly},
		{"probe", testProbe},
		{"upload is invisible until completed", testUploadInvisible},
		{"upload of several parts", testUploadParts},
		{"part sent again", testPartAgain},
		{"upload without object", testUploadAborted},
		{"uploads by prefix", testUploadsByPrefix},
		{"completed again", testCompletedAgain},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.check(t, open(t)) })
	}
	if !slices.Contains(lacks, CompleteOverwrites) {
		t.Run("complete overwrites nothing", func(t *testing.T) { testCompleteForeign(t, open(t)) })
	}
}

// must fails the test on an error and returns the value otherwise.
func must[V any](t *testing.T) func(V, error) V {
	return func(v V, err error) V {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func keys(t *testing.T, s blob.Store, prefix string) []string {
	t.Helper()
	var all []string
	for key, err := range s.List(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, key)
	}
	slices.Sort(all)
	return all
}

func uploads(t *testing.T, s blob.Store, prefix string) []blob.Upload {
	t.Helper()
	var all []blob.Upload
	for u, err := range s.Uploads(t.Context(), prefix) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, u)
	}
	return all
}

func put(ctx context.Context, s blob.Store, key, content string, c blob.Condition) (string, error) {
	return s.Put(ctx, key, []byte(content), c)
}

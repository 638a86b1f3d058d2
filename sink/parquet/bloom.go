package parquet

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/hunting"
	"hunting-exporter/sink/parquet/file"
)

// blooms are the columns that PARQUET_BLOOM names, for all datasets together: a column
// that one of them has is no mistake.
type blooms struct {
	datasets int // that are exported
	mu       sync.Mutex
	unknown  map[string]bool // columns that no dataset had yet
	answered map[string]bool // datasets whose columns are known
}

func newBlooms(chosen []string, datasets int) *blooms {
	b := &blooms{datasets: datasets, unknown: map[string]bool{}, answered: map[string]bool{}}
	for _, name := range chosen {
		if name != noBloom {
			b.unknown[name] = true
		}
	}
	return b
}

// check refuses columns that a filter cannot be made for, and, once every dataset has
// come, those that none has.
func (b *blooms) check(dataset string, s *fileSchema) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, c := range s.columns {
		if c.chosen && !c.bloom {
			return refuse("%s of %s is %s, and bloom filters are for text and whole numbers", c.name, dataset, s.arrow.Field(i).Type)
		}
		delete(b.unknown, c.name)
	}
	b.answered[dataset] = true
	if len(b.unknown) == 0 || len(b.answered) < b.datasets {
		return nil
	}
	return refuse("no dataset has a column %s", strings.Join(slices.Sorted(maps.Keys(b.unknown)), ", "))
}

func refuse(format string, args ...any) error {
	return &hunting.RefusalError{Reason: "PARQUET_BLOOM: " + fmt.Sprintf(format, args...) + ": correct it, or leave it out for a choice by the columns' names"}
}

// hashed reports whether a column's values can be in a bloom filter.
func hashed(k file.Kind) bool {
	return k == file.Text || k == file.Int32 || k == file.Int64
}

// chosenBlooms are the columns named in the settings, else those worth a filter.
func chosenBlooms(s *arrow.Schema, chosen []string) (names []string, byHand bool) {
	if len(chosen) == 0 {
		return bloomColumns(s), false
	}
	return chosen, true
}

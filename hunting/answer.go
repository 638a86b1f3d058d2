package hunting

import (
	"errors"

	"github.com/apache/arrow/go/v15/arrow"

	"hunting-exporter/schema"
)

// Errors of an answer as a whole. A body that could not be read at all gives the reader's
// own error instead.
var (
	// ErrCut: the document ends before its last bracket. Another call may give all of it.
	ErrCut = errors.New("the answer ends before its JSON does")
	// ErrMalformed: the body is not a hunting answer.
	ErrMalformed = errors.New("malformed answer")
	// ErrLimit: the body goes beyond a bound of the configuration.
	ErrLimit = errors.New("limit exceeded")
)

// Answer is one document of the API, turned into columns while it arrived.
type Answer struct {
	// Record has the answer's own columns, under the API's names and in its order: text
	// columns are arrow String, or a dictionary of it (int32 indices) where values repeat.
	// Nil: no row that could be converted.
	Record  arrow.Record
	Columns []schema.Column // that the document names, also where it has no rows
	Rejects []Reject        // rows that could not be converted
	Bytes   int64           // of the JSON, decompressed
	NaNs    int             // cells that were NaN and became null

	// What else the document says; the source judges it.
	Refusal []byte // the error object in place of rows, as it stands (64 KiB at most); nil: none
	Stats   []byte // the legacy flavours' Stats, as they stand; nil: none
	Partial bool   // it links to a next page
}

// Rows is how many rows the document had.
func (a *Answer) Rows() int64 {
	rows := int64(len(a.Rejects))
	if a.Record != nil {
		rows += a.Record.NumRows()
	}
	return rows
}

// Release gives the columns' memory back.
func (a *Answer) Release() {
	if a.Record != nil {
		a.Record.Release()
		a.Record = nil
	}
}

// Package calltest helps to test what asks the API.
package calltest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/apache/arrow/go/v15/arrow"
	"github.com/apache/arrow/go/v15/arrow/array"
	"github.com/apache/arrow/go/v15/arrow/memory"

	"hunting-exporter/hunting"
	"hunting-exporter/schema"
	"hunting-exporter/source/kql"
)

// Keeper is a Decoder by encoding/json that keeps the body of each answer; see BodyOf. It
// makes columns of counts only.
type Keeper struct{}

const keptBody = "body"

// BodyOf is the body of an answer that a Keeper decoded.
func BodyOf(a hunting.Answer) []byte {
	if a.Record == nil {
		return nil
	}
	text, _ := new(a.Record.Schema().Metadata()).GetValue(keptBody)
	return []byte(text)
}

// Decode reads any JSON object with results.
func (Keeper) Decode(_ context.Context, _ hunting.Dataset, _ hunting.Window, r io.Reader) (hunting.Answer, error) {
	body, err := io.ReadAll(r)
	if err != nil {
		return hunting.Answer{}, err
	}
	var document struct {
		Results  *[]json.RawMessage
		Error    json.RawMessage
		Stats    json.RawMessage
		NextLink json.RawMessage `json:"@odata.nextLink"`
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	err = decoder.Decode(&document)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return hunting.Answer{}, fmt.Errorf("%w: %w", hunting.ErrCut, err)
	case err != nil:
		return hunting.Answer{}, fmt.Errorf("%w: %w", hunting.ErrMalformed, err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return hunting.Answer{}, fmt.Errorf("%w: something after its end", hunting.ErrMalformed)
	}
	a := hunting.Answer{Bytes: int64(len(body)), Stats: document.Stats, Partial: given(document.NextLink)}
	if given(document.Error) {
		a.Refusal = document.Error
	}
	if document.Results == nil {
		if a.Refusal == nil {
			return a, fmt.Errorf("%w: no results", hunting.ErrMalformed)
		}
		return a, nil
	}
	if len(*document.Results) == 0 {
		return a, nil
	}
	for _, row := range *document.Results {
		if row[0] != '{' {
			return a, fmt.Errorf("%w: a row that is no object", hunting.ErrMalformed)
		}
	}
	a.Record, err = kept(*document.Results, body)
	return a, err
}

func given(raw json.RawMessage) bool { return raw != nil && string(raw) != "null" }

func kept(rows []json.RawMessage, body []byte) (arrow.Record, error) {
	meta := arrow.NewMetadata([]string{keptBody}, []string{string(body)})
	var first map[string]json.RawMessage
	if err := json.Unmarshal(rows[0], &first); err != nil {
		return nil, fmt.Errorf("%w: %w", hunting.ErrMalformed, err)
	}
	if _, counts := first[kql.ColumnLeg]; !counts {
		return array.NewRecord(arrow.NewSchema(nil, &meta), nil, int64(len(rows))), nil
	}
	s, err := schema.Arrow([]schema.Column{{Name: kql.ColumnLeg, Type: "Int64"}, {Name: kql.ColumnBin, Type: "DateTime"}, {Name: kql.ColumnRows, Type: "Int64"}})
	if err != nil {
		return nil, err
	}
	b := array.NewRecordBuilder(memory.DefaultAllocator, s)
	defer b.Release()
	for _, text := range rows {
		var row map[string]json.RawMessage
		if err := json.Unmarshal(text, &row); err != nil {
			return nil, fmt.Errorf("%w: %w", hunting.ErrMalformed, err)
		}
		for i, f := range s.Fields() {
			text := string(bytes.Trim(row[f.Name], `"`))
			if f.Name == kql.ColumnBin {
				to := b.Field(i).(*array.ExtensionBuilder).StorageBuilder().(*array.Int64Builder)
				if at, err := time.Parse(time.RFC3339Nano, text); err == nil {
					to.Append(schema.ToTicks(at))
				} else {
					to.AppendNull()
				}
				continue
			}
			if err := b.Field(i).AppendValueFromString(text); err != nil {
				return nil, errors.Join(hunting.ErrMalformed, err)
			}
		}
	}
	return b.NewRecord(), nil
}

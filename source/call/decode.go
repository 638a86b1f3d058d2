package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"hunting-exporter/hunting"
)

// Decoder turns the body of an answer into columns while it arrives. It reads the body to
// its end, whose error says whether it is whole. With an error it returns no memory.
type Decoder interface {
	Decode(ctx context.Context, ds hunting.Dataset, w hunting.Window, body io.Reader) (hunting.Answer, error)
}

// wayFix is what to do about an answer that the API itself would not give.
const wayFix = "check SOURCE_API and SOURCE_ENDPOINT, and any proxy in between"

// decode reads a whole answer.
func (c *Client) decode(ctx context.Context, p Target, resp *http.Response) (hunting.Answer, error) {
	b, err := open(resp, int64(c.cfg.MaxBody))
	if err != nil {
		return hunting.Answer{}, err
	}
	defer b.close()
	a, err := c.decoder.Decode(ctx, p.as(), p.Window, b)
	// A damaged transfer may look like another document: the end of the stream, with its
	// checksum, tells the two apart.
	end := b.end()
	switch {
	case b.failure() != nil:
		err = b.failure()
	case err == nil:
		err = end
	}
	if err != nil {
		a.Release()
		return hunting.Answer{}, err
	}
	return a, nil
}

// result checks that an answer is a complete result below the row cap, or releases it.
// The body decides, not its Content-Type.
func (c *Client) result(ctx context.Context, p Target, resp *http.Response, a hunting.Answer, token string) (hunting.Answer, error) {
	rows, counted := a.Rows(), statistic(a.Stats, a.Rows())
	e := &Error{Kind: TooMany, Status: resp.StatusCode}
	switch {
	case a.Refusal != nil:
		e = c.classify(resp, bytes.Join([][]byte{[]byte(`{"error":`), a.Refusal, []byte(`}`)}, nil), token)
	case a.Partial:
		e.Message = "the answer links to a next page, so it is not whole"
	case rows >= int64(c.cfg.MaxRows):
		e.Message = fmt.Sprintf("%d rows, the cap is %d: the rest may have been cut", rows, c.cfg.MaxRows)
	case counted > rows:
		e.Message = fmt.Sprintf("%d rows, its own statistics count %d: the rest was cut", rows, counted)
	default:
		if a.Stats != nil && counted < rows {
			c.log.DebugContext(ctx, "the answer's statistics do not count its rows", slog.String("dataset", p.Dataset), slog.Int64("rows", rows), slog.Int64("counted", counted))
		}
		return a, nil
	}
	a.Release()
	return hunting.Answer{}, e
}

// statistic is how many rows the answer's own statistics give, or -1: they give no number.
// They have one entry for each table of the result, of which the rows are one: if any
// entry agrees with the rows, that one is meant, else the largest.
func statistic(statistics []byte, rows int64) int64 {
	var stats struct {
		Tables []struct {
			Rows *int64 `json:"table_row_count"`
		} `json:"dataset_statistics"`
	}
	if statistics == nil || json.Unmarshal(statistics, &stats) != nil {
		return -1
	}
	most := int64(-1)
	for _, t := range stats.Tables {
		switch {
		case t.Rows == nil:
		case *t.Rows == rows:
			return rows
		default:
			most = max(most, *t.Rows)
		}
	}
	return most
}

// undecodable explains a body that arrived whole but is no answer; nil: it is none of these.
func (c *Client) undecodable(resp *http.Response, token string, err error) *Error {
	e := &Error{Kind: Unexpected, Status: resp.StatusCode, Message: c.redact(err.Error(), token), Cause: err}
	switch {
	case errors.Is(err, hunting.ErrCut):
		e.Kind = transient
	case errors.Is(err, hunting.ErrMalformed):
		e.Message = fmt.Sprintf("%s, Content-Type %q", e.Message, Shorten(c.redact(resp.Header.Get("Content-Type"), token)))
		e.Fix = wayFix
	case errors.Is(err, hunting.ErrLimit): // its text says what to set
	default:
		return nil
	}
	e.Message = Shorten(e.Message)
	return e
}

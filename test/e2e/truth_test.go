package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"hunting-exporter/schema"
	"hunting-exporter/test/duck"
)

// ingested is the column that the exporter adds.
var ingested = schema.Column{Name: schema.IngestionTime, Type: "DateTime"}

// truth is a table's rows as the tenant holds them: a cell is its canonical text,
// times cut to the resolution of who is compared. Columns are sorted by name.
func (s *site) truth(table string, resolution time.Duration) (names []string, rows [][]string) {
	held := s.Rows(table)
	columns := append(slices.Clone(held.Columns), ingested)
	order := sorted(columns)
	for _, i := range order {
		names = append(names, columns[i].Name)
	}
	for r := range held.Rows {
		row := make([]string, len(columns))
		for at, i := range order {
			switch {
			case i == len(columns)-1:
				row[at] = ticks(schema.ToTicks(r.Ingested), resolution)
			case r.Cells[i].Null:
				row[at] = duck.Null
			case columns[i].Type == "DateTime":
				row[at] = ticks(r.Cells[i].Int, resolution)
			case s.graph && columns[i].Type == "Object" && r.Cells[i].Text == "{}":
				row[at] = duck.Null // Graph writes a null like an empty bag
			case columns[i].Type == "Double" && math.IsNaN(r.Cells[i].Real):
				row[at] = duck.Null // NaN prunes differently in every engine
			default:
				row[at] = r.Cells[i].Canonical(columns[i].Type)
			}
		}
		rows = append(rows, row)
	}
	return names, rows
}

func sorted(columns []schema.Column) []int {
	order := make([]int, len(columns))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return strings.Compare(columns[a].Name, columns[b].Name) })
	return order
}

func ticks(n int64, resolution time.Duration) string {
	per := int64(resolution / (100 * time.Nanosecond))
	return strconv.FormatInt(floor(n, per)*per, 10)
}

func floor(n, per int64) int64 {
	q := n / per
	if n%per < 0 {
		q--
	}
	return q
}

// lakeRows reads a table out of the lake with DuckDB, in the form of truth.
func (s *site) lakeRows(t *testing.T, lake, table string, resolution time.Duration) [][]string {
	t.Helper()
	return lakeColumns(t, duck.Open(t), lake, table, append(slices.Clone(s.Rows(table).Columns), ingested), resolution)
}

// lakeColumns reads these columns of a table out of the lake, in the form of truth.
func lakeColumns(t *testing.T, db *duck.DB, lake, table string, columns []schema.Column, resolution time.Duration) [][]string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(lake, table, "dt=*", "*.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		return nil
	}
	arrow, err := schema.Arrow(columns)
	if err != nil {
		t.Fatal(err)
	}
	order := sorted(columns)
	exprs := make([]string, 0, len(order))
	for _, i := range order {
		name := `"` + arrow.Field(i).Name + `"`
		if columns[i].Type == "DateTime" {
			name = "epoch_" + map[time.Duration]string{time.Microsecond: "us", 100 * time.Nanosecond: "ns"}[resolution] + "(" + name + ")"
		}
		exprs = append(exprs, name)
	}
	got := db.Query(t, "SELECT "+strings.Join(exprs, ", ")+" FROM "+duck.Parquet(false, filepath.Join(lake, table, "dt=*", "*.parquet")))
	for _, row := range got.Rows {
		for at, i := range order {
			row[at] = fromDuck(t, row[at], columns[i].Type, resolution)
		}
	}
	return got.Rows
}

func fromDuck(t *testing.T, text, apiType string, resolution time.Duration) string {
	t.Helper()
	if text == duck.Null {
		return text
	}
	switch apiType {
	case "DateTime":
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		if resolution == time.Microsecond {
			return strconv.FormatInt(n*10, 10)
		}
		return strconv.FormatInt(floor(n, 100), 10)
	case "Double":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	case "SByte", "Boolean":
		return map[string]string{"true": "1", "false": "0"}[text]
	}
	return text
}

// renamed maps an API column to the name that Microsoft's stream gives it.
func renamed(t *testing.T, table string) map[string]string {
	t.Helper()
	data, err := os.ReadFile("../../sink/event/stream-format.json")
	if err != nil {
		t.Fatal(err)
	}
	var format map[string]struct {
		Renamed map[string]string `json:"renamed"`
	}
	if err := json.Unmarshal(data, &format); err != nil {
		t.Fatal(err)
	}
	return format[table].Renamed
}

// kafkaRows turns events of format record into the form of truth. An empty string
// and null are one in the stream; see fold.
func (s *site) kafkaRows(t *testing.T, table string, values []string) [][]string {
	t.Helper()
	columns := append(slices.Clone(s.Rows(table).Columns), ingested)
	order, names := sorted(columns), renamed(t, table)
	rows := make([][]string, 0, len(values))
	for _, v := range values {
		var event struct {
			Category   string                     `json:"category"`
			Received   string                     `json:"_TimeReceivedBySvc"`
			Properties map[string]json.RawMessage `json:"properties"`
		}
		if err := json.Unmarshal([]byte(v), &event); err != nil {
			t.Fatalf("event is no JSON: %v: %.300s", err, v)
		}
		if event.Category != "AdvancedHunting-"+table {
			t.Fatalf("category %q", event.Category)
		}
		row := make([]string, len(columns))
		for at, i := range order {
			c := columns[i]
			raw := event.Properties[c.Name]
			if to, ok := names[c.Name]; ok && !slices.ContainsFunc(columns, func(c schema.Column) bool { return c.Name == to }) {
				raw = event.Properties[to]
			}
			if c == ingested {
				raw, _ = json.Marshal(event.Received)
			}
			if raw == nil {
				t.Fatalf("event lacks %s: %.300s", c.Name, v)
			}
			row[at] = fromEvent(t, raw, c.Type)
		}
		rows = append(rows, row)
	}
	return rows
}

func fromEvent(t *testing.T, raw json.RawMessage, apiType string) string {
	t.Helper()
	if bytes.Equal(raw, []byte("null")) {
		return duck.Null
	}
	text := string(raw)
	if raw[0] == '"' && !schema.Dynamic(apiType) {
		if err := json.Unmarshal(raw, &text); err != nil {
			t.Fatal(err)
		}
	}
	switch apiType {
	case "DateTime":
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatInt(schema.ToTicks(at), 10)
	case "SByte", "Boolean":
		return map[string]string{"true": "1", "false": "0"}[text]
	case "Double":
		f, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatal(err)
		}
		return strconv.FormatFloat(f, 'g', -1, 64)
	}
	return text
}

// fold makes null and the empty string of every row one, as the stream has them.
func fold(rows [][]string) [][]string {
	folded := make([][]string, len(rows))
	for i, row := range rows {
		folded[i] = slices.Clone(row)
		for j, cell := range row {
			if cell == "" {
				folded[i][j] = duck.Null
			}
		}
	}
	return folded
}

const lakeResolution, tick = time.Microsecond, 100 * time.Nanosecond

// equal checks rows against the truth as multisets.
func equal(t *testing.T, what string, want, got [][]string) {
	t.Helper()
	if diff := duck.Difference(want, got, 3); diff != "" {
		t.Errorf("%s differs from the truth: %.3000s", what, diff)
	}
}

// within checks that nothing is there twice, and nothing that is not true.
func within(t *testing.T, what string, truth, got [][]string) {
	t.Helper()
	true1, there := duck.Multiset(truth), duck.Multiset(got)
	for row, n := range there {
		if n > true1[row] {
			t.Errorf("%s shows %d times what is true %d times: %.300s", what, n, true1[row], row)
			return
		}
	}
}

// summary is what a run prints.
type summary struct {
	Rows     int64 `json:"rows"`
	Events   int64 `json:"events"`
	Files    int64 `json:"files"`
	Calls    int64 `json:"calls"`
	Buffers  int64 `json:"buffer_bytes"`
	Datasets []struct {
		Dataset string `json:"dataset"`
		Rows    int64  `json:"rows"`
		Commits int    `json:"commits"`
		Late    int64  `json:"late"`
		Gaps    int    `json:"gaps"`
		Note    string `json:"note"`
		Error   string `json:"error"`
	} `json:"datasets"`
	Error string `json:"error"`
	// Running: some dataset is held by another run.
	Running bool `json:"-"`
}

func parseSummary(out string) (summary, error) {
	var s summary
	if err := json.Unmarshal([]byte(out), &s); err != nil {
		return s, fmt.Errorf("summary %q: %w", out, err)
	}
	for _, d := range s.Datasets {
		s.Running = s.Running || strings.Contains(d.Note, "already running") || strings.Contains(d.Note, "taken over")
	}
	return s, nil
}

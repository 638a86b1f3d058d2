package main

import (
	"errors"
	"fmt"
	"log"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// slow is how many CPU seconds a peer may take for all answers to be run more than once.
const slow = 30

// The rows that the others are set against.
const (
	ours   = "**exporter**, one call at a time"
	polars = "polars"
	duck   = "DuckDB, NDJSON with the rows already split, 1 thread"
)

// peer is one way to turn answers into Parquet, and what it used.
type peer struct {
	name                 string
	run                  func(n int, out string) *exec.Cmd
	one, ten, rss, files []float64
	err                  error
}

func (l *lab) peers(exporter string) []*peer {
	script := func(name, label string) *peer {
		return &peer{name: label, run: func(n int, out string) *exec.Cmd { return l.script(name, n, out) }}
	}
	own := func(label string, env ...string) *peer {
		return &peer{name: label, run: func(n int, out string) *exec.Cmd {
			from := map[int]string{1: l.site.Last, answers: l.site.First}[n]
			return l.export(exporter, from, out, env...)
		}}
	}
	return []*peer{
		own(ours, "SOURCE_CONCURRENCY=1"),
		own("**exporter**, four calls at a time", "SOURCE_CONCURRENCY=4"),
		own("**exporter**, gzip, one call at a time", "SOURCE_CONCURRENCY=1", "SOURCE_ENDPOINT="+l.site.URL+"/gzip"),
		script("duckdb_split", duck),
		script("polars_", polars),
		script("orjson_pyarrow", "orjson + pyarrow"),
		script("pandas_", "Python requests + json + pandas + pyarrow"),
		script("duckdb_document", "DuckDB on the document (`unnest`)"),
		script("dlt_", "dlt, rows as Python objects"),
	}
}

// compare measures the peers and returns the table. It takes turns, so that what else
// the machine does meets them all.
func (l *lab) compare(only string) (string, error) {
	exporter, err := l.build("exporter")
	if err != nil {
		return "", err
	}
	all := slices.DeleteFunc(l.peers(exporter), func(p *peer) bool { return !strings.Contains(p.name, only) })
	if len(all) == 0 {
		return "", fmt.Errorf("no peer has a name that contains %q", only)
	}
	for round := range l.rounds {
		for _, p := range all {
			if p.err != nil || len(p.ten) > 0 && p.ten[0]*answers > slow {
				continue
			}
			log.Printf("round %d of %d: %s", round+1, l.rounds, p.name)
			if err := l.both(p); err != nil {
				log.Print(err)
				p.err = err
			}
		}
	}
	return l.table(all), errors.Join(failures(all)...)
}

func failures(all []*peer) (errs []error) {
	for _, p := range all {
		errs = append(errs, p.err)
	}
	return errs
}

// both runs a peer on one answer and on all of them.
func (l *lab) both(p *peer) error {
	out := filepath.Join(l.dir, "out")
	one, err := l.measured(p, 1, out)
	if err != nil {
		return err
	}
	ten, err := l.measured(p, answers, out)
	if err != nil {
		return err
	}
	p.one, p.ten = append(p.one, one.cpu), append(p.ten, ten.cpu/answers)
	p.rss, p.files = append(p.rss, float64(ten.rss)/1e6), append(p.files, float64(ten.files)/answers/1e6)
	return nil
}

// measured runs a peer on n answers and checks what it left.
func (l *lab) measured(p *peer, n int, out string) (use, error) {
	u, err := measure(func(out string) *exec.Cmd { return p.run(n, out) }, out)
	if err != nil {
		return u, fmt.Errorf("%s, %d answers: %w", p.name, n, err)
	}
	if said, err := l.script("check", n, out).CombinedOutput(); err != nil {
		return u, fmt.Errorf("%s, %d answers, check its files: %w: %s", p.name, n, err, said)
	}
	return u, nil
}

func (l *lab) table(all []*peer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "One answer: %d rows × %d columns, %.0f MB of JSON; ten: %.0f MB. CPU seconds (user + system) of the process. Medians of %d; what takes over %d s for the ten ran once.\n\n",
		l.site.Rows[0], len(columns)+1, float64(l.site.Bytes[0])/1e6, float64(sum(l.site.Bytes))/1e6, l.rounds, slow)
	b.WriteString("| | CPU-s one answer | CPU-s each of ten | Peak RSS MB, ten | MB of Parquet an answer | ÷ DuckDB's |\n|---|---|---|---|---|---|\n")
	done := map[string]*peer{}
	for _, p := range all {
		if p.err == nil {
			done[p.name] = p
		}
	}
	for _, p := range all {
		if p.err != nil {
			fmt.Fprintf(&b, "| %s | failed | | | | |\n", p.name)
			continue
		}
		size := "" // without DuckDB's, as with -only
		if d := done[duck]; d != nil {
			size = fmt.Sprintf("%.2f", median(p.files)/median(d.files))
		}
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.0f | %.2f | %s |\n", p.name, median(p.one), median(p.ten), median(p.rss), median(p.files), size)
	}
	b.WriteByte('\n')
	for _, other := range []string{polars, duck} {
		if e, o := done[ours], done[other]; e != nil && o != nil {
			fmt.Fprintf(&b, "- exporter, one call at a time ÷ %s: CPU %.2f for one answer, %.2f for ten; memory %.2f; files %.2f.\n", other,
				median(e.one)/median(o.one), median(e.ten)/median(o.ten), median(e.rss)/median(o.rss), median(e.files)/median(o.files))
		}
	}
	return b.String()
}

func sum(all []int64) (n int64) {
	for _, v := range all {
		n += v
	}
	return n
}

func median(all []float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[len(all)/2]
}

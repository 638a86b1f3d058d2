package main

import (
	"bufio"
	"fmt"
	"log"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// stage is a part of the line: the functions, by how their names begin, under which its
// time is spent.
type stage struct {
	name  string
	floor float64 // CPU ms for floorBytes of JSON: what the reference measured for this work alone
	under []string
}

// floorBytes is the answer that the floors were measured with.
const floorBytes = 123e6

// stages are asked in this order about the whole stack of a sample: a part that calls
// another (verifying decompresses, decoding reads the connection) stands where it counts.
var stages = []stage{
	{"verify the file", 0, []string{"hunting-exporter/sink/parquet.read"}},
	{"SHA-256", 0, []string{"crypto/sha256.", "crypto/internal/fips140/sha256."}},
	{"gunzip", 0, []string{"compress/gzip.", "compress/flate.", "github.com/klauspost/compress/gzip.", "github.com/klauspost/compress/flate."}},
	{"zstd", 48, []string{"github.com/klauspost/compress/zstd."}},
	{"read HTTP and TLS", 17, []string{"net/http.", "crypto/tls.", "net.(*conn)"}},
	{"dictionaries", 0, []string{"hunting-exporter/internal/intern.", "hunting-exporter/transform.(*column).known", "hunting-exporter/transform.(*column).guess"}},
	{"decode JSON into columns", 129, []string{"hunting-exporter/transform.(*Decoder)", "hunting-exporter/transform.(*decoder)", "hunting-exporter/transform/jsontext."}},
	{"hash rows, fit them to the table", 0, []string{"hunting-exporter/transform."}},
	{"sort rows by time", 0, []string{"hunting-exporter/sink/parquet.(*rowGroup).sort"}},
	{"encode pages, statistics, bloom filters", 0, []string{"hunting-exporter/sink/parquet/file.", "github.com/parquet-go/"}},
	{"gather rows into row groups", 0, []string{"hunting-exporter/sink/parquet.(*rowGroup)", "hunting-exporter/sink/parquet.(*groupColumn)"}},
	{"files, upload, publish", 0, []string{"hunting-exporter/sink/parquet.", "hunting-exporter/sink/s3.", "hunting-exporter/blob/"}},
	{"keys of the rows written, plan, state", 0, []string{"hunting-exporter/pipeline", "hunting-exporter/source", "hunting-exporter/state."}},
	{"runtime: garbage collection, scheduler", 0, []string{"runtime."}},
	{"other", 0, []string{""}},
}

// profile profiles the export of all answers, one call at a time, and returns the CPU of
// each stage beside its floor.
func (l *lab) profile() (string, error) {
	exporter, err := l.build("exporter-profile", "-tags", "profile")
	if err != nil {
		return "", err
	}
	args := []string{"tool", "pprof", "-traces", "-unit=ms"}
	for round := range l.rounds {
		log.Printf("round %d of %d: profile", round+1, l.rounds)
		path := filepath.Join(l.dir, fmt.Sprintf("%d.pprof", round))
		_, err := measure(func(out string) *exec.Cmd {
			return l.export(exporter, l.site.First, out, "SOURCE_CONCURRENCY=1", "EXPORTER_CPU_PROFILE="+path)
		}, filepath.Join(l.dir, "out"))
		if err != nil {
			return "", fmt.Errorf("profile: %w", err)
		}
		args = append(args, path)
	}
	out, err := exec.Command("go", args...).Output() //nolint:noctx // ends by itself
	if err != nil {
		return "", fmt.Errorf("go %q: %w", args, err)
	}
	return stagesTable(byStage(string(out)), l.rounds*answers, float64(sum(l.site.Bytes))/answers)
}

// byStage adds up what pprof -traces prints: stacks between lines of dashes, the leaf
// first and its time in front.
func byStage(traces string) []float64 {
	spent := make([]float64, len(stages))
	var ms float64
	var stack []string
	end := func() {
		if len(stack) > 0 {
			spent[stageOf(stack)] += ms
		}
		stack = nil
	}
	for lines := bufio.NewScanner(strings.NewReader(traces)); lines.Scan(); {
		line := strings.TrimSuffix(lines.Text(), " (inline)")
		words := strings.Fields(line)
		switch {
		case strings.HasPrefix(line, "-----"):
			end()
		case len(words) == 2 && strings.HasSuffix(words[0], "ms"):
			if v, err := strconv.ParseFloat(strings.TrimSuffix(words[0], "ms"), 64); err == nil {
				ms, stack = v, []string{words[1]}
			}
		case len(stack) > 0:
			stack = append(stack, strings.TrimSpace(line))
		}
	}
	end()
	return spent
}

func stageOf(stack []string) int {
	return slices.IndexFunc(stages, func(s stage) bool {
		return slices.ContainsFunc(stack, func(function string) bool {
			return slices.ContainsFunc(s.under, func(start string) bool { return strings.HasPrefix(function, start) })
		})
	})
}

// stagesTable is the table of what an answer of size bytes costs.
func stagesTable(spent []float64, exported int, size float64) (string, error) {
	total, floor := 0.0, 0.0
	for i, s := range stages {
		total += spent[i] / float64(exported)
		floor += s.floor * size / floorBytes
	}
	if total == 0 {
		return "", fmt.Errorf("profile: pprof printed no stack")
	}
	var b strings.Builder
	b.WriteString("| Stage | % | CPU ms an answer | floor |\n|---|---|---|---|\n")
	for i, s := range stages {
		if spent[i] == 0 {
			continue
		}
		ms, under := spent[i]/float64(exported), ""
		if s.floor > 0 {
			under = fmt.Sprintf("%.0f", s.floor*size/floorBytes)
		}
		fmt.Fprintf(&b, "| %s | %.1f | %.0f | %s |\n", s.name, 100*ms/total, ms, under)
	}
	fmt.Fprintf(&b, "| **the whole line** | 100 | %.0f | %.0f |\n\n", total, floor)
	fmt.Fprintf(&b, "Above the floor: %.0f ms an answer of %.0f MB, %.0f %% of the whole.\n", total-floor, size/1e6, 100*(total-floor)/total)
	return b.String(), nil
}

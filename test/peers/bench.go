package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"hunting-exporter/test/cache"
)

// benchmark is what a Go benchmark reported, by unit; a value for each time that it ran.
type benchmark struct {
	pkg, name string
	values    map[string][]float64
}

// benchmarks runs those of the decoder and of the lake and returns a table of each.
func benchmarks(rounds int) (decode, encode string, err error) {
	root, err := cache.Root()
	if err != nil {
		return "", "", err
	}
	log.Print("Go benchmarks")
	cmd := exec.Command("go", "test", "-run", "^$", "-bench", ".", "-benchmem", "-count", fmt.Sprint(rounds), "./transform", "./sink/s3") //nolint:noctx // ends by itself
	cmd.Dir, cmd.Stderr = filepath.Dir(root), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return "", "", fmt.Errorf("go benchmarks: %w\n%s", err, out)
	}
	var d, e strings.Builder
	d.WriteString("| | MB/s of JSON | rows/s | bytes of memory a row, at most | allocations a row |\n|---|---|---|---|---|\n")
	e.WriteString("| | MB/s of cells | ms | MB of file | MB allocated | allocations |\n|---|---|---|---|---|---|\n")
	for _, b := range parse(string(out)) {
		if b.pkg == "hunting-exporter/transform" {
			each := ""
			if rows := b.median("rows/s") * b.median("ns/op") / 1e9; rows > 0 {
				each = b.cell("allocs/op", 1/rows, 4)
			}
			fmt.Fprintf(&d, "| %s | %s | %s | %s | %s |\n", b.name, b.cell("MB/s", 1, 0), b.cell("rows/s", 1, 0), b.cell("B/row", 1, 0), each)
			continue
		}
		fmt.Fprintf(&e, "| %s | %s | %s | %s | %s | %s |\n", b.name, b.cell("MB/s", 1, 0), b.cell("ns/op", 1e-6, 0), b.cell("MB/file", 1, 2), b.cell("B/op", 1e-6, 1), b.cell("allocs/op", 1, 0))
	}
	return d.String(), e.String(), nil
}

func (b *benchmark) median(unit string) float64 {
	if len(b.values[unit]) == 0 {
		return 0
	}
	return median(b.values[unit])
}

// cell is a median for the table, times a factor; empty if the benchmark does not report it.
func (b *benchmark) cell(unit string, factor float64, digits int) string {
	if len(b.values[unit]) == 0 {
		return ""
	}
	return strconv.FormatFloat(b.median(unit)*factor, 'f', digits, 64)
}

var processors = regexp.MustCompile(`-\d+$`)

// parse reads what go test -bench prints.
func parse(out string) (all []*benchmark) {
	known, pkg := map[string]*benchmark{}, ""
	for lines := bufio.NewScanner(strings.NewReader(out)); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) == 2 && words[0] == "pkg:" {
			pkg = words[1]
		}
		if len(words) < 4 || !strings.HasPrefix(words[0], "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(processors.ReplaceAllString(words[0], ""), "Benchmark")
		b := known[pkg+name]
		if b == nil {
			b = &benchmark{pkg, name, map[string][]float64{}}
			known[pkg+name], all = b, append(all, b)
		}
		for i := 2; i+1 < len(words); i += 2 {
			if v, err := strconv.ParseFloat(words[i], 64); err == nil {
				b.values[words[i+1]] = append(b.values[words[i+1]], v)
			}
		}
	}
	return all
}

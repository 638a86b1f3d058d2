// Command peers compares the exporter with what else turns hunting answers into Parquet:
// the same answers from the same server, CPU seconds and peak memory of each process.
//
// `go run ./peers` in the test module prints a table; `make bench` puts it into
// docs/performance.md. It is a comparison for people, not a test.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve()
		return
	}
	rounds := flag.Int("rounds", 1, "runs of each; the median counts")
	only := flag.String("only", "", "only those whose name contains this text")
	flag.Parse()
	if err := compare(*rounds, *only); err != nil {
		log.Fatal(err)
	}
}

// peer is one way to turn answers into Parquet.
type peer struct {
	name string
	one  func(dir string) *exec.Cmd // a single answer
	ten  func(dir string) *exec.Cmd
}

func compare(rounds int, only string) error {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	site, end, err := start()
	if err != nil {
		return err
	}
	defer end()
	python, err := environment()
	if err != nil {
		return err
	}
	exporter := filepath.Join(dir, "exporter")
	build := exec.Command("go", "build", "-trimpath", "-o", exporter, "./cmd/exporter") //nolint:noctx // ends by itself
	build.Dir, build.Env = "../", append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	if err := split(python, site, dir); err != nil {
		return err
	}
	fmt.Printf("One answer: %d rows × %d columns, %.0f MB of JSON; ten: %.0f MB. CPU seconds (user + system) of the process, medians of %d.\n\n",
		site.Rows[0], len(columns), float64(site.Bytes[0])/1e6, float64(sum(site.Bytes))/1e6, rounds)
	fmt.Println("| | CPU-s one answer | CPU-s each of ten | Peak RSS MB, ten | MB of files, each |\n|---|---|---|---|---|")
	for _, p := range peers(python, exporter, site, dir) {
		if !strings.Contains(p.name, only) {
			continue
		}
		var one, ten, rss, size []float64
		for range rounds {
			u, err := measure(p.one, filepath.Join(dir, "out"))
			if err != nil {
				fmt.Printf("| %s | %v | | | |\n", p.name, err)
				break
			}
			one = append(one, u.cpu)
			if u, err = measure(p.ten, filepath.Join(dir, "out")); err != nil {
				return err
			}
			ten, rss, size = append(ten, u.cpu/answers), append(rss, float64(u.rss)/1e6), append(size, float64(u.files)/answers/1e6)
		}
		if len(ten) > 0 {
			fmt.Printf("| %s | %.2f | %.2f | %.0f | %.2f |\n", p.name, median(one), median(ten), median(rss), median(size))
		}
	}
	return nil
}

func sum(all []int64) (n int64) {
	for _, v := range all {
		n += v
	}
	return n
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// start runs the server in a process of its own.
func start() (s site, end func(), err error) {
	self, err := os.Executable()
	if err != nil {
		return s, nil, err
	}
	cmd := exec.Command(self, "serve") //nolint:noctx // ends with its input
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		return s, nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return s, nil, err
	}
	if err := cmd.Start(); err != nil {
		return s, nil, err
	}
	end = func() {
		_ = in.Close()
		_ = cmd.Wait()
	}
	if err := json.NewDecoder(bufio.NewReader(out)).Decode(&s); err != nil {
		end()
		return s, nil, fmt.Errorf("server: %w", err)
	}
	return s, end, nil
}

func peers(python, exporter string, s site, dir string) []peer {
	script := func(name, label string) peer {
		run := func(n int) func(string) *exec.Cmd {
			return func(out string) *exec.Cmd {
				return exec.Command(python, filepath.Join("peers", "scripts", name+".py"), s.URL, fmt.Sprint(n), out, dir) //nolint:noctx // ends by itself
			}
		}
		return peer{label, run(1), run(answers)}
	}
	own := func(label string, env ...string) peer {
		run := func(from string) func(string) *exec.Cmd {
			return func(out string) *exec.Cmd {
				cmd := exec.Command(exporter, "run") //nolint:noctx // ends by itself
				cmd.Env = append(append([]string{
					"PATH=" + os.Getenv("PATH"), "AZURE_TENANT_ID=" + s.Tenant, "AZURE_CLIENT_ID=" + s.Client, "AZURE_CLIENT_SECRET=" + s.Secret,
					"AZURE_AUTHORITY_HOST=" + s.Authority, "SSL_CERT_FILE=" + s.CA, "SOURCE_ENDPOINT=" + s.URL, "SOURCE_API=m365d",
					"SOURCE_CALLS_PER_MINUTE=100000", "EXPORT_TABLES=" + table, "EXPORT_START=" + from,
					"LAKE_URL=" + filepath.Join(out, "lake"), "PIPELINE_SPILL=" + out,
				}, s.proxies()...), env...)
				return cmd
			}
		}
		return peer{label, run(s.Last), run(s.First)}
	}
	return []peer{
		own("**exporter**, one call at a time", "SOURCE_CONCURRENCY=1"),
		own("**exporter**, four calls at a time", "SOURCE_CONCURRENCY=4"),
		own("**exporter**, gzip, one call at a time", "SOURCE_CONCURRENCY=1", "SOURCE_ENDPOINT="+s.URL+"/gzip"),
		script("polars_", "polars"),
		script("duckdb_split", "DuckDB, NDJSON with the rows already split, 1 thread"),
		script("duckdb_document", "DuckDB on the document (`unnest`)"),
		script("orjson_pyarrow", "orjson + pyarrow"),
		script("pandas_", "Python requests + json + pandas + pyarrow"),
		script("dlt_", "dlt"),
	}
}

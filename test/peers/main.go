// Command peers compares the exporter with what else turns hunting answers into Parquet:
// the same answers from the same server, CPU seconds and peak memory of each process.
//
// `go run ./peers` in the test module prints a table; `make bench` puts it into
// docs/performance.md, with the Go benchmarks and a profile of the whole line. It is a
// comparison for people, not a test.
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

	"hunting-exporter/test/cache"
)

func main() {
	log.SetFlags(log.Ltime)
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		serve()
		return
	}
	rounds := flag.Int("rounds", 1, "runs of each; the median counts")
	only := flag.String("only", "", "only those peers whose name contains this text")
	doc := flag.String("doc", "", "measure everything and put it between the markers of this file")
	flag.Parse()
	if *doc != "" && *only != "" {
		log.Fatal("-doc measures all peers: leave -only out")
	}
	if err := run(max(1, *rounds), *only, *doc); err != nil {
		log.Fatal(err)
	}
}

func run(rounds int, only, doc string) error {
	if doc == "" {
		return withLab(rounds, func(l *lab) error {
			table, err := l.compare(only)
			fmt.Print(table)
			return err
		})
	}
	parts := map[string]string{"machine": "", "decode": "", "encode": "", "peers": "", "profile": ""}
	if _, err := insert(doc, parts); err != nil {
		return err // sooner than after all the measuring
	}
	var err error
	if parts["machine"], err = machine(); err != nil {
		return err
	}
	if parts["decode"], parts["encode"], err = benchmarks(rounds); err != nil {
		return err
	}
	err = withLab(rounds, func(l *lab) (err error) {
		if parts["profile"], err = l.profile(); err != nil {
			return err
		}
		parts["peers"], err = l.compare("")
		return err
	})
	if err != nil {
		return err
	}
	text, err := insert(doc, parts)
	if err != nil {
		return err
	}
	return os.WriteFile(doc, []byte(text), 0o644)
}

// lab is what every measurement needs: the server with the answers, an interpreter, a folder.
type lab struct {
	site        site
	dir, python string
	rounds      int
}

// withLab sets a lab up, gives it to use and takes it down.
func withLab(rounds int, use func(*lab) error) error {
	dir, err := os.MkdirTemp("", "peers")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	l := &lab{dir: dir, rounds: rounds}
	if l.python, err = cache.Python("peers", "peers/requirements.txt"); err != nil {
		return err
	}
	log.Print("making the answers")
	var end func()
	if l.site, end, err = start(); err != nil {
		return err
	}
	defer end()
	if out, err := l.script("split", answers, "").CombinedOutput(); err != nil {
		return fmt.Errorf("split the answers into lines: %w: %s", err, out)
	}
	return use(l)
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
		return s, nil, fmt.Errorf("read where the server is: %w", err)
	}
	return s, end, nil
}

// script is a command that runs one of the scripts on the first n answers. They all take
// the server's address, n, the folder to write to and the one with the lines.
func (l *lab) script(name string, n int, out string) *exec.Cmd {
	cmd := exec.Command(l.python, filepath.Join("peers", "scripts", name+".py"), l.site.URL, fmt.Sprint(n), out, l.dir) //nolint:noctx // ends by itself
	cmd.Env = append(os.Environ(), "NO_PROXY=127.0.0.1", "no_proxy=127.0.0.1")
	return cmd
}

// build builds the exporter.
func (l *lab) build(name string, flags ...string) (string, error) {
	root, err := cache.Root()
	if err != nil {
		return "", err
	}
	path := filepath.Join(l.dir, name)
	args := append([]string{"build", "-trimpath", "-o", path}, flags...)
	cmd := exec.Command("go", append(args, "./cmd/exporter")...) //nolint:noctx // ends by itself
	cmd.Dir, cmd.Env = filepath.Dir(root), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the exporter: %w\n%s", err, out)
	}
	return path, nil
}

// export is a command that exports all answers since a time.
func (l *lab) export(exporter, from, out string, env ...string) *exec.Cmd {
	s := l.site
	cmd := exec.Command(exporter, "run") //nolint:noctx // ends by itself
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "NO_PROXY=127.0.0.1", "AZURE_TENANT_ID=" + s.Tenant, "AZURE_CLIENT_ID=" + s.Client, "AZURE_CLIENT_SECRET=" + s.Secret,
		"AZURE_AUTHORITY_HOST=" + s.Authority, "SSL_CERT_FILE=" + s.CA, "SOURCE_ENDPOINT=" + s.URL, "SOURCE_API=m365d",
		"SOURCE_CALLS_PER_MINUTE=100000", "EXPORT_TABLES=" + table, "EXPORT_START=" + from,
		"LAKE_URL=" + filepath.Join(out, "lake"), "PIPELINE_SPILL=" + out,
	}, env...)
	return cmd
}

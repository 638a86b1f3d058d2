package readers_test

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// reader is an engine in a process of its own that answers tasks; read.py and Read.java
// say which. It starts with the first task and ends with its input.
type reader struct {
	name    string
	command func() (*exec.Cmd, error)
	slow    bool // it is asked a part of the questions

	mu      sync.Mutex
	cmd     *exec.Cmd
	input   io.WriteCloser
	answers *bufio.Reader
	said    string // file of what it says
	failed  error
}

var processes = []*reader{
	{name: "pyarrow", command: python("Pyarrow")},
	{name: "polars", command: python("Polars")},
	{name: "DuckDB", command: python("DuckDB")},
	{name: "DataFusion", command: python("DataFusion")},
	{name: "ClickHouse", command: python("ClickHouse")},
	{name: "fastparquet", command: python("Fastparquet")},
	{name: "Spark", command: python("Spark"), slow: true},
	{name: "parquet-java", command: java},
}

// filter selects rows. Op is one of =, <, >=, null and "not null".
type filter struct {
	Column string `json:"column"`
	Kind   kind   `json:"kind"`
	Op     string `json:"op"`
	Value  string `json:"value"`

	want int // rows that pass it
}

func (f filter) String() string { return fmt.Sprintf("%s %s %.80q", f.Column, f.Op, f.Value) }

type task struct {
	Do      string   `json:"do"`
	Files   []string `json:"files"`
	Unit    string   `json:"unit"`
	To      string   `json:"to,omitempty"`
	Filters []filter `json:"filters,omitempty"`
}

type answer struct {
	Columns []string `json:"columns"`
	Kinds   []kind   `json:"kinds"`
	Rows    int      `json:"rows"`
	Counts  []int    `json:"counts"`
	Error   string   `json:"error"`
}

// table reads files united by name.
func (r *reader) table(files []string, unit string) ([]column, error) {
	to, err := os.CreateTemp(scratch, "cells")
	if err != nil {
		return nil, err
	}
	defer to.Close()
	defer func() { _ = os.Remove(to.Name()) }()
	a, err := r.ask(task{Do: "dump", Files: files, Unit: unit, To: to.Name()})
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(to)
	if err != nil {
		return nil, err
	}
	return columnsOf(string(data), a)
}

func columnsOf(data string, a answer) ([]column, error) {
	columns := make([]column, len(a.Columns))
	for i, name := range a.Columns {
		columns[i] = column{name: name, kind: a.Kinds[i], cells: make([]string, a.Rows)}
		for row := range a.Rows {
			if len(data) < 4 {
				return nil, errors.New("the cells are cut short")
			}
			n := int(binary.BigEndian.Uint32([]byte(data[:4])))
			if data = data[4:]; n > len(data) {
				return nil, errors.New("a cell is cut short")
			}
			columns[i].cells[row], data = data[:n], data[n:]
		}
	}
	if data != "" {
		return nil, fmt.Errorf("%d bytes follow the cells", len(data))
	}
	return columns, nil
}

// counts are the rows that pass each filter.
func (r *reader) counts(files []string, unit string, filters []filter) ([]int, error) {
	a, err := r.ask(task{Do: "count", Files: files, Unit: unit, Filters: filters})
	if err == nil && len(a.Counts) != len(filters) {
		err = fmt.Errorf("%d counts for %d filters", len(a.Counts), len(filters))
	}
	return a.Counts, err
}

// ask sends a task. Once a reader does not answer it is of no use.
func (r *reader) ask(what task) (a answer, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil && r.failed == nil {
		r.failed = r.start()
	}
	if r.failed != nil {
		return a, r.failed
	}
	line, err := json.Marshal(what)
	if err != nil {
		return a, err
	}
	hangs := time.AfterFunc(5*time.Minute, func() { _ = r.cmd.Process.Kill() })
	defer hangs.Stop()
	_, err = r.input.Write(append(line, '\n'))
	var answered []byte
	if err == nil {
		answered, err = r.answers.ReadBytes('\n')
	}
	if err == nil {
		err = json.Unmarshal(answered, &a)
	}
	if err != nil {
		said, _ := os.ReadFile(r.said)
		r.failed = fmt.Errorf("%s does not answer: %w: %s", r.name, err, said[max(0, len(said)-2000):])
		return a, r.failed
	}
	if a.Error != "" {
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (r *reader) start() (err error) {
	if r.cmd, err = r.command(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(scratch, "reader")
	if err != nil {
		return err
	}
	r.said = filepath.Join(dir, "stderr")
	said, err := os.Create(r.said)
	if err != nil {
		return err
	}
	defer said.Close()
	r.cmd.Stderr, r.cmd.Dir, r.cmd.Env = said, dir, append(os.Environ(), "TMPDIR="+dir)
	if r.input, err = r.cmd.StdinPipe(); err != nil {
		return err
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	r.answers = bufio.NewReader(out)
	return r.cmd.Start()
}

// endReaders ends those that were started.
func endReaders() {
	for _, r := range processes {
		if r.cmd == nil || r.cmd.Process == nil {
			continue
		}
		_ = r.input.Close()
		late := time.AfterFunc(20*time.Second, func() { _ = r.cmd.Process.Kill() })
		_ = r.cmd.Wait() // how it ends changes nothing
		late.Stop()
		if s := r.cmd.ProcessState; testing.Verbose() && s != nil {
			log.Printf("%s: %.1f CPU s", r.name, (s.UserTime() + s.SystemTime()).Seconds())
		}
	}
}

// each runs a test for readers side by side.
func each(t *testing.T, names []string, test func(t *testing.T, r *reader)) {
	for _, r := range processes {
		for _, name := range names {
			if r.name == name {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					test(t, r)
				})
			}
		}
	}
}

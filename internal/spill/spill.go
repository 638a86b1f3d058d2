// Package spill keeps what a run's files need of local disk until they are sent.
//
// Each run has a directory of its own, which it holds locked. The lock ends with the
// process, however that dies, so that the next run can tell what nobody needs any more.
package spill

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"hunting-exporter/internal/disk"
)

const (
	prefix = "hunting-exporter-run-" // of the directories' names

	// least is what must fit at the start. What a commit takes shows only when it is there.
	least = 1 << 20
)

// Dir is the directory of one run.
type Dir struct {
	path string
	lock *os.File // nil: the file system has no locks, and so nobody removes anything
}

// Check tells why no files can be kept below base; empty: the temporary directory. Room is
// not asked for: it comes and goes.
func Check(base string) error {
	d, err := create(base)
	if disk.Full(err) {
		return nil
	}
	if err == nil {
		err = d.Close()
	}
	return err
}

// Open makes a run's directory below base, after it has removed those of dead runs, and
// shows that there is room.
func Open(base string, log *slog.Logger) (*Dir, error) {
	sweep(base, log)
	d, err := create(base)
	if err == nil {
		if err = d.try(); err != nil {
			err = errors.Join(err, d.Close())
		}
	}
	if err != nil {
		return nil, fmt.Errorf("local disk: %w", Explain(err, Use{Dir: folder(base), For: "the files of a commit"}))
	}
	return d, nil
}

// Path is where files go.
func (d *Dir) Path() string { return d.path }

// Close removes the directory with all that is in it.
func (d *Dir) Close() error {
	err := os.RemoveAll(d.path)
	if d.lock != nil {
		_ = d.lock.Close() // it was read from only
	}
	if err != nil {
		return fmt.Errorf("remove local files: %w", err)
	}
	return nil
}

func folder(base string) string {
	if base == "" {
		return os.TempDir()
	}
	return base
}

// create makes a directory and locks it. One that a sweep got hold of in between is left
// to it.
func create(base string) (*Dir, error) {
	for {
		path, err := os.MkdirTemp(folder(base), prefix)
		if err != nil {
			return nil, err
		}
		lock, err := hold(path)
		switch {
		case errors.Is(err, errTaken), errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			return &Dir{path: path}, nil //nolint:nilerr // no locks here, for others neither
		}
		return &Dir{path: path, lock: lock}, nil
	}
}

var errTaken = errors.New("another process holds it")

// hold locks a directory that is there.
func hold(path string) (lock *os.File, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	held, err := disk.TryLock(f)
	if err != nil {
		return nil, err
	}
	if !held {
		return nil, errTaken
	}
	mine, err := f.Stat()
	if err != nil {
		return nil, err
	}
	there, err := os.Lstat(path)
	if err == nil && !os.SameFile(mine, there) {
		err = fs.ErrNotExist // that which was opened
	}
	return f, err
}

// sweep removes what dead runs have left. What cannot be held or removed is somebody
// else's.
func sweep(base string, log *slog.Logger) {
	entries, err := os.ReadDir(folder(base))
	if err != nil {
		return // create fails too, and says why
	}
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), prefix) {
			continue
		}
		path := filepath.Join(folder(base), e.Name())
		lock, err := hold(path)
		if err != nil {
			continue
		}
		if err := (&Dir{path, lock}).Close(); err != nil {
			log.Warn("what a dead run left on local disk stays there", "error", err)
			continue
		}
		log.Info("what a dead run left on local disk is removed", "dir", path)
	}
}

// try writes as much as the least that is needed.
func (d *Dir) try() error {
	f, err := os.CreateTemp(d.path, "try-")
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, least))
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Remove(f.Name())
}

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"hunting-exporter/test/cache"
)

// insert returns a document with each part between its markers; what lies around them is
// written by hand and stays.
func insert(path string, parts map[string]string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := string(b)
	for name, part := range parts {
		begin, end := "<!-- measured: "+name+" -->\n", "<!-- end of "+name+" -->\n"
		before, rest, ok := strings.Cut(text, begin)
		_, after, closed := strings.Cut(rest, end)
		if !ok || !closed {
			return "", fmt.Errorf("%s lacks the lines %q and %q, between which %s belongs", path, begin, end, name)
		}
		text = before + begin + "\n" + strings.TrimSpace(part) + "\n\n" + end + after
	}
	return text, nil
}

// machine says where and when the figures were taken, and with what.
func machine() (string, error) {
	root, err := cache.Root()
	if err != nil {
		return "", err
	}
	packages, err := os.ReadFile(filepath.Join(root, "peers", "requirements.txt"))
	if err != nil {
		return "", err
	}
	info, _ := os.ReadFile("/proc/cpuinfo")
	_, model, _ := strings.Cut(string(info), "model name")
	model, _, _ = strings.Cut(strings.TrimLeft(model, "\t :"), "\n")
	loads, _ := os.ReadFile("/proc/loadavg")
	load, _, _ := strings.Cut(string(loads), " ")
	return fmt.Sprintf("%s, %d cores (%s), load %s before, %s/%s, %s. Peers: %s.\n", time.Now().UTC().Format(time.DateOnly), runtime.NumCPU(), model, load,
		runtime.GOOS, runtime.GOARCH, runtime.Version(), strings.Join(strings.Fields(string(packages)), ", ")), nil
}

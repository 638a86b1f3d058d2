package readers_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"

	"hunting-exporter/test/cache"
)

var interpreter = sync.OnceValues(func() (string, error) {
	return cache.Python("readers-python", "readers/requirements.txt")
})

// python runs a class of engines.py.
func python(engine string) func() (*exec.Cmd, error) {
	return func() (*exec.Cmd, error) {
		root, err := cache.Root()
		if err != nil {
			return nil, err
		}
		bin, err := interpreter()
		return exec.Command(bin, "-B", filepath.Join(root, "readers", "read.py"), engine), err
	}
}

// java runs Read.java with the jars of pom.xml.
func java() (*exec.Cmd, error) {
	root, err := cache.Root()
	if err != nil {
		return nil, err
	}
	dir, err := cache.DirOf("readers-java", "readers/pom.xml", func(dir, file string) error {
		pom, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, "pom.xml"), pom, 0o644); err != nil {
			return err
		}
		return cache.Run(dir, "mvn", "-q", "-B", "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory=libs")
	})
	return exec.Command("java", "-Xmx1g", "-cp", filepath.Join(dir, "libs", "*"), filepath.Join(root, "readers", "Read.java")), err
}

package crash_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"hunting-exporter/internal/crash"
)

const child = "CRASH_TEST_CHILD"

// TestExit runs itself as a process that panics in a goroutine.
func TestExit(t *testing.T) {
	switch os.Getenv(child) {
	case "told":
		crash.Tell(func(line string) { fmt.Fprintf(os.Stderr, "{%q}\n", line) })
		fallthrough
	case "plain":
		done := make(chan struct{})
		go func() {
			defer close(done)
			defer crash.Exit()
			panic(errors.New("of\ntwo lines"))
		}()
		<-done
		os.Exit(0)
	}
	for how, begin := range map[string]string{"plain": "internal error at ", "told": `{"internal error at `} {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestExit$")
		cmd.Env = append(os.Environ(), child+"="+how)
		out, err := cmd.CombinedOutput()
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != crash.Code {
			t.Fatalf("%s: ended with %v\n%s", how, err, out)
		}
		text := string(out)
		if strings.Count(text, "\n") != 1 || !strings.HasPrefix(text, begin+"crash_test.go:") || !strings.Contains(text, "of two lines") {
			t.Errorf("%s: said %q", how, text)
		}
	}
}

// TestEveryGoroutineIsGuarded: a goroutine without crash.Exit would end the process with
// 2. Those that only close or cancel something cannot panic.
func TestEveryGoroutineIsGuarded(t *testing.T) {
	const root = "../.."
	files := 0
	for _, dir := range []string{"cmd", "hunting", "pipeline", "source", "transform", "sink", "blob", "state", "internal"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() && d.Name() == "blobtest" { // of tests
				return fs.SkipDir
			}
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				files++
				guarded(t, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if files < 50 {
		t.Fatalf("only %d files were looked at", files)
	}
}

// guarded reports each goroutine of a file that is not guarded.
func guarded(t *testing.T, path string) {
	t.Helper()
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		var body ast.Expr
		switch n := n.(type) {
		case *ast.GoStmt:
			body = n.Call.Fun
		case *ast.CallExpr:
			if f, ok := n.Fun.(*ast.SelectorExpr); ok && (f.Sel.Name == "Go" || f.Sel.Name == "AfterFunc") && len(n.Args) > 0 {
				body = n.Args[len(n.Args)-1]
			}
		}
		if body == nil {
			return true
		}
		literal, ok := body.(*ast.FuncLit)
		if !ok || !harmless(literal.Body.List) && !exits(literal.Body.List) {
			t.Errorf("%s: a goroutine without `defer crash.Exit()`", set.Position(n.Pos()))
		}
		return true
	})
}

// exits reports whether the last of the defers that begin a goroutine is crash.Exit.
func exits(list []ast.Stmt) bool {
	last := ""
	for _, s := range list {
		d, ok := s.(*ast.DeferStmt)
		if !ok {
			break
		}
		last = name(d.Call)
	}
	return last == "crash.Exit"
}

// harmless reports whether all that is done is closing, cancelling or waiting to do so.
func harmless(list []ast.Stmt) bool {
	if len(list) != 1 {
		return false
	}
	s, ok := list[0].(*ast.ExprStmt)
	if !ok {
		return false
	}
	call, ok := s.X.(*ast.CallExpr)
	return ok && (name(call) == "close" || name(call) == "cancel" || name(call) == "time.AfterFunc")
}

func name(call *ast.CallExpr) string {
	switch f := call.Fun.(type) {
	case *ast.Ident:
		return f.Name
	case *ast.SelectorExpr:
		if x, ok := f.X.(*ast.Ident); ok {
			return x.Name + "." + f.Sel.Name
		}
	}
	return ""
}

//go:build !crashpoint || !unix

package main

import "hunting-exporter/pipeline/commit"

// crashPoint is nothing in a normal build; see crash_test_build.go.
func crashPoint() func(commit.Step) { return nil }

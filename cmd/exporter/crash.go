//go:build !crashpoint || !unix

package main

import "hunting-exporter/pipeline"

// crashPoint is nothing in a normal build; see crash_test_build.go.
func crashPoint() func(pipeline.Step) { return nil }

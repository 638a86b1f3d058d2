//go:build !profile

package main

// profile is the profiler of a test build; there is none here.
func profile() (stop func()) { return func() {} }

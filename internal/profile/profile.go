//go:build !profile

// Package profile is the profiler of a build with the tag profile; there is none in others.
package profile

// Start does nothing.
func Start() (stop func()) { return func() {} }

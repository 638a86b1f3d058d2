// Package racetest keeps the race detector right in tests with virtual time: a test binary
// that imports it runs on one processor where it looks for races.
//
// The detector's state of a synctest bubble's timers is used without a lock where a channel
// timer is due before it is waited for. On two processors at a time that ends in a crash of
// the detector, or in a race it makes up (golang/go#78156). Races are still found: the
// detector goes by what is ordered, not by what happens at the same time.
package racetest

//go:build race

package racetest

import "runtime"

func init() { runtime.GOMAXPROCS(1) }

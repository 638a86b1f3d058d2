package estimate

import (
	"testing"

	"go.uber.org/goleak"

	_ "hunting-exporter/internal/racetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

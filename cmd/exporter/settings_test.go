package main

import (
	"errors"
	"testing"
	"time"

	"hunting-exporter/config"
	"hunting-exporter/internal/setting"
)

// usable is an environment that `run` accepts.
func usable(more ...string) map[string]string {
	env := map[string]string{
		"AZURE_TENANT_ID": "5f3c2e1a-7b64-4d0e-9c58-2a1b3c4d5e6f", "AZURE_CLIENT_ID": "client", "AZURE_CLIENT_SECRET": "secret",
		"EXPORT_TABLES": "DeviceProcessEvents,AlertInfo", "LAKE_URL": "lake",
	}
	for i := 0; i < len(more); i += 2 {
		env[more[i]] = more[i+1]
	}
	return env
}

func environ(env map[string]string) []string {
	var pairs []string
	for name, value := range env {
		pairs = append(pairs, name+"="+value)
	}
	return pairs
}

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// judged loads the configuration as run does and returns the problems.
func judged(t *testing.T, flags map[string]string, env map[string]string) (config.Config, []setting.Problem) {
	t.Helper()
	cfg, err := config.Load(t.Context(), config.NewValues(flags, environ(env)), func(cfg config.Config) []setting.Problem { return cfg.Problems(noon) })
	if err == nil {
		return cfg, nil
	}
	var bad *setting.Error
	if !errors.As(err, &bad) {
		t.Fatalf("load: %v", err)
	}
	return cfg, bad.Problems
}

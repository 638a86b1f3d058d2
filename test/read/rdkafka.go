package read

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os/exec"
	"testing"

	"hunting-exporter/test/cache"
)

// Record is one that librdkafka read.
type Record struct {
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Timestamp int64    `json:"timestamp"` // milliseconds since 1970
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
}

// Header is one header of a record.
type Header struct {
	Name  string `json:"name"`
	Value []byte `json:"value"`
}

//go:embed rdkafka.py
var script string

// RDKafka reads a topic with librdkafka, read_committed and CRCs checked. Config
// holds librdkafka's own settings beside bootstrap.servers.
func RDKafka(t testing.TB, addr, topic string, config map[string]string) []Record {
	t.Helper()
	python, err := cache.Python("python", "requirements.txt")
	if err != nil {
		t.Fatal(err)
	}
	settings := map[string]string{"bootstrap.servers": addr}
	maps.Copy(settings, config)
	input, err := json.Marshal(map[string]any{"topic": topic, "config": settings})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", script)
	cmd.Stdin = bytes.NewReader(input)
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("read topic %s with librdkafka: %v\n%s", topic, err, &problems)
	}
	records, err := decode(out)
	if err != nil {
		t.Fatalf("read topic %s with librdkafka: %v", topic, err)
	}
	return records
}

func decode(out []byte) ([]Record, error) {
	var records []Record
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var r Record
		switch err := d.Decode(&r); {
		case errors.Is(err, io.EOF):
			return records, nil
		case err != nil:
			return nil, err
		}
		records = append(records, r)
	}
}

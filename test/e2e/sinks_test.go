package e2e_test

import (
	"strings"
	"sync/atomic"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/test/process"
	"hunting-exporter/test/read"
)

// sinks is where one test's rows go, under names of its own.
type sinks struct {
	name        string
	lake, kafka bool

	dir    string // of the lake, as files
	state  string // directory, without a lake
	topics string // prefix
	addr   string
	env    []string
}

var combinations = []sinks{{name: "lake", lake: true}, {name: "kafka", kafka: true}, {name: "both", lake: true, kafka: true}}

var topicPrefix atomic.Int64

// on makes the sinks for one test; with s3, the lake is a bucket.
func (s sinks) on(t *testing.T, bucket bool) sinks {
	t.Helper()
	s.state = t.TempDir()
	if s.lake && bucket {
		srv := s3(t)
		b := srv.Bucket(t)
		s.dir = srv.Path(b, "lake")
		s.env = append(s.env, srv.Env()...)
		s.env = append(s.env, "LAKE_URL=s3://"+b+"/lake", "S3_PATH_STYLE=true")
	} else if s.lake {
		s.dir = t.TempDir()
		s.env = append(s.env, "LAKE_URL="+s.dir)
	}
	if !s.lake {
		s.env = append(s.env, "STATE_URL="+s.state)
	}
	if s.kafka {
		s.addr = broker(t).Addr
		s.topics = "t" + strings.Repeat("x", int(topicPrefix.Add(1))) + "."
		s.env = append(s.env, "KAFKA_BROKERS="+s.addr, "KAFKA_TOPIC="+s.topics+"{table}")
	}
	return s
}

// events reads a table's topic as read_committed; nothing if it does not exist yet.
func (s sinks) events(t *testing.T, table string) []string {
	t.Helper()
	if !topicExists(t, s.addr, s.topics+table) {
		return nil
	}
	return read.Values(read.Committed(t, s.topics+table, kgo.SeedBrokers(s.addr)))
}

// check compares every sink with the truth.
func (s sinks) check(t *testing.T, from *site, table string, compare func(*testing.T, string, [][]string, [][]string)) {
	t.Helper()
	if s.lake {
		_, want := from.truth(table, lakeResolution)
		compare(t, "lake "+table, want, from.lakeRows(t, s.dir, table, lakeResolution))
	}
	if s.kafka {
		_, want := from.truth(table, tick)
		compare(t, "Kafka "+table, fold(want), fold(from.kafkaRows(t, table, s.events(t, table))))
	}
}

func summaryOf(t *testing.T, p *process.Process) summary {
	t.Helper()
	s, err := parseSummary(p.Stdout.String())
	if err != nil {
		t.Fatalf("%v\nstderr: %s", err, p.Stderr.Tail())
	}
	return s
}

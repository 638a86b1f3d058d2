package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"hunting-exporter/tenant"
	"hunting-exporter/test/process"
	"hunting-exporter/test/read"
)

const table = "DeviceLogonEvents"

func topicExists(t *testing.T, addr, topic string) bool {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(addr))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	list, err := kadm.NewClient(cl).ListTopics(t.Context(), topic)
	if err != nil {
		t.Fatal(err)
	}
	return list.Has(topic) && list[topic].Err == nil
}

// steps are the protocol's, and the sinks that they need.
var steps = []struct {
	name        string
	lake, kafka bool
}{
	{"acquire", false, false},
	{"fence", false, true},
	{"look", false, false},
	{"marker", false, true},
	{"recover", false, false},
	{"base", false, true},
	{"sweep", true, false},
	{"write", false, false},
	{"prepare", false, false},
	{"intent", false, false},
	{"decide", false, true},
	{"publish", false, false},
	{"finish", false, false},
}

// TestKilledRightAfterEachStep kills the real binary with SIGKILL right after each
// step of the protocol, three times, with each combination of sinks. After each
// kill nothing partial, repeated or undecided is visible; at the end the lake and
// read_committed Kafka each equal the truth.
func TestKilledRightAfterEachStep(t *testing.T) {
	for _, combination := range combinations {
		t.Run(combination.name, func(t *testing.T) {
			for _, step := range steps {
				if step.lake && !combination.lake || step.kafka && !combination.kafka {
					continue
				}
				t.Run(step.name, func(t *testing.T) {
					t.Parallel()
					killAtStep(t, combination.on(t, false), step.name)
				})
			}
		})
	}
}

func killAtStep(t *testing.T, s sinks, step string) {
	from := newSite(t, tenant.Options{MaxRows: 60})
	from.seed(t, 300, table)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "SOURCE_MAX_ROWS=60", "EXPORT_COMMIT_ROWS=70")...)
	for nth := 1; nth <= 3; nth++ {
		p := process.Start(t, process.Command{
			Path: crashing, Args: []string{"run"}, Env: append(env, fmt.Sprintf("EXPORTER_CRASH=%s:%d", step, nth)),
		})
		exit := p.Wait(t, 2*time.Minute)
		switch step { // reached once a run, so later counts never come
		case "acquire", "recover", "base", "sweep":
			if nth > 1 {
				env = append(env, "EXPORTER_CRASH="+step)
			}
		}
		if exit.Signal != syscall.SIGKILL && nth == 1 {
			t.Fatalf("kill %d after %s: ended with %v instead\n%s\n%s", nth, step, exit, p.Stdout.Tail(), p.Stderr.Tail())
		}
		s.check(t, from, table, within)
		time.Sleep(time.Second) // the dead run's lease
	}
	finish(t, env)
	s.check(t, from, table, equal)
}

// rounds is how many times runs are started together; CI does fewer than the figure
// in docs/guarantee.md.
func rounds(t *testing.T, variable string, usual int) int {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		return usual
	}
	n, err := strconv.Atoi(v)
	if err != nil {
		t.Fatalf("%s=%s: %v", variable, v, err)
	}
	return n
}

// TestStartedTogether starts 2 and 5 runs of one dataset at once. One works, the
// others exit 0 and say who runs.
func TestStartedTogether(t *testing.T) {
	for _, n := range []int{2, 5} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			for range rounds(t, "ROUNDS", 5) {
				together(t, combinations[2].on(t, false), n)
			}
		})
	}
}

func together(t *testing.T, s sinks, n int) {
	from := newSite(t, tenant.Options{MaxRows: 60})
	from.seed(t, 120, table)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "SOURCE_MAX_ROWS=60", "EXPORT_COMMIT_ROWS=50", "STATE_LEASE=30s")...)
	runs := make([]*process.Process, n)
	var wg sync.WaitGroup
	for i := range runs {
		wg.Go(func() { runs[i] = process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: env}) })
	}
	wg.Wait()
	worked := 0
	for _, p := range runs {
		if exit := p.Wait(t, 2*time.Minute); exit.Code != 0 {
			t.Errorf("a run ended with %v: %s", exit, p.Stdout.Tail())
			continue
		}
		sum := summaryOf(t, p)
		if !sum.Running {
			worked++
		}
	}
	if worked == 0 {
		t.Error("nobody worked")
	}
	s.check(t, from, table, equal)
}

// TestKilledAtRandom kills runs at random instants, against a real S3 server and a
// real Kafka node, until all rows are out. DuckDB, franz-go and librdkafka each see
// every row once.
func TestKilledAtRandom(t *testing.T) {
	s := combinations[2].on(t, true)
	// Slow answers, so that there is work for as many runs as are killed.
	from := newSite(t, tenant.Options{MaxRows: 500, Latency: func() time.Duration { return 250 * time.Millisecond }})
	kills := rounds(t, "KILLS", 30)
	from.seed(t, 1200*kills, table)
	env := from.env(t, append(s.env, "EXPORT_TABLES="+table, "SOURCE_MAX_ROWS=500", "EXPORT_COMMIT_ROWS=450", "SOURCE_CONCURRENCY=1")...)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	killed := 0
	for i := 0; killed < kills && i < 2*kills; i++ {
		p := process.Start(t, process.Command{Path: exporter, Args: []string{"run"}, Env: env})
		select {
		case <-p.Done():
		case <-time.After(time.Duration(100+rng.IntN(900)) * time.Millisecond):
		}
		if exit := p.Kill(); exit.Signal == syscall.SIGKILL {
			killed++
			time.Sleep(time.Second) // its lease
		} else if exit.Code != 0 {
			t.Fatalf("run %d ended with %v: %s", i, exit, p.Stdout.Tail())
		}
		if killed%10 == 5 {
			s.check(t, from, table, within)
		}
	}
	t.Logf("%d runs killed", killed)
	if killed < kills {
		t.Errorf("only %d of %d kills met a running process", killed, kills)
	}
	finish(t, env)
	s.check(t, from, table, equal)
	var values []string
	for _, r := range read.RDKafka(t, s.addr, s.topics+table, nil) {
		values = append(values, string(r.Value))
	}
	_, want := from.truth(table, tick)
	equal(t, "Kafka read by librdkafka", fold(want), fold(from.kafkaRows(t, table, values)))
}

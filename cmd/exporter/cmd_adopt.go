package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"hunting-exporter/config"
	"hunting-exporter/hunting"
	"hunting-exporter/internal/crash"
	"hunting-exporter/pipeline"
	"hunting-exporter/pipeline/commit"
	"hunting-exporter/sink/lake"
	"hunting-exporter/source/call"
	"hunting-exporter/state"
)

// adoption is one call of `state adopt`.
type adoption struct {
	*cli
	all, yes bool
	drop     []string
	start    string

	set    func(variable string) bool // reports whether it is set here
	agreed bool                       // to the changes of the last dataset
	cfg    config.Config
	e      *pipeline.Exporter
}

// The values of --drop.
const (
	dropLake  = "lake"
	dropKafka = "kafka"
)

func (c *cli) stateAdoptCommand() *cobra.Command {
	a := &adoption{cli: c}
	cmd := &cobra.Command{
		Use:   "adopt <dataset>... | --all",
		Short: "Accept the configured destinations and meaning from the next commit on",
		Long: `Accept the configured destinations and meaning from the next commit on.

The state records where a dataset's rows go and what they mean: lake, cluster, topic,
tenant, cloud, API, table or query. A run refuses others. This command shows what would
change, old → new, and asks. Rows that are exported already stay where and as they are.

What is not set in this shell stays as it is recorded. A destination is dropped by
--drop alone.`,
		Args: func(cmd *cobra.Command, args []string) error {
			if a.all == (len(args) > 0) {
				return &usageError{fmt.Errorf("%s takes datasets, or --all; see %s --help", cmd.CommandPath(), cmd.CommandPath())}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(&a.all, "all", false, "every dataset that has a state")
	f.BoolVar(&a.yes, "yes", false, "accept without asking")
	f.StringSliceVar(&a.drop, "drop", nil, "stop exporting to this destination: lake or kafka")
	f.StringVar(&a.start, "start", "", "for a dataset whose state is lost: where it begins, a duration back or an RFC 3339 time")
	flags := settingFlags(cmd, append(slices.Clone(stateSettings), "SOURCE_", "EXPORT_CURSOR", "PARQUET_TIMESTAMP")...)
	cmd.RunE = func(cmd *cobra.Command, args []string) error { return a.main(cmd.Context(), flags(), args) }
	return cmd
}

func (a *adoption) main(ctx context.Context, flags map[string]string, names []string) error {
	v := config.NewValues(flags, a.environ)
	a.set = func(variable string) bool { _, ok := v.Lookup(variable); return ok }
	for _, d := range a.drop {
		if by, ok := map[string]string{dropLake: "LAKE_URL", dropKafka: "KAFKA_BROKERS"}[d]; !ok {
			return &usageError{fmt.Errorf("--drop %s: set lake or kafka", d)}
		} else if a.set(by) {
			return &usageError{fmt.Errorf("--drop %s, but %s is set: unset it", d, by)}
		}
	}
	if a.all && a.start != "" {
		return &usageError{errors.New("--start is for one dataset whose state is lost, not for --all")}
	}
	return a.byHand(ctx, v, names, func(ctx context.Context, cfg config.Config, conn *connection, e *pipeline.Exporter, name string) error {
		if err := a.prepare(ctx, cfg, conn, e); err != nil {
			return err
		}
		ds, configured := cfg.Named(name)
		want := commit.Adopting{
			Wanted: func(recorded state.Document) (state.Destinations, state.Meaning) {
				return a.destinations(recorded.Destinations), a.meaning(recorded.Meaning, ds, configured)
			},
			Agree: func(changes []state.Change) error { return a.agree(ctx, name, changes) },
		}
		var err error
		if a.start != "" {
			if want.Start, err = config.StartTime(a.start, time.Now()); err != nil {
				return &usageError{fmt.Errorf("--start %s %w", a.start, err)}
			}
		}
		if want.Seq, err = lake.New(conn.stores.lake, conn.stores.meta).Last(ctx, name); err != nil {
			return err
		}
		if err := e.Adopt(ctx, ds, want); err != nil || !a.agreed {
			return err
		}
		_, err = fmt.Fprintf(a.out, "%s: done\n", name)
		return err
	})
}

// prepare finds out which tenant is meant, once. A domain is looked up by logging in.
func (a *adoption) prepare(ctx context.Context, cfg config.Config, conn *connection, e *pipeline.Exporter) error {
	if a.e == e {
		return nil
	}
	var tenant string
	if a.set("AZURE_TENANT_ID") {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		var err error
		if tenant, err = call.TenantOf(ctx, cfg.Source, call.Options{HTTP: a.http, Identity: conn.identity}); err != nil {
			return err
		}
	}
	e.Meaning = cfg.Meaning(tenant)
	a.cfg, a.e = cfg, e
	return nil
}

// destinations are those that count from now on.
func (a *adoption) destinations(old state.Destinations) state.Destinations {
	to := a.e.Destinations
	if !a.set("LAKE_URL") && !slices.Contains(a.drop, dropLake) {
		to.Lake = old.Lake
	}
	if a.cfg.Kafka.Enabled() {
		if !a.set("KAFKA_TOPIC") && old.Topic != "" {
			to.Topic = old.Topic
		}
		return to
	}
	if !slices.Contains(a.drop, dropKafka) {
		to.Cluster, to.Topic = old.Cluster, old.Topic
	}
	return to
}

// meaning is what rows mean from now on.
func (a *adoption) meaning(old state.Meaning, ds hunting.Dataset, configured bool) state.Meaning {
	base := a.e.Meaning
	to := commit.MeaningOf(base, ds)
	if !configured {
		to = old
		to.Tenant, to.Cloud, to.API, to.Unit, to.Folders = base.Tenant, base.Cloud, base.API, base.Unit, base.Folders
	}
	for variable, keep := range map[string]func(){
		"AZURE_TENANT_ID":   func() { to.Tenant = old.Tenant },
		"SOURCE_CLOUD":      func() { to.Cloud = old.Cloud },
		"SOURCE_API":        func() { to.API = old.API },
		"PARQUET_TIMESTAMP": func() { to.Unit = old.Unit },
		"LAKE_TENANT":       func() { to.Folders = old.Folders },
	} {
		if old.Kind != "" && !a.set(variable) {
			keep()
		}
	}
	return to
}

// agree shows what would change and asks a person, or wants --yes.
func (a *adoption) agree(ctx context.Context, name string, changes []state.Change) error {
	a.agreed = len(changes) > 0
	if !a.agreed {
		_, err := fmt.Fprintf(a.out, "%s: nothing to adopt: the state records what is set here; what is not set stays as it is, and a destination goes by --drop alone\n", name)
		return err
	}
	fmt.Fprintf(a.out, "%s:\n", name)
	for _, c := range changes {
		fmt.Fprintf(a.out, "  %s\n", c)
	}
	if a.yes {
		return nil
	}
	if !a.asks {
		return &hunting.RefusalError{Reason: name + ": nothing is changed: give --yes to accept this"}
	}
	fmt.Fprint(a.out, "Accept this from the next commit on? [y/N] ")
	answer := make(chan string, 1)
	go func() { // reading a terminal cannot be interrupted; the process ends soon
		defer crash.Exit()
		line, _ := bufio.NewReader(a.in).ReadString('\n')
		answer <- line
	}()
	select {
	case line := <-answer:
		if l := strings.ToLower(strings.TrimSpace(line)); l == "y" || l == "yes" {
			return nil
		}
		return &hunting.RefusalError{Reason: name + ": nothing is changed"}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

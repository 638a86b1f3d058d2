package report

import (
	"cmp"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

// StatesText writes a table for people, and in detail what the state of one dataset says.
func StatesText(w io.Writer, all []State, details bool) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "dataset\tseq\twatermark\tlag\trows\trejected\tgaps\tpending\tlease\tlast run\t")
	for _, s := range all {
		watermark, lag, pending := "-", "-", "-"
		if s.Watermark != nil {
			watermark = s.Watermark.Format(time.RFC3339Nano)
			lag = seconds(*s.Lag).String()
		}
		if s.Pending != nil {
			pending = fmt.Sprintf("commit %d", s.Pending.Seq)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\t\n", s.Dataset, s.Seq, watermark, lag,
			s.Rows, s.Rejected, len(s.Gaps), pending, s.Lease, s.lastRun())
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, s := range all {
		if details {
			return s.details(w)
		}
		if s.failed() {
			fmt.Fprintf(w, "failed: %s: %s\n", s.Dataset, InLine(s.Failure.Reason))
		}
	}
	return nil
}

// failed reports whether the last run did.
func (s State) failed() bool { return s.Failure != nil && s.Last != nil && *s.Failure == *s.Last }

// lastRun says when the last run that ended did so, and how.
func (s State) lastRun() string {
	switch {
	case s.Last == nil:
		return "-"
	case s.failed():
		return s.Last.At.Format(SecondFormat) + " failed"
	case s.Last.Reason != "":
		return s.Last.At.Format(SecondFormat) + " stopped"
	}
	return s.Last.At.Format(SecondFormat) + " done"
}

// details writes what one dataset's state says beyond its line.
func (s State) details(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	line := func(name, format string, args ...any) {
		fmt.Fprintf(t, "%s\t%s\t\n", name, InLine(fmt.Sprintf(format, args...)))
	}
	fmt.Fprintln(t)
	line("holder", "%s", s.holder())
	s.ends(line)
	s.places(line)
	line("clock", "%s", cmp.Or(s.Clock, "none yet"))
	if s.Snapshot != nil {
		line("snapshot", "%s", s.Snapshot.Format(time.RFC3339Nano))
	}
	if p := s.Pending; p != nil {
		line("pending", "commit %d (%s) of %s, %d rows, decided by %s, since %s", p.Seq, p.Commit, hunting.Window{Start: p.From, End: p.To}, p.Rows, p.Decider, p.Since.Format(SecondFormat))
	}
	for _, c := range s.Covered {
		line("read", "%s", c)
	}
	for _, g := range s.Gaps {
		line("gap", "%s, %d tries since %s, the last %s: %s", stretchOf(g), g.Tries, g.Since.Format(SecondFormat), g.Last.Format(SecondFormat), g.Reason)
	}
	if k := s.Check; k != nil {
		line("checked", "%s at %s: the API counted %d rows, %d exported, %d of them late, %d not counted, %d quarter hours differ",
			k.Window, k.At.Format(SecondFormat), k.Counted, k.Exported, k.Late, k.Surplus, k.Differ)
	}
	return t.Flush()
}

func (s State) holder() string {
	switch s.Lease {
	case LeaseHeld:
		return fmt.Sprintf("%s, until %s", s.Run, s.Until.Format(SecondFormat))
	case LeaseExpired:
		return fmt.Sprintf("none; %s did not end as a run should, its claim ran out %s", s.Run, s.Until.Format(SecondFormat))
	}
	return "none; the last one was " + s.Run
}

func (s State) ends(line func(name, format string, args ...any)) {
	for _, e := range []struct {
		name string
		*state.End
	}{{"last run", s.Last}, {"success", s.Success}, {"failure", s.Failure}} {
		switch {
		case e.End == nil:
			line(e.name, "none yet")
		case e.Reason == "":
			line(e.name, "%s, %s", e.At.Format(SecondFormat), e.Run)
		default:
			line(e.name, "%s, %s: %s", e.At.Format(SecondFormat), e.Run, e.Reason)
		}
	}
}

// places says where rows go and whose they are.
func (s State) places(line func(name, format string, args ...any)) {
	d, m := s.Destinations, s.Meaning
	if d.Lake != "" {
		line("lake", "%s", d.Lake)
		switch s.Owner {
		case s.ID:
			line("owner", "this state")
		case "":
			line("owner", "none found; a run that commits to the lake becomes it")
		default:
			line("owner", "another state document, %s: this one is %s", s.Owner, s.ID)
		}
	}
	if d.Cluster != "" {
		line("kafka", "cluster %s, topic %s", d.Cluster, d.Topic)
	}
	if m.Kind != "" {
		line("rows of", "tenant %s, cloud %s, API %s, %s", m.Tenant, m.Cloud, m.API, m.Kind)
	}
}

// stretchOf is a gap's window, and its slice if it is one.
func stretchOf(g state.Gap) string {
	if g.N > 1 {
		return fmt.Sprintf("%s slice %d of %d", g.Window, g.I, g.N)
	}
	return g.Window.String()
}

// seconds is so many of them, whole.
func seconds(n float64) time.Duration { return time.Duration(n) * time.Second }

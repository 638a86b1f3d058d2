package report

import (
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"hunting-exporter/config"

	"github.com/lmittmann/tint"
)

// NewLogger logs to w: text for people at a terminal, else JSON, one record a line. Records
// say what they are of, which people know. NO_COLOR (no-color.org) takes the colours away.
func NewLogger(w io.Writer, terminal bool, cfg config.Log, of ...any) *slog.Logger {
	level := slog.LevelInfo
	if err := level.UnmarshalText([]byte(strings.ToUpper(cfg.Level))); err != nil {
		level = slog.LevelInfo // reported as a problem of LOG_LEVEL
	}
	switch {
	case cfg.AsJSON(terminal):
		return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: searchable})).With(of...)
	case cfg.ForPeople(terminal):
		of = nil
	}
	return slog.New(tint.NewTextHandler(w, &tint.Options{
		Level: level, TimeFormat: time.TimeOnly, NoColor: !terminal || os.Getenv("NO_COLOR") != "", ReplaceAttr: oneLine,
	})).With(of...)
}

// searchable gives an attribute the form that it has in every record: durations are
// numbers of seconds, as the name says then, times are in UTC, and text is one line.
func searchable(groups []string, a slog.Attr) slog.Attr {
	a.Value = a.Value.Resolve()
	switch a.Value.Kind() {
	case slog.KindDuration:
		return slog.Float64(a.Key+"_seconds", a.Value.Duration().Seconds())
	case slog.KindTime:
		return slog.Time(a.Key, a.Value.Time().UTC())
	}
	return oneLine(groups, a)
}

// oneLine makes one line of an attribute's text.
func oneLine(_ []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Resolve().Any().(type) {
	case string:
		return slog.String(a.Key, InLine(v))
	case error:
		return slog.String(a.Key, InLine(v.Error()))
	}
	return a
}

package pipeline

import (
	"errors"
	"fmt"
	"strings"

	"hunting-exporter/state"
)

// RefusalError ends a dataset's run because going on could lose or repeat rows.
// Nothing has been changed by whoever returns it.
type RefusalError struct {
	// Alarm: a person must look (exit 1). Otherwise the configuration does not fit
	// the state (exit 2).
	Alarm  bool
	Reason string
}

// Error says what does not fit and what to do.
func (e *RefusalError) Error() string { return e.Reason }

func refuse(format string, args ...any) error {
	return &RefusalError{Reason: fmt.Sprintf(format, args...)}
}

// Refused reports whether an error is about what is configured, which no retry changes.
func Refused(err error) bool {
	var e *RefusalError
	return errors.As(err, &e)
}

func alarm(format string, args ...any) error {
	return &RefusalError{Alarm: true, Reason: fmt.Sprintf(format, args...)}
}

func describe(d state.Destinations) string {
	lake, kafka := "no lake", "no Kafka"
	if d.Lake != "" {
		lake = "lake " + d.Lake
	}
	if d.Cluster != "" {
		kafka = fmt.Sprintf("Kafka cluster %s, topic %s", d.Cluster, d.Topic)
	}
	return lake + ", " + kafka
}

// inShort is an error's text for the state document, which must stay small.
func inShort(err error) string {
	const longest = 1000
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return text
}

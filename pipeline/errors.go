package pipeline

import (
	"fmt"
	"strings"

	"hunting-exporter/hunting"
	"hunting-exporter/state"
)

func refuse(format string, args ...any) error {
	return &hunting.RefusalError{Reason: fmt.Sprintf(format, args...)}
}

func alarm(format string, args ...any) error {
	return &hunting.RefusalError{Alarm: true, Reason: fmt.Sprintf(format, args...)}
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

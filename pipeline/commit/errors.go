package commit

import (
	"fmt"
	"strings"

	"hunting-exporter/state"
)

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
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

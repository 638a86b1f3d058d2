package kafkatest

import (
	_ "embed"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"hunting-exporter/test/process"
)

//go:embed log4j2.yaml
var log4j []byte

// create makes the folder of a broker: settings, certificates, formatted data.
func (b *Broker) create(o Options) error {
	dir, err := os.MkdirTemp("", "kafkatest-")
	if err != nil {
		return err
	}
	b.dir = dir
	if err := os.WriteFile(filepath.Join(dir, "log4j2.yaml"), log4j, 0o644); err != nil {
		return err
	}
	properties, err := b.settings(o)
	if err != nil {
		return err
	}
	maps.Copy(properties, o.Properties)
	var text strings.Builder
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		fmt.Fprintf(&text, "%s=%s\n", name, properties[name])
	}
	if err := os.WriteFile(b.properties(), []byte(text.String()), 0o600); err != nil {
		return err
	}
	return b.format(o)
}

// settings are those of one node: with the defaults of a cluster of three, the two
// internal topics cannot be created and every transaction fails.
func (b *Broker) settings(o Options) (map[string]string, error) {
	var port [5]int
	for i := range port {
		var err error
		if port[i], err = process.Port(); err != nil {
			return nil, err
		}
	}
	b.Addr = process.Addr(port[0])
	controller := process.Addr(port[1])
	properties := map[string]string{
		"process.roles":                                    "broker,controller",
		"node.id":                                          "1",
		"controller.quorum.voters":                         "1@" + controller,
		"listeners":                                        "PLAINTEXT://" + b.Addr + ",CONTROLLER://" + controller,
		"advertised.listeners":                             "PLAINTEXT://" + b.Addr,
		"listener.security.protocol.map":                   "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
		"inter.broker.listener.name":                       "PLAINTEXT",
		"controller.listener.names":                        "CONTROLLER",
		"log.dirs":                                         filepath.Join(b.dir, "data"),
		"default.replication.factor":                       "1",
		"offsets.topic.replication.factor":                 "1",
		"offsets.topic.num.partitions":                     "1",
		"transaction.state.log.replication.factor":         "1",
		"transaction.state.log.min.isr":                    "1",
		"transaction.state.log.num.partitions":             "1",
		"share.coordinator.state.topic.replication.factor": "1",
		"share.coordinator.state.topic.min.isr":            "1",
		"group.initial.rebalance.delay.ms":                 "0",
		"auto.create.topics.enable":                        "false",
		"log.cleaner.enable":                               "false",
		// A broker that was killed waits for its old session to end before it serves; one that
		// a busy machine holds up for some seconds must not lose its own.
		"broker.session.timeout.ms":    "8000",
		"broker.heartbeat.interval.ms": "500",
	}
	if !o.Security {
		return properties, nil
	}
	return properties, b.secure(properties, port[2], port[3], port[4])
}

#!/usr/bin/env bash
# org.apache.kafka:kafka_2.13 4.3.1 (one KRaft node), franz-go v1.22.2 as the producer.
#
# max.message.bytes is documented as the largest batch after compression. On a topic with
# compression.type=uncompressed the broker unpacks a batch that is well below it, and then
# refuses what it has unpacked: MESSAGE_TOO_LARGE for a request far below the limit. The
# topic's limit as DescribeConfigs tells it is then no limit for what is sent.
#
# Seen (one event of 2 MB that zstd makes small, max.message.bytes 1048588):
#           compression.type=producer     -> stored
#           compression.type=uncompressed -> MESSAGE_TOO_LARGE
# One would guess: stored both times, since the batch that is sent is below the limit.
set -euo pipefail
dir=$(mktemp -d)
broker=
trap 'if [ -n "$broker" ]; then kill "$broker"; wait "$broker" || true; fi; chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
cd "$dir"
cat >pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>finding</groupId>
  <artifactId>finding</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>4.3.1</version>
    </dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory=libs
read -r port controller < <(python3 -c '
import socket
s = [socket.socket() for _ in range(2)]
for x in s: x.bind(("127.0.0.1", 0))
print(*(x.getsockname()[1] for x in s))')
cat >server.properties <<CONF
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
controller.listener.names=CONTROLLER
log.dirs=$dir/data
offsets.topic.replication.factor=1
CONF
java -cp 'libs/*' kafka.tools.StorageTool format -t 4L6g3nShT-eMCtK--X86sw -c server.properties >format.log 2>&1
java -Xmx512m -cp 'libs/*' kafka.Kafka server.properties >broker.log 2>&1 &
broker=$!
cat >main.go <<'GO'
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	c, err := kgo.NewClient(
		kgo.SeedBrokers(os.Args[1]), kgo.ProducerBatchCompression(kgo.ZstdCompression()),
		kgo.ProducerBatchMaxBytes(4<<20), // of what is not compressed yet
	)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	for _, kind := range []string{"producer", "uncompressed"} {
		req := kmsg.NewPtrCreateTopicsRequest()
		topic := kmsg.NewCreateTopicsRequestTopic()
		topic.Topic, topic.NumPartitions, topic.ReplicationFactor = kind, 1, 1
		for name, value := range map[string]string{"compression.type": kind, "max.message.bytes": "1048588"} {
			config := kmsg.NewCreateTopicsRequestTopicConfig()
			config.Name, config.Value = name, &value
			topic.Configs = append(topic.Configs, config)
		}
		req.Topics = append(req.Topics, topic)
		if _, err := req.RequestWith(ctx, c); err != nil {
			panic(err)
		}
		event := &kgo.Record{Topic: kind, Value: []byte(strings.Repeat("0123456789abcdef", 2<<20/16))}
		err := c.ProduceSync(ctx, event).FirstErr()
		said := "stored"
		var refused *kerr.Error
		switch {
		case errors.As(err, &refused):
			said = refused.Message
		case err != nil:
			said = err.Error()
		}
		fmt.Printf("compression.type=%s -> %s\n", kind, said)
	}
}
GO
printf 'module finding\n\ngo 1.26\n' >go.mod
export GOFLAGS=-mod=mod
go get github.com/twmb/franz-go@v1.22.2 github.com/twmb/franz-go/pkg/kmsg@v1.15.0 >/dev/null 2>&1
for _ in $(seq 300); do
	if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then break; fi
	sleep 0.2
done
out=$(go run . "127.0.0.1:$port")
echo "$out"
grep -qx 'compression.type=producer -> stored' <<<"$out"
grep -qx 'compression.type=uncompressed -> MESSAGE_TOO_LARGE' <<<"$out"

"""Prints the committed records of a topic, read with librdkafka, as JSON lines.

Reads its settings from standard input: {"topic": …, "config": {librdkafka's own}}.
"""

import base64
import json
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, TopicPartition

TIMEOUT = 60


def text(data):
    return None if data is None else base64.b64encode(data).decode()


def main():
    settings = json.load(sys.stdin)
    topic = settings["topic"]
    consumer = Consumer({
        "group.id": "rdkafka-reader",
        "enable.auto.commit": False,
        "isolation.level": "read_committed",
        "check.crcs": True,
        "enable.partition.eof": True,
        **settings["config"],
    })
    found = consumer.list_topics(topic, timeout=TIMEOUT).topics[topic]
    if found.error is not None:
        sys.exit(f"topic {topic}: {found.error}")
    left = set(found.partitions)
    consumer.assign([TopicPartition(topic, p, OFFSET_BEGINNING) for p in left])
    while left:
        message = consumer.poll(TIMEOUT)
        if message is None:
            sys.exit(f"partitions {sorted(left)} of {topic} did not come to an end")
        if message.error() is not None:
            if message.error().code() != KafkaError._PARTITION_EOF:
                sys.exit(f"topic {topic}: {message.error()}")
            left.discard(message.partition())
            continue
        print(json.dumps({
            "partition": message.partition(),
            "offset": message.offset(),
            "timestamp": message.timestamp()[1],
            "key": text(message.key()),
            "value": text(message.value()),
            "headers": [{"name": k, "value": text(v)} for k, v in message.headers() or []],
        }))
    consumer.close()


main()

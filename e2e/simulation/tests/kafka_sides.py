"""The fake Kafka and a real broker behind one face, for tests that hold the one to the other."""

from __future__ import annotations

import asyncio

from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition
from outcry_services.common.kafka import LogEnds, PoisonError, Publisher, Reader
from outcry_services.reconciler.log_pass import opened
from prometheus_client import CollectorRegistry

from e2e.simulation.kafka_ends import FakeLogEnds, FakeLogPass
from e2e.simulation.kafka_log import FakeKafka
from e2e.simulation.kafka_publisher import FakePublisher
from e2e.simulation.kafka_reader import FakeReader

__all__ = ["Fake", "Real", "number_of"]


def number_of(record):
    if not record.value:
        return None
    try:
        return int(record.value)
    except ValueError as error:
        raise PoisonError("not a number", name="NOT_A_NUMBER") from error


class Fake:
    """A cluster of the test's own."""

    def __init__(self):
        self.kafka = FakeKafka()

    def create_topic(self, name, *, partitions=1, most_bytes=1 << 20):
        self.kafka.create_topic(name, partitions=partitions, most_bytes=most_bytes)

    def publisher(self, **named):
        return FakePublisher(self.kafka, **named)

    def reader(self, letters, *, decode=number_of, **named):
        return FakeReader(self.kafka, decode=decode, dead_letters=letters, **named)

    def ends(self):
        return FakeLogEnds(self.kafka)

    def opened(self):
        return FakeLogPass.opened(self.kafka)

    async def cut(self, topic, offset):
        self.kafka.delete_before(topic, 0, offset)

    async def read_all(self, topic, partition=0):
        return [record.value for record in self.kafka.read_all(topic, partition)]


class Real:
    """The test run's broker."""

    def __init__(self, kafka):
        self.kafka = kafka

    def create_topic(self, name, *, partitions=1, most_bytes=1 << 20):
        if name not in self.kafka.admin.list_topics(timeout=10).topics:
            self.kafka.create_topic(
                name, partitions=partitions, config={"max.message.bytes": str(most_bytes)}
            )

    def publisher(self, **named):
        return Publisher(
            bootstrap=self.kafka.bootstrap,
            client_id="test",
            registry=CollectorRegistry(),
            delivery_seconds=4.0,
            **named,
        )

    def reader(self, letters, *, decode=number_of, **named):
        return Reader(
            bootstrap=self.kafka.bootstrap, client_id="test", decode=decode, dead_letters=letters, **named
        )

    def ends(self):
        return LogEnds(bootstrap=self.kafka.bootstrap, client_id="test")

    def opened(self):
        return opened(self.kafka.bootstrap, "test")

    async def cut(self, topic, offset):
        place = TopicPartition(topic, 0, offset)
        # Kept until it has answered: nobody else keeps it.
        admin = self.kafka.admin
        await asyncio.wrap_future(admin.delete_records([place])[place])

    async def read_all(self, topic, partition=0):
        return await asyncio.to_thread(self._read_all, topic, partition)

    def _read_all(self, topic, partition):
        settings = {"bootstrap.servers": self.kafka.bootstrap, "group.id": "x", "enable.partition.eof": True}
        consumer = Consumer(settings)
        consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])
        found: list[bytes | None] = []
        while True:
            for message in consumer.consume(1000, 1):
                if message.error():
                    consumer.close()
                    return found
                found.append(message.value())

"""A pair with a feed on loopback: two real engines, its input, and what a client of it should have."""

from __future__ import annotations

import asyncio
import os
import random
from itertools import islice
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from outcry_engine import Book
from outcry_engine.cli.commands import GENERATOR, default_settings, flow_record, record
from outcry_engine.cli.flow_features import FeatureSettings, features
from outcry_engine.cli.flow_model import FlowSettings
from outcry_engine.cli.topic import TopicReader
from outcry_engine.feed import BUY, SELL, FeedClient

from e2e.backends import EnginePair, create_pair_topics
from e2e.backends.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Mapping

    from e2e.backends import ConsulServer, KafkaServer, Replica

BATCH = 10
PATIENCE = 60


class FedPair:
    """Two engines that send to two lines, and a market with everything that rules version 2 has."""

    def __init__(self, *, symbol: str, kafka: KafkaServer, consul: ConsulServer) -> None:
        create_pair_topics(kafka, symbol)
        third = os.getpid() % 250
        self.lines = [f"239.255.{random.randrange(1, 250)}.{third}:{free_port(udp=True)}" for _ in range(2)]
        (group_a, port_a), (group_b, port_b) = (line.split(":") for line in self.lines)
        flags = {
            "feed-group": group_a,
            "feed-port": port_a,
            "feed-group-b": group_b,
            "feed-port-b": port_b,
            "feed-interface": "lo",
        }
        self._ports: dict[str, int] = {}
        self.engines = EnginePair(
            symbol=symbol, kafka=kafka, consul=consul, flags=flags, environment=self._environment
        )
        self.symbol = symbol
        self.kafka = kafka
        self._sent = 0
        market = FlowSettings(seed=11, resting=150, distance=20, users=12)
        self._flow = features(FeatureSettings(market=market))

    def _environment(self, replica: Replica) -> Mapping[str, str]:
        port = self._ports.setdefault(replica.name, free_port())
        return {"OUTCRY_FEED_RECOVERY_PORT": str(port)}

    @property
    def recovery(self) -> list[str]:
        """Both replicas' recovery channels."""
        return [f"127.0.0.1:{port}" for port in self._ports.values()]

    def open(self) -> None:
        """Sends the settings that open the pair."""
        self._append([record(self.symbol, [default_settings(rules_version=2)])])

    def send(self, commands: int) -> None:
        """Appends to the input, acknowledged."""
        records = []
        for _ in range(commands // BATCH):
            part = list(islice(self._flow, BATCH))
            records.append(
                flow_record(self.symbol, part, source=GENERATOR, incarnation=1, first_number=self._sent + 1)
            )
            self._sent += BATCH
        self._append(records)

    def _append(self, records: list[bytes]) -> None:
        producer = Producer({"bootstrap.servers": self.kafka.bootstrap, "enable.idempotence": True})
        for value in records:
            producer.produce(f"matching.{self.symbol}", value, partition=0)
        assert producer.flush(60) == 0

    def core(self) -> Book:
        """The core's book after the newest record of the input, the engines' own ticks among them."""
        book = Book.empty(symbol=self.symbol)
        reader = TopicReader(kafka=self.kafka.bootstrap, topic=f"matching.{self.symbol}")
        for each in reader.read(0):
            book.apply_record(each.value or b"")
        reader.close()
        return book

    def client(self, lines: list[str] | None = None) -> FeedClient:
        """A client of both lines, or of others that carry the same packets."""
        return FeedClient(lines=lines or self.lines, recovery=self.recovery, interface="lo")

    async def follow(self, client: FeedClient) -> None:
        """Until the client has the core's book after the newest record; ticks go on meanwhile."""
        async with asyncio.timeout(PATIENCE):
            while True:
                core = await asyncio.to_thread(self.core)
                while client.book.sequence < core.seq:
                    await anext(client)
                if client.book.sequence == core.seq:
                    break
        check(client, core)


def check(client: FeedClient, core: Book) -> None:
    """By price and by order, in the order of the queues, the client has what the core shows."""
    depth = core.depth(1_000_000)
    for side, levels in ((BUY, depth.bids), (SELL, depth.asks)):
        assert [tuple(level) for level in client.book.levels(side)] == levels
        wanted = [
            (order.order_id, price, order.displayed)
            for price, _, _ in levels
            for order in core.orders_at(side, price)
        ]
        assert [(each.order_id, each.price, each.quantity) for each in client.book.queue(side)] == wanted
    assert not client.book.differs()

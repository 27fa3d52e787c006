"""Input for benchmarks: records made beforehand, so that nothing but sending them takes time then."""

from __future__ import annotations

import time
from itertools import count, islice
from typing import TYPE_CHECKING

from confluent_kafka import Producer
from outcry_engine.cli.commands import default_settings, flow_record, record
from outcry_engine.cli.flow_model import BUY, GTC, LIMIT, SELL, FlowSettings, NewOrder, flow

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from outcry_engine.cli.flow_model import FlowCommand

__all__ = ["Load", "market_load", "resting_load"]

SOURCE = 4000
MID = 6_000_000


class Load:
    """Records that open a pair and then carry commands, numbered from 1."""

    def __init__(self, symbol: str, commands: Iterable[FlowCommand], *, batch: int, incarnation: int) -> None:
        self.symbol = symbol
        self.batch = batch
        self.commands = 0
        self.incarnation = incarnation
        self.records = [record(symbol, [default_settings(incarnation=incarnation)])]
        source = iter(commands)
        while part := list(islice(source, batch)):
            first = self.commands + 1
            value = flow_record(symbol, part, source=SOURCE, incarnation=incarnation, first_number=first)
            self.records.append(value)
            self.commands += len(part)

    @property
    def bytes(self) -> int:
        """Of all records."""
        return sum(len(value) for value in self.records)

    def send(self, kafka: str, *, rate: float = 0) -> float:
        """Send all of it, at so many commands a second or at once; the monotonic instant of the first."""
        producer = Producer(
            {
                "bootstrap.servers": kafka,
                "enable.idempotence": True,
                "linger.ms": 1,
                "queue.buffering.max.messages": 1_000_000,
                "queue.buffering.max.kbytes": 1 << 20,
                "log_level": 3,
            }
        )
        producer.list_topics(timeout=10)
        started = time.monotonic()
        for number, value in enumerate(self.records):
            if rate:
                due = started + number * self.batch / rate
                while (left := due - time.monotonic()) > 0:
                    producer.poll(min(left, 0.001))
            producer.produce(f"matching.{self.symbol}", value, partition=0)
            producer.poll(0)
        producer.flush(120)
        return started


def market_load(symbol: str, commands: int, *, batch: int, incarnation: int = 1) -> Load:
    """The seeded flow that looks like a market."""
    settings = FlowSettings(seed=7, mid=MID, first_order_id=(incarnation << 40) + 1)
    return Load(symbol, islice(flow(settings), commands), batch=batch, incarnation=incarnation)


def resting_load(symbol: str, orders: int, *, batch: int = 500, incarnation: int = 1) -> Load:
    """Orders that all rest: bids below, asks above, 20 to a price."""
    return Load(symbol, islice(_resting(), orders), batch=batch, incarnation=incarnation)


def _resting() -> Iterator[FlowCommand]:
    for number in count():
        side = BUY if number % 2 else SELL
        distance = 1 + number // 40
        price = MID - distance if side == BUY else MID + distance
        yield NewOrder(number + 1, 1 + number % 1000, side, LIMIT, GTC, price, 10)

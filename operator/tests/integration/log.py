"""A pair's log as a test reads it, and the answers that an engine would write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, Producer, TopicPartition
from outcry.v1 import command_pb2, event_pb2

if TYPE_CHECKING:
    from .market import Market


TEST_SOURCE = 2048


def commands(market: Market) -> list[command_pb2.Command]:
    """All that the pair's log holds."""
    reader = Consumer({"bootstrap.servers": market.kafka.bootstrap, "group.id": "t", "log_level": 0})
    reader.assign([TopicPartition(f"matching.{market.symbol}", 0, 0)])
    found: list[command_pb2.Command] = []
    while len(found) < market.end_of_input():
        record = reader.poll(10)
        assert record is not None
        assert record.error() is None
        batch = command_pb2.CommandBatch.FromString(record.value())
        assert (batch.version, batch.symbol, batch.count) == (1, market.symbol, len(batch.commands))
        found += batch.commands
    reader.close()
    return found


def send(market: Market, *bodies: dict[str, Any], first: int = 1) -> None:
    """Commands of one of the sources that tests have, numbered from `first`."""
    numbered = [
        command_pb2.Command(source=TEST_SOURCE, incarnation=1, number=number, **body)
        for number, body in enumerate(bodies, start=first)
    ]
    batch = command_pb2.CommandBatch(version=1, symbol=market.symbol, count=len(numbered), commands=numbered)
    _produce(market, "matching", batch.SerializeToString())


async def events(market: Market) -> list[event_pb2.Event]:
    """All that the pair's engines published, each once."""
    values, _ = await market.world.kafka.read(f"events.{market.symbol}", start=0)
    found = [event for value in values for event in event_pb2.EventBatch.FromString(value).events]
    return sorted({event.seq: event for event in found}.values(), key=lambda event: event.seq)


def publish(market: Market, *said: event_pb2.Event) -> None:
    """What the hot engine says."""
    batch = event_pb2.EventBatch(symbol=market.symbol, events=said)
    _produce(market, "events", batch.SerializeToString())


def answer(market: Market, command: command_pb2.Command, **body: Any) -> None:
    """The hot engine's event about a command: `settings_changed`, unless a test says another."""
    body = body or {"settings_changed": event_pb2.SettingsChanged()}
    event = event_pb2.Event(
        source=command.source, incarnation=command.incarnation, number=command.number, **body
    )
    publish(market, event)


def _produce(market: Market, kind: str, value: bytes) -> None:
    producer = Producer({"bootstrap.servers": market.kafka.bootstrap, "log_level": 0})
    producer.produce(f"{kind}.{market.symbol}", partition=0, value=value)
    assert producer.flush(10) == 0

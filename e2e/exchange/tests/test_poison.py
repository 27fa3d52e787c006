"""Records that nobody can decode, in every topic of an order's way: readers skip them alike."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from outcry.v1.event_pb2 import Event, EventBatch
from outcry.v1.instruction_pb2 import DepositMade, Instruction, InstructionBatch
from outcry.v1.order_api_pb2 import OrderStatus
from outcry.v1.order_event_pb2 import FundsCredited, OrderEvent, OrderEventBatch
from outcry.v1.risk_api_pb2 import RiskSetting

from e2e.backends import wait_until
from e2e.exchange import Exchange

pytestmark = pytest.mark.integration

ALICE, BOB = 1001, 1002
SYMBOL = "BTC-USDT"
SHARD = ALICE % 1024
GARBAGE = b"\xff\xff\xff\xff"
READERS = {
    "orders": {"position", "settlement", "risk"},
    "order-events": {"order", "settlement", "risk"},
    f"events.{SYMBOL}": {"order", "position", "settlement", "risk"},
    "pressure": {"order"},
    "risk-settings": {"risk"},
}


def batches(batch, message, field, body):
    """Records that lie about themselves, and the name of each lie; the number would be the next."""
    right = {"incarnation": 1, "number": 2, "user_id": ALICE, **body}

    def made(*, version=1, shard=SHARD, count=1, **changed):
        messages = [
            message(**{name: value for name, value in (right | changed).items() if value is not None})
        ]
        return batch(version=version, shard=shard, count=count, **{field: messages}).SerializeToString()

    return {
        GARBAGE: "MALFORMED_RECORD",
        made(version=9): "UNKNOWN_VERSION",
        made(count=2): "WRONG_COUNT",
        made(shard=1024): "WRONG_SHARD",
        made(user_id=BOB): "WRONG_SHARD",
        made(number=0): "NO_NUMBER",
        made(**dict.fromkeys(body)): "UNKNOWN_BODY",
    }


POISON = {
    "orders": batches(
        InstructionBatch, Instruction, "instructions", {"deposit_made": DepositMade(asset="BTC", amount=7)}
    ),
    "order-events": batches(
        OrderEventBatch, OrderEvent, "events", {"funds_credited": FundsCredited(asset="BTC", amount=7)}
    ),
    f"events.{SYMBOL}": {
        GARBAGE: "MALFORMED_RECORD",
        EventBatch(symbol="ETH-USDT", events=[Event(seq=1)]).SerializeToString(): "WRONG_SYMBOL",
    },
    "pressure": {GARBAGE: "MALFORMED_RECORD", b"": "NO_STAGE"},
    "risk-settings": {
        GARBAGE: "MALFORMED_RECORD",
        RiskSetting(time_unix_nanos=1).SerializeToString(): "UNKNOWN_BODY",
    },
}


@pytest.fixture(scope="module")
def exchange():
    with Exchange(without=("reconciler",)) as running:
        admin = running.admin()
        admin.deposit(ALICE, "USDT", "10000", reference="deposit-of-alice")
        admin.deposit(BOB, "BTC", "1", reference="deposit-of-bob")
        wait_until(lambda: has(running, ALICE, USDT=10000), seconds=30, what="alice's deposit")
        wait_until(lambda: has(running, BOB, BTC=1), seconds=30, what="bob's deposit")
        yield running


def has(exchange, user, **wanted):
    """Whether this is available to a user, and nothing held."""
    client = exchange.client(user)
    found = {asset: tuple(map(Decimal, client.position(asset))) for asset in wanted}
    return found == {asset: (Decimal(str(amount)), Decimal(0)) for asset, amount in wanted.items()}


def poison(kafka):
    """Every record into the partition that its readers expect; names by topic and offset."""
    producer = Producer({"bootstrap.servers": kafka, "log_level": 0})
    expected: defaultdict[str, dict[Any, str]] = defaultdict(dict)

    def told(topic, name):
        def note(error, message):
            assert error is None
            expected[topic][message.partition(), message.offset()] = name

        return note

    for topic, records in POISON.items():
        partition = SHARD % 8 if topic.startswith("order") else 0
        for value, name in records.items():
            # A compacted topic takes nothing without a key.
            producer.produce(topic, value, key=b"?", partition=partition, on_delivery=told(topic, name))
    assert producer.flush(30) == 0
    return expected


def letters(kafka):
    """What `dead-letter` holds: by topic and replica, names by place."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "letters", "log_level": 0})
    try:
        place = TopicPartition("dead-letter", 0, 0)
        _, end = consumer.get_watermark_offsets(place, timeout=10)
        consumer.assign([place])
        found: defaultdict[str, Any] = defaultdict(lambda: defaultdict(dict))
        for message in consumer.consume(end, timeout=10) if end else ():
            headers: Any = message.headers()
            head = {name: value.decode() for name, value in headers}
            at = int(head["partition"]), int(head["offset"])
            found[head["topic"]][head["replica"]][at] = head["name"]
        return found
    finally:
        consumer.close()


def test_poison_is_skipped_by_everybody_alike_and_changes_nothing(exchange):
    expected = poison(exchange.kafka.bootstrap)

    def kept():
        found = letters(exchange.kafka.bootstrap)
        return all(
            readers <= {replica for replica, names in found[topic].items() if names == expected[topic]}
            for topic, readers in READERS.items()
        )

    wait_until(kept, seconds=60, what="every reader has kept every record", every=1)
    assert has(exchange, ALICE, USDT=10000, BTC=0)

    alice, bob = exchange.client(ALICE), exchange.client(BOB)
    bob.order(symbol=SYMBOL, side="SELL", price="50000.00", quantity="0.1")
    bid = alice.order(symbol=SYMBOL, side="BUY", price="50000.00", quantity="0.1")
    wait_until(lambda: alice.get(bid.order_id).status == OrderStatus.FILLED, seconds=60, what="a trade")
    wait_until(lambda: has(exchange, ALICE, USDT=5000), seconds=60, what="alice has paid")
    wait_until(lambda: exchange.admin().check_ledger().balanced, seconds=60, what="the books at zero")

"""The flow with every feature: seeded, and it reaches what rules version 2 has."""

from collections import Counter
from itertools import islice

from google.protobuf.message import Message
from outcry.v1 import event_pb2
from outcry_engine import Book
from outcry_engine.cli.commands import default_settings, flow_record, record
from outcry_engine.cli.event_text import events
from outcry_engine.cli.flow_features import FeatureSettings, features
from outcry_engine.cli.flow_model import FlowCommand, FlowSettings, flow

COUNT = 20_000


def taken(seed: int = 1) -> list[FlowCommand | Message]:
    market = FlowSettings(seed=seed, resting=300, users=50)
    return list(islice(features(FeatureSettings(market=market, ticks=True)), COUNT))


def played(commands: list[FlowCommand | Message]) -> list[event_pb2.Event]:
    book = Book.empty(symbol="BTC-USDT")
    book.apply_record(record("BTC-USDT", [default_settings(rules_version=2)]))
    made: list[event_pb2.Event] = []
    for first in range(0, len(commands), 500):
        value = flow_record("BTC-USDT", commands[first : first + 500], incarnation=1, first_number=first + 1)
        made += events(book.apply_record(value))
    return made


def test_the_same_seed_gives_the_same_flow() -> None:
    assert taken(3) == taken(3)
    assert taken(3) != taken(4)


def test_the_plain_flow_is_as_it_was() -> None:
    first = list(islice(flow(FlowSettings(seed=7)), 3))
    assert [tuple(command) for command in first] == [
        (1, 73, 2, 2, 2, 0, 1667),
        (2, 70, 1, 1, 1, 5_999_917, 21),
        (3, 948, 2, 3, 1, 6_000_076, 2236),
    ]


def test_every_feature_happens() -> None:
    made = played(taken())
    kinds = Counter(event.WhichOneof("body") for event in made)
    reached = {
        "trade_executed",
        "order_triggered",
        "order_amended",
        "order_cancelled",
        "self_trade_prevented",
        "mass_cancelled",
        "disconnect_timer_set",
    }
    assert reached <= set(kinds), kinds
    expired = Counter(event.order_expired.reason for event in made if event.HasField("order_expired"))
    assert {
        event_pb2.EXPIRE_REASON_ONE_CANCELS_OTHER,
        event_pb2.EXPIRE_REASON_GOOD_TILL_DATE,
        event_pb2.EXPIRE_REASON_SELF_TRADE,
    } <= set(expired), expired
    accepted = [event.order_accepted for event in made if event.HasField("order_accepted")]
    assert {order.type for order in accepted} == set(range(1, 8))
    assert any(order.display_quantity for order in accepted)
    assert any(order.quote_quantity for order in accepted)
    assert any(order.trailing_delta for order in accepted)
    refused = kinds["order_rejected"] / (kinds["order_rejected"] + kinds["order_accepted"])
    assert refused < 0.1, Counter(
        event.order_rejected.reason for event in made if event.HasField("order_rejected")
    )

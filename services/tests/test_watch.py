"""`outcry watch`: what a person sees of given facts, and against real servers without an engine."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest
from confluent_kafka import Producer
from outcry.v1 import types_pb2
from outcry.v1.book_pb2 import OrderBookSnapshot, PriceLevel
from outcry.v1.event_pb2 import AuctionPrice, Event, EventBatch, SettingsChanged, TradeExecuted
from outcry_services.cli.market import Market
from outcry_services.cli.registry import Lock, Replica, Units
from outcry_services.cli.screen import as_json, as_line, as_picture
from outcry_services.cli.view import make_view
from rich.console import Console

UNITS = Units(tick=Decimal("0.01"), lot=Decimal("0.0001"), base="BTC", quote="USDT")
OUTCRY = str(Path(sys.executable).parent / "outcry")


def snapshot(seq=7):
    return OrderBookSnapshot(
        symbol="BTC-USDT",
        seq=seq,
        bids=[PriceLevel(price=6_000_000, quantity=15_000, orders=2)],
        asks=[PriceLevel(price=6_000_100, quantity=5, orders=1)],
        resting_orders=3,
    )


def trade_batch(*seqs):
    trade = TradeExecuted(price=6_000_050, quantity=3)
    events = [Event(seq=seq, trade_executed=trade, time_unix_nanos=1_000_000_000) for seq in seqs]
    return EventBatch(symbol="BTC-USDT", events=events)


def replica(name, role, **changes):
    fields = {
        "alive": True,
        "caught_up": True,
        "epoch": 4,
        "pinned": False,
        "cpus": "1",
        "zone": "a",
        "reason": "",
        "address": "",
    }
    return Replica(name=name, role=role, **(fields | changes))


def view_of(market, *replicas):
    lock = Lock(replica="engine-btc-usdt-0", epoch=4, since="2026-01-01T00:00:00Z", reason="start", held=True)
    return make_view(
        symbol="BTC-USDT",
        units=UNITS,
        trading_status="TRADING",
        market=market,
        lock=lock,
        replicas=replicas,
        lags={},
    )


def headers(epoch=4):
    return {"epoch": str(epoch), "published-unix-nanos": "1250000000", "replica": "engine-btc-usdt-0"}


def test_prices_and_quantities_are_decimals_of_the_pair():
    market = Market()
    market.take_snapshot(snapshot())
    market.take_event_batch(trade_batch(8, 9), headers(), now=1.0)
    view = view_of(market)
    assert (view.bids[0].price, view.bids[0].quantity) == (Decimal("60000.00"), Decimal("1.5000"))
    assert view.last_price == Decimal("60000.50")
    assert view.delay_seconds == 0.25


def test_repeated_events_are_counted_once():
    market = Market()
    market.take_event_batch(trade_batch(8, 9), headers(), now=1.0)
    market.take_event_batch(trade_batch(8, 9, 10), headers(epoch=5), now=1.5)
    assert market.seq == 10
    assert market.trades_per_second(2.0) == 3.0
    assert market.epoch == 5


def events(*bodies, first=8):
    numbered = [Event(seq=seq, **body) for seq, body in enumerate(bodies, start=first)]
    return EventBatch(symbol="BTC-USDT", events=numbered)


def test_the_status_is_the_settings_until_an_event_tells_which_is_in_force():
    market = Market()
    assert view_of(market).trading_status == "TRADING"
    halted = {"settings_changed": SettingsChanged(trading_status=types_pb2.TRADING_STATUS_HALT)}
    market.take_event_batch(events(halted), headers(), now=1.0)
    assert view_of(market).trading_status == "HALT"
    assert " BTC-USDT HALT bid - " in as_line(view_of(market))


def test_a_call_auction_shows_what_would_trade_until_it_is_uncrossed():
    market = Market()
    opened = {"settings_changed": SettingsChanged(trading_status=types_pb2.TRADING_STATUS_AUCTION)}
    price = AuctionPrice(price=6_000_000, volume=15_000, surplus_side=types_pb2.SIDE_BUY, surplus=5)
    market.take_event_batch(events(opened, {"auction_indicative": price}), headers(), now=1.0)
    words = "AUCTION (auction 1.5000 BTC at 60000.00, 0.0005 BTC more to buy)"
    assert words in as_line(view_of(market))
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(as_picture(view_of(market), 5))
    assert words in console.export_text()
    assert json.loads(as_json(view_of(market)))["auction"]["volume"] == "1.5000"

    market.take_event_batch(events({"auction_uncrossed": price}, first=10), headers(), now=1.5)
    assert view_of(market).auction is None
    assert "(auction" not in as_line(view_of(market))


def test_an_older_snapshot_is_dropped():
    market = Market()
    market.take_snapshot(snapshot(seq=9))
    market.take_snapshot(snapshot(seq=8))
    assert market.snapshot is not None
    assert market.snapshot.seq == 9


def test_a_line_says_who_is_hot_and_who_is_silent():
    market = Market()
    market.take_snapshot(snapshot())
    line = as_line(
        view_of(
            market, replica("engine-btc-usdt-0", "hot"), replica("engine-btc-usdt-1", "warm", alive=False)
        )
    )
    assert "bid 60000.00 ask 60001.00" in line
    assert "hot engine-btc-usdt-0 epoch 4" in line
    assert "engine-btc-usdt-1=silent" in line


def test_the_picture_draws_without_anything_known():
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(as_picture(view_of(Market()), 5))
    assert "none registered" in console.export_text()


def test_the_picture_shows_depth_and_replicas():
    market = Market()
    market.take_snapshot(snapshot())
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(as_picture(view_of(market, replica("engine-btc-usdt-0", "hot")), 5))
    text = console.export_text()
    assert "60000.00" in text
    assert "1.5000" in text
    assert "engine-btc-usdt-0" in text


def test_json_is_one_object_with_decimals_as_text():
    market = Market()
    market.take_snapshot(snapshot())
    decoded = json.loads(as_json(view_of(market)))
    assert decoded["bids"][0]["price"] == "60000.00"


@pytest.fixture
def market_topics(kafka, consul, symbol):
    for topic in (f"book.{symbol}", f"events.{symbol}"):
        kafka.create_topic(topic)
    spec = {"tickSize": "0.01", "lotSize": "0.0001", "tradingStatus": "CANCEL_ONLY"}
    consul.put(f"kv/outcry/pairs/{symbol}", json.dumps(spec).encode())
    producer = Producer({"bootstrap.servers": kafka.bootstrap})
    taken = snapshot()
    producer.produce(f"book.{symbol}", taken.SerializeToString(), key=symbol)
    producer.produce(f"book.{symbol}", None, key="probe/engine-x-1")
    producer.flush()
    return symbol


def outcry(kafka, consul, *arguments):
    command = [OUTCRY, *arguments, "--consul", consul.url]
    if arguments[0] == "watch":
        command += ["--kafka", kafka.bootstrap]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.integration
def test_watch_once_as_json(kafka, consul, market_topics):
    done = outcry(kafka, consul, "watch", market_topics, "--once", "--json")
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["bids"][0]["price"] == "60000.00"
    assert seen["hot"] == ""
    assert seen["trading_status"] == "CANCEL_ONLY"


@pytest.mark.integration
def test_watch_of_an_unknown_pair_says_what_to_do(kafka, consul):
    done = outcry(kafka, consul, "watch", "NO-SUCH", "--once")
    assert done.returncode == 1
    assert "apply a TradingPair for NO-SUCH first" in done.stderr


@pytest.mark.integration
def test_pairs_lists_what_consul_knows(kafka, consul, market_topics):
    done = outcry(kafka, consul, "pairs", "--json")
    assert {"symbol": market_topics, "status": "CANCEL_ONLY", "hot": "nobody"}.items() <= next(
        row for row in json.loads(done.stdout) if row["symbol"] == market_topics
    ).items()

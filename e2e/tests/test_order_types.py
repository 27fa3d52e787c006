"""Every order type on a deployed pair: from a call auction through `kubectl` to the verdict of the oracle."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from e2e.backends import wait_until
from e2e.checker import Judge, read_topic
from e2e.faults.cluster import ClusterArena
from e2e.oracle import words
from e2e.oracle.commands import AmendOrder, CancelOrder, NewOco, NewOrder, SetDisconnectTimer
from e2e.oracle.events import (
    AuctionIndicative,
    AuctionUncrossed,
    DisconnectTimerFired,
    MassCancelled,
    OrderAmended,
    OrderCancelled,
    OrderExpired,
    OrderTriggered,
    TradeExecuted,
)
from e2e.tests.conftest import EXAMPLES, remove_pair
from e2e.tests.trading import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.e2e

SYMBOL, PAIR = "SOL-USDT", "sol-usdt"
EXAMPLE = (EXAMPLES / "sol-usdt.yaml").read_text()
# Ticks: the example's reference price.
REFERENCE = 15_000
ANN, BOB, EVE = 1, 2, 3


@pytest.fixture(scope="module")
def market(cluster) -> Iterator[ClusterArena]:
    """The example that opens with a call auction."""
    market = ClusterArena(symbol=SYMBOL, environment=cluster.environment)
    remove_pair(market, PAIR)
    market.kubectl("apply", "-f", "-", stdin=EXAMPLE)
    for condition in ("Ready", "SettingsApplied"):
        market.kubectl("wait", f"--for=condition={condition}", f"pair/{PAIR}", "--timeout=180s")
    yield market
    remove_pair(market, PAIR)
    market.close()


@pytest.fixture(scope="module")
def trader(market: ClusterArena) -> Trader:
    """Both sides of the call, shown by the hot one's ticks, and the opening by `kubectl apply`."""
    trader = Trader(symbol=SYMBOL, kafka=market.kafka)
    trader.send(
        order(1, ANN, words.BUY, REFERENCE + 100, 1000), order(2, BOB, words.SELL, REFERENCE - 100, 600)
    )
    shown = AuctionIndicative(REFERENCE, 600, words.BUY, 400)
    trader.wait(lambda event: event.body == shown, what="the indicative price")
    market.kubectl(
        "apply", "-f", "-", stdin=EXAMPLE.replace("tradingStatus: AUCTION", "tradingStatus: TRADING")
    )
    trader.wait(lambda event: isinstance(event.body, TradeExecuted), what="the uncross")
    return trader


@pytest.fixture
def empty(trader: Trader) -> Trader:
    """The same with an empty book."""
    trader.clear(ANN, BOB, EVE)
    return trader


def order(order_id, user, side, price, quantity, **more):
    usual = {"type": words.LIMIT, "time_in_force": words.GTC}
    fields = {"side": side, "price": price, "quantity": quantity}
    return NewOrder(order_id=order_id, user_id=user, **(usual | fields | more))


def at_market(order_id, user, side, quantity):
    return order(order_id, user, side, 0, quantity, type=words.MARKET, time_in_force=words.IOC)


def only(kind, bodies):
    return [body for body in bodies if isinstance(body, kind)]


def test_the_call_ends_at_one_price(trader):
    bodies = [event.body for event in trader.events()]
    assert only(AuctionUncrossed, bodies) == [AuctionUncrossed(REFERENCE, 600, words.BUY, 400)]
    first = only(TradeExecuted, bodies)[0]
    assert (first.price, first.quantity, first.maker_order_id) == (REFERENCE, 600, 2)


def test_a_stop_waits_for_its_price(empty):
    stop = order(
        10,
        EVE,
        words.SELL,
        14_700,
        500,
        type=words.STOP_LOSS_LIMIT,
        stop_price=14_800,
        time_in_force=words.GTC,
    )
    assert not only(OrderTriggered, empty.send(stop, order(11, ANN, words.BUY, 14_800, 100)))
    said = empty.send(at_market(12, BOB, words.SELL, 100))
    assert only(OrderTriggered, said) == [OrderTriggered(10, EVE, 14_800)]
    (trade,) = only(TradeExecuted, empty.send(at_market(13, BOB, words.BUY, 500)))
    assert (trade.price, trade.maker_order_id) == (14_700, 10)


def test_an_iceberg_trades_slice_by_slice(empty):
    said = empty.send(
        order(20, ANN, words.BUY, 14_600, 300, display_quantity=100),
        order(21, EVE, words.BUY, 14_600, 100),
        at_market(22, BOB, words.SELL, 350),
    )
    trades = [(trade.maker_order_id, trade.quantity) for trade in only(TradeExecuted, said)]
    assert trades == [(20, 100), (21, 100), (20, 100), (20, 50)]


def test_an_amended_order_keeps_its_place(empty):
    said = empty.send(
        order(30, ANN, words.BUY, 14_500, 300),
        order(31, EVE, words.BUY, 14_500, 300),
        AmendOrder(30, ANN, 200),
        at_market(32, BOB, words.SELL, 250),
    )
    assert only(OrderAmended, said) == [OrderAmended(30, ANN, 200, 200)]
    trades = [(trade.maker_order_id, trade.quantity) for trade in only(TradeExecuted, said)]
    assert trades == [(30, 200), (31, 50)]


def test_an_account_does_not_trade_with_itself(empty):
    said = empty.send(order(40, ANN, words.BUY, 14_500, 300), at_market(41, ANN, words.SELL, 100))
    assert not only(TradeExecuted, said)
    ended = [(gone.order_id, gone.reason) for gone in only(OrderExpired, said)]
    assert ended == [(40, words.SELF_TRADE), (41, words.IMMEDIATE_OR_CANCEL)]


def test_one_leg_cancels_the_other(empty):
    oco = NewOco(EVE, 50, 51, words.SELL, quantity=100, price=16_000, stop_price=13_000)
    assert not only(OrderCancelled, empty.send(oco))
    said = empty.send(CancelOrder(51, EVE))
    assert said == [OrderCancelled(51, EVE, 100), OrderCancelled(50, EVE, 100)]


def test_time_ends_orders_by_the_ticks_of_the_hot_one(empty):
    dies = time.time_ns() + 10_000_000_000
    empty.send(
        order(60, ANN, words.BUY, 14_400, 100, time_in_force=words.GTD, expire_time_unix_nanos=dies),
        order(61, EVE, words.BUY, 14_300, 100),
        SetDisconnectTimer(EVE, 1000),
    )
    gone = OrderExpired(60, ANN, 100, words.GOOD_TILL_DATE)
    empty.wait(lambda event: event.body == gone, what="the end of the GTD order")
    empty.wait(lambda event: event.body == DisconnectTimerFired(EVE, 1), what="the disconnect")


def test_cancel_all_by_an_annotation(market, empty):
    empty.send(
        order(70, ANN, words.BUY, 14_000, 100),
        NewOco(EVE, 71, 72, words.SELL, quantity=100, price=16_000, stop_price=13_000),
    )
    market.kubectl("annotate", "pair", PAIR, "--overwrite", f"outcry.trade/cancel-all={time.time_ns()}")
    empty.wait(lambda event: event.body == MassCancelled(0, 0, 3), what="the mass cancel")

    def answered():
        record = market.get("pair", PAIR)["status"].get("cancelAll", {})
        return (record.get("answer"), record.get("orders")) == ("Accepted", 3)

    wait_until(answered, seconds=60, what="cancelAll in the status")


def test_the_oracle_agrees_with_all_of_it(market, trader):
    # In this order: every event needs the command that caused it.
    published = list(read_topic(market.kafka, f"events.{SYMBOL}"))
    judge = Judge(symbol=SYMBOL, commands=read_topic(market.kafka, f"matching.{SYMBOL}"))
    judge.events(published)
    report = judge.finish(acknowledged={})
    assert report.fine, report
    assert report.events > 20
    assert report.trades >= 1

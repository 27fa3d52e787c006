"""Five hours of a real exchange: our fills against the recorded ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from outcry_engine.cli.commands import GENERATOR, default_settings, record
from outcry_engine.cli.event_text import split

from e2e.checker.schema import decode_event
from e2e.oracle.events import TradeExecuted
from e2e.recorded.commands import BAND, records
from e2e.recorded.compare import UNEXPLAINED, compare
from e2e.recorded.trades import by_recorded_order, oracle_trades

if TYPE_CHECKING:
    from e2e.recorded.convert import Conversion

SYMBOL = "BTC-USD"


@pytest.fixture(scope="module")
def input_records(conversion: Conversion) -> list[bytes]:
    lower, upper = BAND
    settings = default_settings(price_band_lower=lower, price_band_upper=upper, rules_version=2)
    return [record(SYMBOL, [settings]), *records(conversion, symbol=SYMBOL, source=GENERATOR)]


@pytest.fixture(scope="module")
def told(input_records: list[bytes]) -> list[TradeExecuted]:
    return list(oracle_trades(input_records, SYMBOL))


def test_fills_agree_with_the_recorded_ones(recording, conversion, told, capsys):
    agreement = compare(recording, by_recorded_order(told, conversion))
    with capsys.disabled():
        print(f"\n{agreement.table()}")
    assert agreement.by_orders >= 0.995
    assert agreement.by_volume >= 0.89
    assert UNEXPLAINED not in agreement.causes


def test_the_core_makes_the_trades_of_the_oracle(input_records, told):
    engine = pytest.importorskip("outcry_engine._engine", reason="the engine wheel is not built")
    replay = engine.Replay(SYMBOL)
    delimited = replay.apply_all(input_records)
    assert (replay.poison, replay.repeated) == (0, 0)
    assert core_trades(delimited) == told


def core_trades(delimited: bytes) -> list[TradeExecuted]:
    """Trades of length-delimited events, decoded by the checker's own reader."""
    bodies = (decode_event(event).body for event in split(delimited))
    return [body for body in bodies if isinstance(body, TradeExecuted)]

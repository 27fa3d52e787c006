"""Trades of a run, by recorded order ids: from the oracle, or from published events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.checker.schema import decode_commands
from e2e.oracle import Oracle
from e2e.oracle.events import TradeExecuted
from e2e.recorded.compare import Trade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from e2e.recorded.convert import Conversion


def oracle_trades(records: Iterable[bytes], symbol: str) -> Iterator[TradeExecuted]:
    """The trades that the oracle makes of the input."""
    oracle = Oracle()
    for record in records:
        for command in decode_commands(record, symbol):
            for event in oracle.apply(command):
                if isinstance(event.body, TradeExecuted):
                    yield event.body


def by_recorded_order(trades: Iterable[TradeExecuted], conversion: Conversion) -> Iterator[Trade]:
    """The same with the recording's own order ids."""
    ids = conversion.recorded_ids
    for trade in trades:
        yield Trade(maker=ids[trade.maker_order_id], taker=ids[trade.taker_order_id], quantity=trade.quantity)

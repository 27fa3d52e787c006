"""Trades of a run, by recorded order ids: from the plain book, or from published events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.checker.plain import PlainBook
from e2e.checker.schema import decode_commands
from e2e.recorded.compare import Trade

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from e2e.recorded.convert import Conversion

# A trade's numbers in the order of its fields: id, price, quantity, maker order, taker order, ...
TradeBody = tuple[int, ...]


def plain_trades(records: Iterable[bytes], symbol: str) -> Iterator[TradeBody]:
    """The trades that the plain price-time book makes of the input."""
    book = PlainBook()
    for record in records:
        for command in decode_commands(record, symbol):
            for kind, body in book.apply(command) or ():
                if kind == "trade_executed":
                    yield body


def by_recorded_order(trades: Iterable[TradeBody], conversion: Conversion) -> Iterator[Trade]:
    """The same with the recording's own order ids."""
    ids = conversion.recorded_ids
    for _, _, quantity, maker, taker, *_ in trades:
        yield Trade(maker=ids[maker], taker=ids[taker], quantity=quantity)

"""The last trade of each pair, looked up in its events when a difference has to be valued."""

from __future__ import annotations

import asyncio
from fractions import Fraction
from typing import TYPE_CHECKING

from outcry_services.common.kafka import PoisonError
from outcry_services.common.order_log import events_topic, read_events
from outcry_services.reconciler.valuation import BTC, Quoted, in_btc, rates_to_btc

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.common.kafka import RawRecord
    from outcry_services.common.pairs import Pair
    from outcry_services.reconciler.ports import LogPass, Passes

__all__ = ["Prices", "btc_scale"]

_FIRST_LOOK = 500
_BTC_SCALE = 8


class Prices:
    """Values amounts by the pairs that are there now."""

    def __init__(self, *, passes: Passes, pairs: Callable[[], Mapping[str, Pair]]) -> None:
        self._passes = passes
        self._pairs = pairs

    async def worth(self, amounts: Mapping[str, int]) -> int | None:
        """In BTC ledger units, rounded up; None without a price in BTC. Raises `UnavailableError`."""
        if set(amounts) <= {BTC}:
            return in_btc(amounts, {BTC: Fraction(1)})
        pairs = dict(self._pairs())
        last = await asyncio.to_thread(self._last, list(pairs))
        return in_btc(amounts, rates_to_btc(_quoted(pairs[symbol], price) for symbol, price in last.items()))

    def _last(self, symbols: list[str]) -> dict[str, int]:
        """The last price in ticks of each pair that has traded."""
        found = {}
        with self._passes() as logs:
            for symbol in symbols:
                price = _last_price(logs, symbol)
                if price is not None:
                    found[symbol] = price
        return found


def btc_scale(pairs: Mapping[str, Pair]) -> int:
    """Decimals of BTC's ledger unit."""
    sides = (side for pair in pairs.values() for side in (pair.base, pair.quote))
    return next((side.scale for side in sides if side.name == BTC), _BTC_SCALE)


def _last_price(logs: LogPass, symbol: str) -> int | None:
    """Backwards in ever longer steps: the last trade is near the end, or the pair hardly trades."""
    place = events_topic(symbol), 0
    if place not in logs.places(place[0]):
        return None
    low, end = logs.range(place)
    step = _FIRST_LOOK
    while end > low:
        begin = max(low, end - step)
        prices = [price for record in logs.read({place: (begin, end)}) for price in _prices(record)]
        if prices:
            return prices[-1]
        end, step = begin, step * 4
    return None


def _prices(record: RawRecord) -> list[int]:
    try:
        events = read_events(record).events
    except PoisonError:
        return []
    return [event.trade_executed.price for event in events if event.HasField("trade_executed")]


def _quoted(pair: Pair, price: int) -> Quoted:
    rate = Fraction(price * pair.units.tick_lot, pair.units.lot)
    return Quoted(base=pair.base.name, quote=pair.quote.name, rate=rate)

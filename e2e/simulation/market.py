"""The pairs and the people of every story: few and small, so that they meet all the time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.money import Units
from outcry_services.common.pairs import AllowedLag, Asset, Filters, Pair

if TYPE_CHECKING:
    from outcry_services.common.pairs.pair import SelfTradePrevention

    from e2e.simulation.chance import Chance

__all__ = ["PARTITIONS", "SHARDS", "USERS", "make_pair"]

USERS = (1, 1025, 2, 2049)
"""Of two shards: 1, 1025 and 2049 share one."""
SHARDS = (1, 2)
PARTITIONS = 2
"""Of `orders`, `order-events` and `journal`."""

_ASSETS = {"BTC-USDT": ("BTC", "USDT"), "ETH-USDT": ("ETH", "USDT"), "ETH-BTC": ("ETH", "BTC")}


def make_pair(symbol: str, chance: Chance) -> Pair:
    """A pair with units that don't divide evenly, so that whatever rounds shows it."""
    base, quote = _ASSETS[symbol]
    lower = chance.between(1, 5)
    return Pair(
        symbol=symbol,
        base=Asset(name=base, scale=3),
        quote=Asset(name=quote, scale=3),
        # A lot of 7 units at a tick of 3000: 21 units of the quote.
        units=Units(base_scale=3, quote_scale=3, tick=3000, lot=7),
        trading_status="TRADING",
        rules_version=2,
        band_lower=lower,
        band_upper=lower + chance.between(1, 6),
        min_notional=1,
        maker_fee_ppm=chance.between(-2000, 3000),
        taker_fee_ppm=chance.between(0, 200_000),
        filters=Filters(self_trade_prevention=_MODES[chance.below(len(_MODES))]),
        allowed_lag=AllowedLag(records=100_000, millis=60_000),
    )


_MODES: tuple[SelfTradePrevention, ...] = ("NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT")

"""What a person sees of a market at one moment, in the pair's own units."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from decimal import Decimal

    from outcry.v1.book_pb2 import PriceLevel
    from outcry.v1.event_pb2 import AuctionPrice

    from outcry_services.cli.market import Market
    from outcry_services.cli.registry import Lock, Replica, Units
    from outcry_services.cli.status import Lag

__all__ = ["AuctionView", "Level", "ReplicaView", "View", "make_view"]

SIDES = {0: "", 1: "buy", 2: "sell"}


@dataclass(frozen=True)
class Level:
    """A price, what rests there and of how many orders."""

    price: Decimal
    quantity: Decimal
    orders: int


@dataclass(frozen=True)
class ReplicaView:
    """A replica and how far it is behind, where it could be asked."""

    name: str
    role: str
    alive: bool
    caught_up: bool
    pinned: bool
    cpus: str
    zone: str
    reason: str
    lag_records: int | None
    lag_seconds: float | None


@dataclass(frozen=True)
class AuctionView:
    """What would trade if the call auction ended now; `surplus_side` has more at that price."""

    price: Decimal
    volume: Decimal
    surplus_side: str
    surplus: Decimal


@dataclass(frozen=True)
class View:
    """One moment of a pair."""

    symbol: str
    base: str
    quote: str
    trading_status: str
    auction: AuctionView | None
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    resting_orders: int
    last_price: Decimal | None
    trades_per_second: float
    events_per_second: float
    seq: int
    epoch: int
    hot: str
    hot_since: str
    hot_reason: str
    delay_seconds: float | None
    replicas: tuple[ReplicaView, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: decimals are text."""
        return asdict(self)


def make_view(
    *,
    symbol: str,
    units: Units,
    trading_status: str,
    market: Market,
    lock: Lock,
    replicas: tuple[Replica, ...],
    lags: dict[str, Lag | None],
) -> View:
    """Put together what Kafka and Consul say; `trading_status` is what the settings ask for."""
    now = time.monotonic()
    snapshot = market.snapshot
    return View(
        symbol=symbol,
        base=units.base,
        quote=units.quote,
        trading_status=market.trading_status or trading_status,
        auction=_auction(market.auction, units) if market.auction else None,
        bids=tuple(_level(level, units) for level in snapshot.bids) if snapshot else (),
        asks=tuple(_level(level, units) for level in snapshot.asks) if snapshot else (),
        resting_orders=snapshot.resting_orders if snapshot else 0,
        last_price=market.last_price * units.tick if market.last_price else None,
        trades_per_second=round(market.trades_per_second(now), 1),
        events_per_second=round(market.events_per_second(now), 1),
        seq=max(market.seq, snapshot.seq if snapshot else 0),
        epoch=max(market.epoch, lock.epoch),
        hot=lock.replica if lock.held else "",
        hot_since=lock.since,
        hot_reason=lock.reason,
        delay_seconds=market.delay,
        replicas=tuple(_replica(replica, lags.get(replica.name)) for replica in replicas),
    )


def _auction(auction: AuctionPrice, units: Units) -> AuctionView:
    return AuctionView(
        price=auction.price * units.tick,
        volume=auction.volume * units.lot,
        surplus_side=SIDES[auction.surplus_side],
        surplus=auction.surplus * units.lot,
    )


def _level(level: PriceLevel, units: Units) -> Level:
    return Level(level.price * units.tick, level.quantity * units.lot, level.orders)


def _replica(replica: Replica, lag: Lag | None) -> ReplicaView:
    return ReplicaView(
        name=replica.name,
        role=replica.role,
        alive=replica.alive,
        caught_up=replica.caught_up,
        pinned=replica.pinned,
        cpus=replica.cpus,
        zone=replica.zone,
        reason=replica.reason,
        lag_records=lag.records if lag else None,
        lag_seconds=lag.seconds if lag else None,
    )

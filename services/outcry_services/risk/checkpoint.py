"""The view as pieces that can be kept, and back. Pure.

The logs alone give the view only while they are whole, and events are trimmed: an order that ended in an
event which is gone would count as open for ever. So the view is kept from time to time, with the position of
every log at which it stands, and a start goes on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.risk_view_pb2 import (
    RiskCursor,
    RiskEarlyOrder,
    RiskLastPrice,
    RiskOpenOrder,
    RiskPosition,
    RiskViewPiece,
    RiskVolume,
    RiskWithdrawal,
)

from outcry_services.common.order_log import ORDER_EVENTS, ORDERS
from outcry_services.risk.accounts import Account, OpenOrder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from outcry_services.risk.freshness import Place
    from outcry_services.risk.view import RiskView

__all__ = ["MOST_ITEMS", "newest", "pieces_of", "restore"]

MOST_ITEMS = 5_000
"""Orders, volumes and withdrawals of one piece: far below what a record may hold, and encoded in few ms."""

DAYS_KEPT = 3


def pieces_of(
    view: RiskView, positions: Mapping[Place, int], *, number: int, today: int
) -> Iterator[RiskViewPiece]:
    """The view as it is now; pieces are encoded one by one as they are taken, from a copy made at once.

    Volumes of more than a few days before `today` are left out, and forgotten by the view.
    """
    for account in view.accounts.values():
        account.forget_before(today - DAYS_KEPT)
    view.accounts = {key: account for key, account in view.accounts.items() if not account.blank}
    orders = [
        (key, one.user_id, one.symbol, one.worth, one.whole, one.left)
        for key, one in view.open_orders.items()
    ]
    volumes = [
        (user_id, symbol, day, notional)
        for (user_id, symbol), account in view.accounts.items()
        for day, notional in account.volumes.items()
    ]
    withdrawals = view.withdrawals.all()
    longest = max(len(orders), len(volumes), len(withdrawals))
    count = max(1, -(-longest // MOST_ITEMS))
    first = _first(view, positions)
    return _encoded(first, orders, volumes, withdrawals, number=number, count=count)


def newest(pieces: Iterable[RiskViewPiece]) -> list[RiskViewPiece]:
    """The pieces of the newest checkpoint that is whole; none if there is no such one."""
    found: dict[int, dict[int, RiskViewPiece]] = {}
    for piece in pieces:
        found.setdefault(piece.checkpoint, {})[piece.piece] = piece
    for number in sorted(found, reverse=True):
        kept = found[number]
        if len(kept) == next(iter(kept.values())).pieces:
            return [kept[at] for at in sorted(kept)]
    return []


def restore(view: RiskView, pieces: Sequence[RiskViewPiece]) -> dict[Place, int]:
    """Fill an empty view with what was kept; the positions from which the logs go on."""
    for piece in pieces:
        for one in piece.orders:
            order = OpenOrder(one.user_id, one.symbol, one.worth, one.whole, one.left)
            view.open_orders[one.order_id] = order
            view.accounts.setdefault((one.user_id, one.symbol), Account()).enter(order)
        for volume in piece.volumes:
            account = view.accounts.setdefault((volume.user_id, volume.symbol), Account())
            account.trade(volume.day, volume.notional)
        for withdrawal in piece.withdrawals:
            view.withdrawals.restore(withdrawal)
    first = pieces[0]
    view.early = {one.order_id: one.left for one in first.early}
    view.last_prices = {one.symbol: one.price for one in first.last_prices}
    view.time_unix_nanos = first.time_unix_nanos
    _restore_cursors(view, first.cursors)
    return {(one.topic, one.partition): one.offset for one in first.positions}


def _encoded(
    first: RiskViewPiece,
    orders: Sequence[tuple[int, int, str, int, int, int]],
    volumes: Sequence[tuple[int, str, int, int]],
    withdrawals: Sequence[RiskWithdrawal],
    *,
    number: int,
    count: int,
) -> Iterator[RiskViewPiece]:
    for at in range(count):
        piece = first if at == 0 else RiskViewPiece()
        piece.checkpoint, piece.piece, piece.pieces = number, at, count
        here = slice(at * MOST_ITEMS, (at + 1) * MOST_ITEMS)
        for order_id, user_id, symbol, worth, whole, left in orders[here]:
            piece.orders.append(
                RiskOpenOrder(
                    order_id=order_id, user_id=user_id, symbol=symbol, worth=worth, whole=whole, left=left
                )
            )
        for user_id, symbol, day, notional in volumes[here]:
            piece.volumes.append(RiskVolume(user_id=user_id, symbol=symbol, day=day, notional=notional))
        piece.withdrawals.extend(withdrawals[here])
        yield piece


def _first(view: RiskView, positions: Mapping[Place, int]) -> RiskViewPiece:
    """What is there once."""
    return RiskViewPiece(
        positions=[
            RiskPosition(topic=topic, partition=partition, offset=offset)
            for (topic, partition), offset in positions.items()
        ],
        cursors=[
            *(_cursor(last, topic=ORDERS, shard=shard) for shard, last in view.instructions.all().items()),
            *(_cursor(last, topic=ORDER_EVENTS, shard=shard) for shard, last in view.answers.all().items()),
            *(_cursor(last, symbol=symbol) for symbol, last in view.events.all().items()),
        ],
        last_prices=[RiskLastPrice(symbol=symbol, price=price) for symbol, price in view.last_prices.items()],
        early=[RiskEarlyOrder(order_id=order_id, left=left) for order_id, left in view.early.items()],
        time_unix_nanos=view.time_unix_nanos,
    )


def _cursor(last: tuple[int, int], *, topic: str = "", shard: int = 0, symbol: str = "") -> RiskCursor:
    return RiskCursor(topic=topic, shard=shard, symbol=symbol, incarnation=last[0], number=last[1])


def _restore_cursors(view: RiskView, cursors: Iterable[RiskCursor]) -> None:
    shards: dict[str, dict[int, tuple[int, int]]] = {ORDERS: {}, ORDER_EVENTS: {}}
    events = {}
    for one in cursors:
        last = (one.incarnation, one.number)
        if one.topic:
            shards[one.topic][one.shard] = last
        else:
            events[one.symbol] = last
    view.instructions.restore(shards[ORDERS])
    view.answers.restore(shards[ORDER_EVENTS])
    view.events.restore(events)

"""What the exchange wrote down: rows of orders, balances in both stores, trades in the ledger."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.ids import SHARDS, database_of, shard_of_user

if TYPE_CHECKING:
    from collections.abc import Iterable

    from e2e.load.place import Stores

__all__ = [
    "Amounts",
    "Row",
    "amounts_of",
    "balances_in_ledger",
    "open_orders",
    "orders_of",
    "trades_in_ledger",
]

Amounts = dict[tuple[int, str], tuple[int, int]]
"""(available, held) by user and asset, in ledger units."""
ORDERS, LEDGER = "order", "position"
"""MySQL users who may read the one and the other."""


@dataclass(frozen=True)
class Row:
    """One order in its shard."""

    order_id: int
    user_id: int
    client_order_id: str
    status: str
    executed: int
    """Lots."""
    seq: int
    """Of the last event of the pair that touched it; 0: none did."""

    @property
    def reached_the_pair(self) -> bool:
        """Whether the pair must know it; what position refused never gets there."""
        return self.seq > 0 or self.status != "REJECTED"


def orders_of(stores: Stores, users: range) -> list[Row]:
    """All orders of these users."""
    columns = "order_id, user_id, client_order_id, status, executed, seq"
    found = stores.query(_of_shards(f"SELECT {columns}", users), user=ORDERS)
    return [
        Row(int(order), int(user), client, status, int(executed), int(seq))
        for order, user, client, status, executed, seq in found
    ]


def open_orders(stores: Stores, users: range) -> list[tuple[int, int, str]]:
    """(order id, user id, status) of those that have not come to their end."""
    found = stores.query(_of_shards("SELECT order_id, user_id, status", users, "AND ended = 0"), user=ORDERS)
    return [(int(order), int(user), status) for order, user, status in found]


def amounts_of(stores: Stores, users: range, assets: Iterable[str]) -> Amounts:
    """What Redis says."""
    places = [(user, asset) for user in users for asset in assets]
    keys = [f"{kind}:{{{user}}}:{asset}" for user, asset in places for kind in ("pos", "held")]
    found = iter(stores.amounts(keys))
    return dict(zip(places, zip(found, found, strict=True), strict=True))


def balances_in_ledger(stores: Stores, users: range) -> Amounts:
    """What the ledger says."""
    statement = f"SELECT user_id, asset, available, held FROM ledger.balances WHERE {_among(users)}"
    return {
        (int(user), asset): (int(available), int(held))
        for user, asset, available, held in stores.query([statement], user=LEDGER)
    }


def trades_in_ledger(stores: Stores, symbol: str) -> Counter[tuple[int, int]]:
    """How often each leg is booked, by trade and order."""
    statement = (
        f"SELECT trade_id, order_id FROM ledger.transactions WHERE kind = 'trade' AND symbol = '{symbol}'"
    )
    return Counter((int(trade), int(order)) for trade, order in stores.query([statement], user=LEDGER))


def _of_shards(select: str, users: range, more: str = "") -> list[str]:
    shards = sorted({shard_of_user(user) for user in users[:SHARDS]})
    return [f"{select} FROM {database_of(shard)}.orders WHERE {_among(users)} {more}" for shard in shards]


def _among(users: range) -> str:
    return f"user_id BETWEEN {users[0]} AND {users[-1]}"

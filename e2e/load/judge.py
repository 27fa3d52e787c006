"""After the load: whether all that was promised is there, once, and every book at zero."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import asyncmy
from outcry_services.common.ids import database_of, shard_of_user

from e2e.backends import wait_until

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from e2e.exchange import Exchange
    from e2e.load.told import Told

__all__ = ["Judgement", "judge"]

OPEN = ("PENDING_NEW", "NEW", "PARTIALLY_FILLED")


@dataclass
class Judgement:
    """Empty lists: nothing is wrong."""

    lost: list[int] = field(default_factory=list)
    """Orders that were acknowledged and are not there, or are another's."""
    doubled: list[str] = field(default_factory=list)
    """Client order ids with more than one order."""
    held: dict[str, str] = field(default_factory=dict)
    """What is still held though no order is open."""
    different: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Balances in Redis and in the ledger."""
    faults: list[str] = field(default_factory=list)
    """Of the trial balance."""
    orders: int = 0
    filled: int = 0

    @property
    def right(self) -> bool:
        """Whether nothing is wrong."""
        return not (self.lost or self.doubled or self.held or self.different or self.faults)


@dataclass(frozen=True)
class Row:
    """One order in its shard."""

    order_id: int
    user_id: int
    client_order_id: str
    status: str
    executed: int


def judge(exchange: Exchange, told: Told, users: Collection[int], *, seconds: float = 120) -> Judgement:
    """Cancel what is open, wait for its end, and compare; raises `ServerStartError` when it never ends."""
    for user in users:
        exchange.client(user).cancel_all(exchange.symbol)
    wait_until(
        lambda: not any(row.status in OPEN for row in _rows(exchange, users)),
        seconds=seconds,
        what="every order ended",
        every=0.5,
    )
    admin = exchange.admin()
    wait_until(
        lambda: not _differences(exchange, _redis(exchange, users)),
        seconds=seconds,
        what="Redis and the ledger agree",
        every=0.5,
    )
    found = Judgement()
    rows = _rows(exchange, users)
    found.orders, found.filled = len(rows), sum(row.executed > 0 for row in rows)
    known = {row.order_id: row for row in rows}
    for placed in told.placed:
        row = known.get(placed.order_id)
        if row is None or (row.user_id, row.client_order_id) != (placed.user_id, placed.client_order_id):
            found.lost.append(placed.order_id)
    counted = Counter((row.user_id, row.client_order_id) for row in rows)
    found.doubled = [client for (_, client), count in counted.items() if count > 1]
    redis = _redis(exchange, users)
    found.held = {f"{user} {asset}": str(held) for (user, asset), (_, held) in redis.items() if held}
    found.different = _differences(exchange, redis)
    found.faults = list(admin.check_ledger().faults)
    return found


def _differences(
    exchange: Exchange, redis: dict[tuple[int, str], tuple[int, int]]
) -> dict[str, tuple[str, str]]:
    ledger = _ledger(exchange)
    return {
        f"{user} {asset}": (str(amounts), str(ledger.get((user, asset), (0, 0))))
        for (user, asset), amounts in redis.items()
        if ledger.get((user, asset), (0, 0)) != amounts
    }


def _redis(exchange: Exchange, users: Iterable[int]) -> dict[tuple[int, str], tuple[int, int]]:
    with exchange.redis.client() as client:
        found = {}
        for user in users:
            for asset in ("BTC", "USDT"):
                available, held = client.mget(f"pos:{{{user}}}:{asset}", f"held:{{{user}}}:{asset}")
                found[user, asset] = (int(available or 0), int(held or 0))
        return found


def _ledger(exchange: Exchange) -> dict[tuple[int, str], tuple[int, int]]:
    rows = exchange.mariadb.execute("SELECT user_id, asset, available, held FROM ledger.balances")
    return {(user, _text(asset)): (available, held) for user, asset, available, held in rows}


def _text(value: Any) -> str:  # noqa: ANN401 - a column of bytes or of text
    return value.decode() if isinstance(value, bytes) else str(value)


def _rows(exchange: Exchange, users: Collection[int]) -> list[Row]:
    return asyncio.run(_read_rows(exchange, sorted({shard_of_user(user) for user in users})))


async def _read_rows(exchange: Exchange, shards: list[int]) -> list[Row]:
    server = exchange.mariadb
    connection = await asyncmy.connect(host=server.host, port=server.port, user=server.user, autocommit=True)
    try:
        async with connection.cursor() as cursor:
            found = []
            for shard in shards:
                columns = "order_id, user_id, client_order_id, status, executed"
                await cursor.execute(f"SELECT {columns} FROM {database_of(shard)}.orders")
                found += [
                    Row(order, user, _text(client), _text(status), executed)
                    for order, user, client, status, executed in await cursor.fetchall()
                ]
            return found
    finally:
        await connection.ensure_closed()

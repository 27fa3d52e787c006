"""The outbox of one MySQL server's shards, as the dispatcher reads and empties it."""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.ids import database_of
from outcry_services.order.ports import OutboxView

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from outcry_services.common.mysql import MySql

__all__ = ["OutboxTables"]

SHARDS_A_QUERY = 64


class OutboxTables:
    """See `ports.CommitStore`."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    async def outbox(self, shard: int, *, after: int, most: int) -> OutboxView:
        """Up to `most` rows behind `after` or behind what is published, whichever is later.

        A commit whose answer was lost may still be on its way, and holds the counter until it has happened or
        not: behind a read that waits for that lock, nothing older comes any more.
        """
        database = database_of(shard)
        async with self._mysql.session() as session:
            await session.query(f"SELECT last FROM {database}.counter WHERE id = 1 LOCK IN SHARE MODE")
            while True:
                found = await session.query(f"SELECT number FROM {database}.published WHERE id = 1")
                published = int(found[0][0])
                rows = await session.query(
                    f"SELECT number, payload FROM {database}.outbox "
                    "WHERE number > %s ORDER BY number LIMIT %s",
                    (max(after, published), most),
                )
                # Rows in between may have been published and removed since `published` was read.
                if not rows or rows[0][0] == max(after, published) + 1:
                    return OutboxView(
                        published=published, rows=[(int(number), bytes(payload)) for number, payload in rows]
                    )

    async def mark_published(self, numbers: Mapping[int, int]) -> None:
        """Never goes back, whoever comes late; ascending, as everybody locks shards."""
        statements = []
        for shard in sorted(numbers):
            database, number = database_of(shard), numbers[shard]
            statements += [
                (
                    f"UPDATE {database}.published SET number = GREATEST(number, %s) WHERE id = 1",
                    (number,),
                ),
                (f"DELETE FROM {database}.outbox WHERE number <= %s", (number,)),
            ]
        async with self._mysql.transaction() as session:
            await session.run_all(statements)

    async def unpublished(self, shards: Sequence[int]) -> dict[int, tuple[int, int]]:
        """By shard, up to where it is published, and its last number."""
        found: dict[int, tuple[int, int]] = {}
        async with self._mysql.session() as session:
            for first in range(0, len(shards), SHARDS_A_QUERY):
                parts = (
                    f"SELECT {shard}, p.number, c.last FROM {database_of(shard)}.published p, "
                    f"{database_of(shard)}.counter c WHERE p.id = 1 AND c.id = 1"
                    for shard in shards[first : first + SHARDS_A_QUERY]
                )
                rows = await session.query(" UNION ALL ".join(parts))
                found.update({int(shard): (int(number), int(last)) for shard, number, last in rows})
        return found

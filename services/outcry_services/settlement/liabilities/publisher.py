"""Publishing: the ledger's balances at one cut, as trees."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections import defaultdict
from itertools import islice
from typing import TYPE_CHECKING

from outcry_services.common.liabilities import NONCE_BYTES, Leaf
from outcry_services.settlement.liabilities.schema import KEPT, NODES, packed
from outcry_services.settlement.liabilities.tree import Tree, build
from outcry_services.settlement.schema import DATABASE, naming

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from outcry_services.common.liabilities import Node
    from outcry_services.common.mysql import MySql, Session
    from outcry_services.settlement.reading_store import ReadingStore

__all__ = ["LiabilityPublisher"]

_PAGE = 20_000
_ADD_NODES = (
    "INSERT INTO ledger.liability_nodes (publication, asset, level, piece, nodes) VALUES (%s, %s, %s, %s, %s)"
)
_ADD_LEAVES = (
    "INSERT INTO ledger.liability_leaves (publication, asset, user_id, place, amount, nonce) "
    "VALUES (%s, %s, %s, %s, %s, %s)"
)
_ADD_ROOT = (
    "INSERT INTO ledger.liability_roots (publication, asset, hash, total, leaves) VALUES (%s, %s, %s, %s, %s)"
)
_REMOVALS = (
    "DELETE FROM ledger.liability_publications WHERE id NOT IN ({}) AND id < %s",
    "DELETE FROM ledger.liability_roots WHERE publication NOT IN ({}) AND publication < %s",
    "DELETE FROM ledger.liability_leaves WHERE publication NOT IN ({}) AND publication < %s",
    "DELETE FROM ledger.liability_nodes WHERE publication NOT IN ({}) AND publication < %s",
)


class LiabilityPublisher:
    """Of one ledger."""

    def __init__(self, mysql: MySql, reading: ReadingStore, *, database: str = DATABASE) -> None:
        self._mysql = mysql
        self._reading = reading
        self._in = naming(database)

    async def publish(self, *, now: int) -> int:
        """Publish what is owed now; the id, which is `now`, Unix nanoseconds.

        Raises `IntegrityError` where a balance is below 0. A process that ends on the way has published
        nothing.
        """
        async with self._reading.snapshot() as session:
            offsets = await session.query(self._in("SELECT topic, part, position FROM ledger.offsets"))
            owed = await self._owed(session)
        for asset, amounts in sorted(owed.items()):
            tree = await asyncio.to_thread(_tree, asset, amounts)
            await self._keep(now, asset, tree)
        async with self._mysql.transaction() as session:
            await session.execute(
                self._in("INSERT INTO ledger.liability_publications (id, positions) VALUES (%s, %s)"),
                [now, json.dumps(sorted(offsets))],
            )
        await self._clear(now)
        return now

    async def _owed(self, session: Session) -> dict[str, dict[int, int]]:
        """Asset → user → ledger units; users without any are left out."""
        query = self._in(
            "SELECT user_id, asset, available + held FROM ledger.balances "
            "WHERE user_id <> 0 AND (user_id, asset) > (%s, %s) ORDER BY user_id, asset LIMIT %s"
        )
        owed: dict[str, dict[int, int]] = defaultdict(dict)
        after: tuple[int, str] = (-(2**63), "")
        while rows := await session.query(query, [*after, _PAGE]):
            for user_id, asset, amount in rows:
                if amount:
                    owed[asset][user_id] = int(amount)
            after = (rows[-1][0], rows[-1][1])
        return owed

    async def _keep(self, publication: int, asset: str, tree: Tree) -> None:
        nodes = (
            (publication, asset, level, piece, nodes)
            for level, row in enumerate(tree.levels)
            for piece, nodes in _pieces(row)
        )
        leaves = (
            (publication, asset, leaf.user_id, place, leaf.amount, leaf.nonce)
            for place, leaf in enumerate(tree.leaves)
        )
        root = (publication, asset, tree.root.hash, tree.root.amount, len(tree.leaves))
        await self._insert(_ADD_NODES, nodes, at_once=50)
        await self._insert(_ADD_LEAVES, leaves, at_once=2000)
        await self._insert(_ADD_ROOT, [root], at_once=1)

    async def _insert(self, statement: str, rows: Iterable[tuple[object, ...]], *, at_once: int) -> None:
        waiting = iter(rows)
        while some := list(islice(waiting, at_once)):
            async with self._mysql.transaction() as session:
                await session.execute_many(self._in(statement), some)

    async def _clear(self, newest: int) -> None:
        """Remove what is older than the last `KEPT`, and what runs that were cut short have left."""
        async with self._mysql.session() as session:
            kept = await session.query(
                self._in("SELECT id FROM ledger.liability_publications ORDER BY id DESC LIMIT %s"), [KEPT]
            )
        ids = [one for (one,) in kept]
        for statement in _REMOVALS:
            whole = self._in(statement).format(", ".join(["%s"] * len(ids)))
            async with self._mysql.transaction() as session:
                await session.execute(whole, [*ids, newest])


def _tree(asset: str, amounts: dict[int, int]) -> Tree:
    return build(
        Leaf(asset, user_id, secrets.token_bytes(NONCE_BYTES), amount) for user_id, amount in amounts.items()
    )


def _pieces(level: Sequence[Node]) -> Iterator[tuple[int, bytes]]:
    for piece, at in enumerate(range(0, len(level), NODES)):
        yield piece, packed(level[at : at + NODES])

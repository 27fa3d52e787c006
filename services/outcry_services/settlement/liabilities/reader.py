"""What was published, and a user's part of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.errors import IntegrityError, NotFoundError
from outcry_services.common.liabilities import Leaf, Node, Proof, check
from outcry_services.settlement.liabilities.schema import NODES, unpacked
from outcry_services.settlement.liabilities.tree import sibling_of
from outcry_services.settlement.schema import DATABASE, naming

if TYPE_CHECKING:
    from outcry_services.common.liabilities import Step
    from outcry_services.common.mysql import MySql, Session

__all__ = ["LiabilityReader", "Root"]


@dataclass(frozen=True, slots=True)
class Root:
    """What all are shown of one asset in one publication."""

    publication: int
    asset: str
    node: Node
    leaves: int


class LiabilityReader:
    """Reads alone."""

    def __init__(self, mysql: MySql, *, database: str = DATABASE) -> None:
        self._mysql = mysql
        self._in = naming(database)

    async def roots(self) -> list[Root]:
        """Of every publication that is kept, the newest first."""
        async with self._mysql.session() as session:
            rows = await session.query(
                self._in(
                    "SELECT r.publication, r.asset, r.hash, r.total, r.leaves FROM ledger.liability_roots r "
                    "JOIN ledger.liability_publications p ON p.id = r.publication "
                    "ORDER BY r.publication DESC, r.asset"
                )
            )
        return [
            Root(id_, asset, Node(hash_, int(total)), leaves) for id_, asset, hash_, total, leaves in rows
        ]

    async def proof(self, user_id: int, *, asset: str, publication: int | None) -> tuple[Root, Proof]:
        """A user's part of a publication, None: the newest. It was checked before it is handed out.

        Raises `NotFoundError` where there is none, and `IntegrityError` where what is kept doesn't fit
        together.
        """
        roots = [
            one for one in await self.roots() if one.asset == asset and publication in (None, one.publication)
        ]
        if not roots:
            raise NotFoundError(
                f"nothing was published of {asset}, or not any more; GET /liabilities lists what there is",
                name="NO_PUBLICATION",
                field="publication" if publication is not None else "asset",
            )
        root = roots[0]
        async with self._mysql.session() as session:
            place, leaf = await self._leaf(session, root, user_id)
            steps = await self._steps(session, root, place)
        proof = Proof(leaf, tuple(steps))
        if check(proof) != root.node:
            raise IntegrityError(f"what is kept of publication {root.publication} doesn't lead to its root")
        return root, proof

    async def _leaf(self, session: Session, root: Root, user_id: int) -> tuple[int, Leaf]:
        rows = await session.query(
            self._in(
                "SELECT place, nonce, amount FROM ledger.liability_leaves "
                "WHERE publication = %s AND asset = %s AND user_id = %s"
            ),
            [root.publication, root.asset, user_id],
        )
        if not rows:
            raise NotFoundError(
                f"you had no {root.asset} when publication {root.publication} was made",
                name="NOTHING_OWED",
                field="asset",
            )
        ((place, nonce, amount),) = rows
        return place, Leaf(root.asset, user_id, nonce, int(amount))

    async def _steps(self, session: Session, root: Root, place: int) -> list[Step]:
        steps: list[Step] = []
        length, level = root.leaves, 0
        while length > 1:
            nodes = await self._piece(session, root, level, place // NODES)
            # Siblings share a piece: pieces begin at even places.
            steps.append(sibling_of(place, nodes))
            place, length, level = place // 2, -(-length // 2), level + 1
        return steps

    async def _piece(self, session: Session, root: Root, level: int, piece: int) -> dict[int, Node]:
        rows = await session.query(
            self._in(
                "SELECT nodes FROM ledger.liability_nodes "
                "WHERE publication = %s AND asset = %s AND level = %s AND piece = %s"
            ),
            [root.publication, root.asset, level, piece],
        )
        if not rows:
            raise IntegrityError(f"publication {root.publication} lacks level {level} of {root.asset}")
        ((text,),) = rows
        return {piece * NODES + number: node for number, node in enumerate(unpacked(text))}

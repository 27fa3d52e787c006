"""The rows of what was kept aside, and of what administrators decided of it; inside one session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry_services.wallet.deposits.model import Aside, Decision, Reason
from outcry_services.wallet.nodes.model import Tip

if TYPE_CHECKING:
    from collections.abc import Collection

    from outcry_services.wallet.withdraw.store import Tables

__all__ = ["AsideRows", "Kept"]

_SELECT = (
    "SELECT k.id, k.user_id, k.asset, k.units, k.reason, k.height, k.block, k.found, "
    "d.decision, d.actor, d.note, d.decided "
    "FROM wallet.kept_aside k LEFT JOIN wallet.aside_decisions d ON d.id = k.id WHERE "
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """One of them; times are Unix nanoseconds."""

    aside: Aside
    block: Tip
    found: int
    decision: Decision | None
    """None: it waits for one."""
    actor: str
    note: str
    decided: int


class AsideRows:
    """`tables` is a session of the wallet's store."""

    def __init__(self, tables: Tables) -> None:
        self._session = tables.session
        self._in = tables.named

    async def get(self, id_: str) -> Kept | None:
        """One."""
        rows = await self._session.query(self._in(_SELECT + "k.id = %s"), [id_])
        return _kept(rows[0]) if rows else None

    async def page(self, *, user_id: int | None, reason: str, decided: bool, most: int) -> list[Kept]:
        """Newest first; `decided` ones, too, where they are asked for."""
        wanted, values = ["TRUE"], list[Any]()
        if user_id is not None:
            wanted.append("k.user_id = %s")
            values.append(user_id)
        if reason:
            wanted.append("k.reason = %s")
            values.append(reason)
        if not decided:
            wanted.append("d.id IS NULL")
        statement = _SELECT + " AND ".join(wanted) + " ORDER BY k.found DESC, k.id LIMIT %s"
        return [_kept(row) for row in await self._session.query(self._in(statement), [*values, most])]

    async def decide(self, id_: str, decision: Decision, *, actor: str, note: str, now: int) -> None:
        """For good; raises `DuplicateKeyError` for one that is decided."""
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.aside_decisions (id, decision, actor, note, decided) "
                "VALUES (%s, %s, %s, %s, %s)"
            ),
            [id_, str(decision), actor, note, now],
        )

    async def granted(self, ids: Collection[str]) -> set[str]:
        """Of these those that are to be credited, wherever they are found again."""
        if not ids:
            return set()
        marks = ", ".join(["%s"] * len(ids))
        rows = await self._session.query(
            self._in("SELECT id FROM wallet.aside_decisions WHERE decision = %s AND id IN ({})").format(
                marks
            ),
            [str(Decision.CREDIT), *ids],
        )
        return {str(id_) for (id_,) in rows}


def _kept(row: tuple[Any, ...]) -> Kept:
    id_, user_id, asset, units, reason, height, block, found, decision, actor, note, decided = row
    return Kept(
        aside=Aside(
            id=str(id_), user_id=int(user_id), asset=str(asset), units=int(units), reason=Reason(reason)
        ),
        block=Tip(height=int(height), hash=str(block)),
        found=int(found),
        decision=Decision(decision) if decision else None,
        actor=actor or "",
        note=note or "",
        decided=int(decided or 0),
    )

"""The rows of moves: payments from one account of ours to another, and the deposits that they fetch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import Session

__all__ = ["Due", "Move", "MoveRows"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Move:
    """What a payment without withdrawals moves."""

    source: str
    """Path of the account that signs."""
    account: str
    """The same as an address."""
    target: str
    """Path of the account that receives."""
    user_id: int
    """Whose deposit address is one of the two."""
    asset: str
    units: int
    conflict_point: str


@dataclass(frozen=True, slots=True)
class Due:
    """Credited deposits that still lie at their user's address."""

    user_id: int
    path: str
    address: str
    asset: str
    deposits: int
    """How many."""


class MoveRows:
    """Inside one session."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def add(self, payment: int, move: Move) -> None:
        """Of a payment that was just made."""
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.moves "
                "(payment, source, account, target, user_id, asset, units, conflict_point) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
            ),
            [
                *(payment, move.source, move.account, move.target),
                *(move.user_id, move.asset, move.units, move.conflict_point),
            ],
        )

    async def of(self, payment: int) -> Move | None:
        """None: it pays withdrawals."""
        rows = await self._session.query(
            self._in(
                "SELECT source, account, target, user_id, asset, units, conflict_point "
                "FROM wallet.moves WHERE payment = %s"
            ),
            [payment],
        )
        if not rows:
            return None
        source, account, target, user_id, asset, units, point = rows[0]
        return Move(
            source=source,
            account=account,
            target=target,
            user_id=user_id,
            asset=asset,
            units=int(units),
            conflict_point=point,
        )

    async def turn_back(self, payment: int) -> None:
        """It moves nothing any more: only its conflict point is used up."""
        await self._session.execute(
            self._in("UPDATE wallet.moves SET target = source, units = 0 WHERE payment = %s"), [payment]
        )

    async def turned_back(self, user_id: int, *, since: int) -> bool:
        """Whether one of a user was, that ended later than that or hasn't."""
        rows = await self._session.query(
            self._in(
                "SELECT 1 FROM wallet.moves WHERE user_id = %s AND source = target "
                "AND (ended IS NULL OR ended > %s) LIMIT 1"
            ),
            [user_id, since],
        )
        return bool(rows)

    async def end(self, payment: int, *, txid: str, fee: int, now: int) -> None:
        """The chain took it, for a fee in its own units. Of a payment that is no move nothing is kept."""
        await self._session.execute(
            self._in("UPDATE wallet.moves SET txid = %s, fee = %s, ended = %s WHERE payment = %s"),
            [txid, fee, now, payment],
        )

    async def due(self) -> list[Due]:
        """By user and asset, the oldest first; none of a user from or to whom something is on its way."""
        rows = await self._session.query(
            self._in(
                "SELECT a.user_id, a.path, a.address, d.asset, COUNT(*) FROM wallet.deposits d "
                "JOIN wallet.addresses a ON a.user_id = d.user_id "
                "LEFT JOIN wallet.gathered g ON g.deposit = d.id "
                "WHERE d.state = 'credited' AND g.deposit IS NULL AND NOT EXISTS ("
                "SELECT 1 FROM wallet.moves m JOIN wallet.payments p ON p.id = m.payment "
                "WHERE m.user_id = d.user_id AND p.state IN ('BUILT', 'SENT')) "
                "GROUP BY a.user_id, a.path, a.address, d.asset ORDER BY MIN(d.found), a.user_id"
            )
        )
        return [Due(*row) for row in rows]

    async def fetch(self, payment: int, due: Due, *, height: int) -> None:
        """This payment takes along what came up to this height."""
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.gathered (deposit, payment) SELECT d.id, %s FROM wallet.deposits d "
                "LEFT JOIN wallet.gathered g ON g.deposit = d.id WHERE d.user_id = %s AND d.asset = %s "
                "AND d.state = 'credited' AND d.height <= %s AND g.deposit IS NULL"
            ),
            [payment, due.user_id, due.asset, height],
        )

    async def leave(self, payment: int) -> None:
        """It came to nothing: what it would have fetched is due again."""
        await self._session.execute(self._in("DELETE FROM wallet.gathered WHERE payment = %s"), [payment])

    async def open_points(self) -> list[tuple[str, str]]:
        """Accounts and conflict points of moves that the chain has not decided."""
        rows = await self._session.query(
            self._in(
                "SELECT m.account, m.conflict_point FROM wallet.moves m "
                "JOIN wallet.payments p ON p.id = m.payment WHERE p.state IN ('BUILT', 'SENT')"
            )
        )
        return [(str(account), str(point)) for account, point in rows]

    async def ungathered(self) -> dict[str, int]:
        """Units by asset that were credited and are not on their way home."""
        rows = await self._session.query(
            self._in(
                "SELECT d.asset, CAST(SUM(d.units) AS CHAR) FROM wallet.deposits d "
                "LEFT JOIN wallet.gathered g ON g.deposit = d.id "
                "WHERE d.state = 'credited' AND g.deposit IS NULL GROUP BY d.asset"
            )
        )
        return {str(asset): int(units) for asset, units in rows}

"""The rows of withdrawals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.wallet.withdraw.model import ENDED, State, Withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from outcry_services.common.mysql import Session

__all__ = ["WithdrawalRows"]

_COLUMNS = (
    "id, user_id, asset, scale, amount, units, asked_address, address, requested_at, state, reason, note, "
    "conflict_point, max_fee, approval, payment, retries, updated"
)
_CHANGES = ", ".join(f"{name} = VALUES({name})" for name in _COLUMNS.split(", ")[1:])


class WithdrawalRows:
    """Inside one session."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def add(self, ids: Collection[int], *, now: int) -> None:
        """Those that aren't there yet, as new."""
        if not ids:
            return
        marks = ", ".join(["%s"] * len(ids))
        rows = await self._session.query(
            self._in("SELECT id FROM wallet.withdrawals WHERE id IN ({})").format(marks), sorted(ids)
        )
        fresh = set(ids) - {id_ for (id_,) in rows}
        await self.save(Withdrawal(id=id_, state=State.NEW, updated=now) for id_ in sorted(fresh))

    async def save(self, withdrawals: Iterable[Withdrawal]) -> None:
        """As they are now."""
        marks = ", ".join(["%s"] * len(_COLUMNS.split(", ")))
        await self._session.execute_many(
            self._in("INSERT INTO wallet.withdrawals ({}) VALUES ({}) ON DUPLICATE KEY UPDATE {}").format(
                _COLUMNS, marks, _CHANGES
            ),
            [_row(withdrawal) for withdrawal in withdrawals],
        )

    async def get(self, id_: int) -> Withdrawal | None:
        """One of them."""
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.withdrawals WHERE id = %s").format(_COLUMNS), [id_]
        )
        return _read(rows[0]) if rows else None

    async def in_states(self, *states: State) -> list[Withdrawal]:
        """Those that stand there, the one that was asked for first before the others."""
        marks = ", ".join(["%s"] * len(states))
        rows = await self._session.query(
            self._in(
                "SELECT {} FROM wallet.withdrawals WHERE state IN ({}) ORDER BY requested_at, id"
            ).format(_COLUMNS, marks),
            [str(state) for state in states],
        )
        return [_read(row) for row in rows]

    async def of_payment(self, payment: int) -> list[Withdrawal]:
        """Those that a payment pays, oldest first."""
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.withdrawals WHERE payment = %s ORDER BY requested_at, id").format(
                _COLUMNS
            ),
            [payment],
        )
        return [_read(row) for row in rows]

    async def counts(self) -> dict[tuple[str, State], int]:
        """How many of each asset stand in each state, of those that have not ended."""
        ended = ", ".join(f"'{state}'" for state in sorted(ENDED))
        rows = await self._session.query(
            self._in(
                "SELECT asset, state, COUNT(*) FROM wallet.withdrawals WHERE state NOT IN ({}) "
                "GROUP BY asset, state"
            ).format(ended)
        )
        return {(asset, State(state)): int(count) for asset, state, count in rows}


def _row(it: Withdrawal) -> tuple[Any, ...]:
    return (
        it.id,
        it.user_id,
        it.asset,
        it.scale,
        it.amount,
        it.units,
        it.asked_address,
        it.address,
        it.requested_at,
        str(it.state),
        it.reason,
        it.note[:256],
        it.conflict_point,
        it.max_fee,
        it.approval,
        it.payment,
        it.retries,
        it.updated,
    )


def _read(row: tuple[Any, ...]) -> Withdrawal:
    return Withdrawal(
        id=row[0],
        user_id=row[1],
        asset=row[2],
        scale=row[3],
        amount=row[4],
        units=int(row[5]),
        asked_address=row[6],
        address=row[7],
        requested_at=row[8],
        state=State(row[9]),
        reason=row[10],
        note=row[11],
        conflict_point=row[12],
        max_fee=int(row[13]),
        approval=bytes(row[14] or b""),
        payment=row[15],
        retries=row[16],
        updated=row[17],
    )

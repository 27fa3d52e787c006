"""The rows of Bitcoin's coins: outputs that are ours, and what spends them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from outcry_services.common.mysql import Session

__all__ = ["Coin", "CoinRows"]

_COLUMNS = "outpoint, path, script, units, height, block, spent_by, spent_height, own, payment"


@dataclass(frozen=True, kw_only=True, slots=True)
class Coin:
    """An output that is ours."""

    outpoint: str
    """`txid:vout`, as conflict points are written."""
    path: str
    """Where its key lies: `0/n`, or `1/…` of a user's deposit address."""
    script: bytes
    units: int
    height: int | None
    """Of the block that holds it; None: none does now."""
    block: str = ""
    spent_by: str = ""
    spent_height: int | None = None
    """Of the block that holds the transaction which spends it."""
    own: bool = False
    """A transaction of ours made it: nobody else can take it back."""
    payment: int | None = None
    """Which spends it."""

    def spendable(self, *, height: int, confirmations: int) -> bool:
        """Whether nobody spends it and, where others made it, it is so deep at `height`."""
        if self.height is None or self.spent_by or self.payment is not None:
            return False
        return self.own or height - self.height + 1 >= confirmations


class CoinRows:
    """Inside one session."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def found(self, coins: Iterable[Coin]) -> None:
        """Outputs of a block; one that was known before is in this block now."""
        await self._session.execute_many(
            self._in(
                "INSERT INTO wallet.coins (outpoint, path, script, units, height, block, spent_by, own) "
                "VALUES (%s, %s, %s, %s, %s, %s, '', %s) "
                "ON DUPLICATE KEY UPDATE height = VALUES(height), block = VALUES(block)"
            ),
            [(it.outpoint, it.path, it.script, it.units, it.height, it.block, it.own) for it in coins],
        )

    async def spent(self, outpoint: str, *, by: str, height: int) -> None:
        """A block holds a transaction that spends it."""
        await self._session.execute(
            self._in("UPDATE wallet.coins SET spent_by = %s, spent_height = %s WHERE outpoint = %s"),
            [by, height, outpoint],
        )

    async def taken_back(self, height: int) -> None:
        """The block at this height left the chain: what it held is nowhere, what it spent is unspent."""
        await self._session.execute(
            self._in("UPDATE wallet.coins SET height = NULL, block = '' WHERE height = %s"), [height]
        )
        await self._session.execute(
            self._in("UPDATE wallet.coins SET spent_by = '', spent_height = NULL WHERE spent_height = %s"),
            [height],
        )

    async def these(self, outpoints: Collection[str]) -> list[Coin]:
        """Coins by their outpoints."""
        if not outpoints:
            return []
        marks = ", ".join(["%s"] * len(outpoints))
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.coins WHERE outpoint IN ({}) ORDER BY outpoint").format(
                _COLUMNS, marks
            ),
            sorted(outpoints),
        )
        return [_read(row) for row in rows]

    async def unspent(self) -> list[Coin]:
        """All that are in a block and that no block spends."""
        rows = await self._session.query(
            self._in(
                "SELECT {} FROM wallet.coins WHERE spent_height IS NULL AND height IS NOT NULL "
                "ORDER BY units, outpoint"
            ).format(_COLUMNS)
        )
        return [_read(row) for row in rows]

    async def of_payment(self, payment: int) -> list[Coin]:
        """Those that a payment spends."""
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.coins WHERE payment = %s ORDER BY outpoint").format(_COLUMNS),
            [payment],
        )
        return [_read(row) for row in rows]

    async def spend(self, outpoints: Collection[str], *, payment: int) -> None:
        """This payment spends them."""
        marks = ", ".join(["%s"] * len(outpoints))
        await self._session.execute(
            self._in("UPDATE wallet.coins SET payment = %s WHERE outpoint IN ({})").format(marks),
            [payment, *sorted(outpoints)],
        )

    async def give_up(self, payment: int) -> None:
        """The payment came to nothing: its coins are free again."""
        await self._session.execute(
            self._in("UPDATE wallet.coins SET payment = NULL WHERE payment = %s"), [payment]
        )


def _read(row: tuple[Any, ...]) -> Coin:
    return Coin(
        outpoint=row[0],
        path=row[1],
        script=bytes(row[2]),
        units=int(row[3]),
        height=row[4],
        block=row[5],
        spent_by=row[6],
        spent_height=row[7],
        own=bool(row[8]),
        payment=row[9],
    )

"""The wallet's database: every change in one transaction, and one writer at a time.

Each change locks the one row of `writer` first. Who opened the wallet last has its epoch; an older process
finds another number there and changes nothing. Within a process that lock puts changes in a line.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from outcry_services.common.errors import UnavailableError
from outcry_services.wallet.schema import naming
from outcry_services.wallet.withdraw.coin_rows import CoinRows
from outcry_services.wallet.withdraw.errors import SupersededError
from outcry_services.wallet.withdraw.move_rows import MoveRows
from outcry_services.wallet.withdraw.nonce_rows import NonceRows
from outcry_services.wallet.withdraw.payment_rows import PaymentRows
from outcry_services.wallet.withdraw.withdrawal_rows import WithdrawalRows

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from outcry_services.common.mysql import MySql, Session

__all__ = ["Tables", "WalletStore"]


class Tables:
    """What is read and written inside one session; statements call the database `wallet`."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self.session = session
        self.named = named
        self.withdrawals = WithdrawalRows(session, named)
        self.payments = PaymentRows(session, named)
        self.coins = CoinRows(session, named)
        self.cold_coins = CoinRows(
            session, lambda text: named(text.replace("wallet.coins", "wallet.cold_coins"))
        )
        self.nonces = NonceRows(session, named)
        self.moves = MoveRows(session, named)


class WalletStore:
    """One wallet's."""

    def __init__(self, mysql: MySql, *, database: str) -> None:
        self._mysql = mysql
        self._in = naming(database)
        self._epoch: int | None = None

    async def open(self) -> None:
        """Become the writer. Raises `UnavailableError` (`WALLET_NOT_MIGRATED`) where there are no tables."""
        async with self._mysql.transaction() as session:
            changed = await session.execute(
                self._in("UPDATE wallet.writer SET epoch = epoch + 1 WHERE id = 1")
            )
            if changed != 1:
                raise UnavailableError(
                    "the wallet's database has no writer row; its migration makes it",
                    name="WALLET_NOT_MIGRATED",
                )
            ((self._epoch,),) = await session.query(self._in("SELECT epoch FROM wallet.writer WHERE id = 1"))

    @asynccontextmanager
    async def change(self) -> AsyncIterator[Tables]:
        """One transaction of the writer; raises `SupersededError` when another one opened the wallet."""
        async with self._mysql.transaction() as session:
            rows = await session.query(self._in("SELECT epoch FROM wallet.writer WHERE id = 1 FOR UPDATE"))
            if rows != [(self._epoch,)]:
                raise SupersededError(
                    f"the wallet was opened again (epoch {rows[0][0]}, not {self._epoch}): another process "
                    "works on it, so this one ends; run one at a time"
                )
            yield Tables(session, self._in)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Tables]:
        """For reading alone: everything as it is at one moment, for as long as it is read."""
        async with self._mysql.snapshot() as session:
            yield Tables(session, self._in)

    @asynccontextmanager
    async def look(self) -> AsyncIterator[Tables]:
        """For reading alone: each statement by itself."""
        async with self._mysql.session() as session:
            yield Tables(session, self._in)

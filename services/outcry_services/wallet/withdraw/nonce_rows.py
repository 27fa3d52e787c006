"""The rows of Ethereum's nonces: each goes to one payment, in their order, and is never given again."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import Session

__all__ = ["NonceRows"]


class NonceRows:
    """Inside one session."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def take(self, account: str, *, least: int, payment: int) -> int:
        """The next one, at least `least`, for a payment."""
        ((last,),) = await self._session.query(
            self._in("SELECT MAX(nonce) FROM wallet.nonces WHERE account = %s"), [account]
        )
        nonce = max(least, last + 1) if last is not None else least
        await self._session.execute(
            self._in("INSERT INTO wallet.nonces (account, nonce, payment) VALUES (%s, %s, %s)"),
            [account, nonce, payment],
        )
        return nonce

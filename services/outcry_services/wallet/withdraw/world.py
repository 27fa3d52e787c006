"""What every step of the saga shares."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from outcry_services.common.errors import ConflictError, ServiceError
from outcry_services.wallet.withdraw.model import State

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from outcry.v1 import signer_pb2
    from outcry.v1.withdrawal_api_pb2 import Payout
    from outcry.v1.withdrawal_approval_pb2 import SignedApproval
    from outcry.v1.withdrawal_review_pb2 import ReviewAnswer

    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.desk import Desk
    from outcry_services.wallet.withdraw.gathering import Gatherer
    from outcry_services.wallet.withdraw.metrics import WithdrawMetrics
    from outcry_services.wallet.withdraw.model import Withdrawal
    from outcry_services.wallet.withdraw.rail import Rail
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["BY_BOOKS", "Reviewer", "Signers", "World", "each", "each_alone"]

AT_ONCE = 16
"""Calls to other services in flight."""

BY_BOOKS = {
    "REFUSED": State.RELEASED,
    "RELEASED": State.RELEASED,
    "RETURNED": State.RETURNED,
    "COMPLETED": State.PAID,
}
"""What an end in the books is here."""

T = TypeVar("T")
U = TypeVar("U")


class Reviewer(Protocol):
    """Risk."""

    async def review(self, withdrawal: Withdrawal, *, asset: str) -> ReviewAnswer:
        """Its answer as it stands; `asset` as approvals write it. Raises `ServiceError`."""


class Signers(Protocol):
    """The quorum, by way of the relay."""

    async def status(self) -> dict[int, signer_pb2.SignerStatus]:
        """Of those that answer."""

    async def sign(
        self,
        transaction: signer_pb2.Transaction,
        approvals: list[SignedApproval],
        *,
        begun: Callable[[], Awaitable[None]],
        check: Callable[[signer_pb2.Signed], object],
    ) -> signer_pb2.Signed:
        """See `Relay`."""


@dataclass(frozen=True, kw_only=True)
class World:
    """One wallet's surroundings."""

    file: WalletFile
    store: WalletStore
    desk: Desk
    reviewer: Reviewer
    signers: Signers
    rail: Rail
    metrics: WithdrawMetrics
    now: Callable[[], int]
    """Unix nanoseconds."""
    paused: Callable[[], Awaitable[str | None]]
    """Why nothing may be built, signed or broadcast; raises `UnavailableError` where nobody knows."""
    gatherer: Gatherer | None = None
    """Where deposits have to be fetched from addresses of their own."""

    async def move(
        self, withdrawals: Sequence[Withdrawal], work: Callable[[Withdrawal], Awaitable[Withdrawal]]
    ) -> None:
        """Do this for each, and keep what became of it. What fails for one keeps no other back.

        Raises the first failure, once the others are kept.
        """
        moved, failures = await each_alone(withdrawals, work)
        changed = [after for before, after in zip(withdrawals, moved, strict=True) if after != before]
        if changed:
            await self.save(*changed)
        for failure in failures:
            raise failure

    async def save(self, *withdrawals: Withdrawal) -> None:
        """As they are now, in one change."""
        async with self.store.change() as tables:
            await tables.withdrawals.save(self.stamped(withdrawals))

    def stamped(self, withdrawals: Iterable[Withdrawal]) -> list[Withdrawal]:
        """With the time of their change."""
        return [replace(withdrawal, updated=self.now()) for withdrawal in withdrawals]

    async def explain(self, withdrawals: Iterable[Withdrawal], reason: str, *, note: str = "") -> None:
        """Show that they wait, and why, where that isn't shown yet. Who ended meanwhile is taken note of."""

        async def tell(withdrawal: Withdrawal) -> Withdrawal:
            try:
                await self.desk.tell(withdrawal.id, "QUEUED", reason=reason, note=note)
            except ConflictError:
                return await self.as_in_books(withdrawal)
            return replace(withdrawal, reason=reason, note=note)

        unaware = [withdrawal for withdrawal in withdrawals if withdrawal.reason != reason]
        if unaware:
            await self.save(*await each(unaware, tell))

    async def as_in_books(self, withdrawal: Withdrawal) -> Withdrawal:
        """With the state that an end in the books gives it; as it is where it has none."""
        payout: Payout = await self.desk.get(withdrawal.id)
        ended = BY_BOOKS.get(payout.status)
        return withdrawal if ended is None else replace(withdrawal, state=ended, reason=payout.reason)


async def each_alone(
    items: Sequence[T], work: Callable[[T], Awaitable[T]]
) -> tuple[list[T], list[ServiceError]]:
    """All of them, some at once: what became of each, as it was where its work failed; and the failures."""
    failures: list[ServiceError] = []

    async def tried(item: T) -> T:
        try:
            return await work(item)
        except ServiceError as error:
            failures.append(error)
            return item

    return await each(items, tried), failures


async def each(items: Iterable[T], work: Callable[[T], Awaitable[U]]) -> list[U]:
    """All of them, some at once; the first error is raised when those in hand are over."""
    room = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> U:
        async with room:
            return await work(item)

    results = await asyncio.gather(*map(one, items), return_exceptions=True)
    found: list[U] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        found.append(result)
    return found

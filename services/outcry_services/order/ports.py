"""What the service's logic needs of the world: stores, the log, time, chance, and its neighbours.

The logic beside these (`intake`, `committer`, `dispatch`, `following`) opens no socket: a simulator gives it
other sides of the same ports. What a store promises here, `shard_store.ShardStore` keeps with MySQL.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Mapping, Sequence

    from outcry.v1 import risk_api_pb2

    from outcry_services.common.kafka import Record
    from outcry_services.order.entries import Entry, Outcome
    from outcry_services.order.model import Fill, MoneyKind, MoneyRow, OrderRow
    from outcry_services.order.payouts import Happened, Payout
    from outcry_services.order.progress import MoneyChange, OrderChange, Refusal

__all__ = [
    "Chance",
    "Clock",
    "CommitStore",
    "Log",
    "OutboxView",
    "ProgressStore",
    "ReadStore",
    "RiskDesk",
    "Store",
]


class Clock(Protocol):
    """The time of day; for display, and for expiries that clients name."""

    def now(self) -> int:
        """Unix nanoseconds."""


class Chance(Protocol):
    """Names that nobody can guess or meet twice."""

    def name(self) -> str:
        """32 characters of 0-9 and a-f."""


class Log(Protocol):
    """The gapless publisher (`common.kafka.Publisher`)."""

    @property
    def full(self) -> bool:
        """Whether there is room for no other record."""

    def enqueue(self, record: Record) -> asyncio.Future[int]:
        """Take a record behind all earlier ones; done when it is acknowledged. Raises `TooManyError`."""

    async def publish(self, record: Record) -> int:
        """As `enqueue`, but waits for room and for the acknowledgement."""


@dataclass(frozen=True, kw_only=True, slots=True)
class OutboxView:
    """The outbox of a shard behind some number: `rows` are consecutive, by number."""

    published: int
    rows: Sequence[tuple[int, bytes]]


class CommitStore(Protocol):
    """Where a server's shards become durable. Every call may raise the errors of `common.mysql_errors`."""

    async def commit(self, entries: Sequence[Entry]) -> list[Outcome]:
        """One transaction for entries of several shards, one outcome each, in their order.

        Entries of a shard are numbered in their order, without gaps behind the shard's last number, in the
        transaction that writes them and their outbox rows. An entry whose key is there already gets what is
        there instead of a number. Raises `MySqlMissingError` when a shard is not on this server any more:
        nothing took effect.
        """

    async def outbox(self, shard: int, *, after: int, most: int) -> OutboxView:
        """Up to `most` rows behind `after` or behind what is published, whichever is later.

        What was asked to be committed before, and may still be, is waited for.
        """

    async def mark_published(self, numbers: Mapping[int, int]) -> None:
        """By shard, the number up to which `orders` has the outbox; those rows may go. Never goes back."""

    async def unpublished(self, shards: Sequence[int]) -> dict[int, tuple[int, int]]:
        """By shard, the number up to which the outbox is published, and the shard's last number."""


class ReadStore(Protocol):
    """What users ask to see."""

    async def order(self, order_id: int) -> OrderRow | None:
        """By id."""

    async def order_by_client_id(self, user_id: int, client_order_id: str) -> OrderRow | None:
        """By the name that the client gave it."""

    async def orders(
        self, user_id: int, *, symbol: str, open_only: bool, before: int | None, most: int
    ) -> list[OrderRow]:
        """Newest first, below the id `before`."""

    async def fills(
        self, user_id: int, *, symbol: str, order_id: int | None, before: int | None, most: int
    ) -> list[Fill]:
        """Newest first, below the place `before`."""

    async def money(self, user_id: int, kind: MoneyKind, reference: str) -> MoneyRow | None:
        """A deposit, adjustment or withdrawal by its reference."""

    async def payout(self, shard: int, number: int) -> Payout | None:
        """A withdrawal by the number of its request."""

    async def payouts(self, user_id: int, *, before: int | None, most: int) -> list[Payout]:
        """A user's, newest first, below the number `before`."""

    async def open_payouts(self, shard: int, *, after: int, most: int) -> list[Payout]:
        """Those of a shard that have not ended, oldest first, above the number `after`."""

    async def payout_steps(self, shard: int, number: int) -> list[Happened]:
        """What became of one, oldest first."""

    async def claim(self, shard: int, kind: MoneyKind, reference: str, digest: bytes) -> bytes:
        """Keep the first digest that a reference is claimed with, for ever; the one that is kept."""


class ProgressStore(Protocol):
    """Where events of the log change orders, each exactly once."""

    async def apply(self, changes: Sequence[OrderChange]) -> int:
        """One transaction. A step that an order has already changes nothing; the number of orders changed.

        Changes come in ascending (shard, order), so that two appliers can't lock each other out.
        """

    async def answer(self, answers: Sequence[Refusal | MoneyChange]) -> None:
        """One transaction. Who has an answer already keeps it."""

    async def positions(self, topics: Sequence[str]) -> dict[tuple[str, int], tuple[int, str]]:
        """By topic and partition: the offset to read on from, and the reader's own marks (shard 0 alone)."""

    async def keep_position(self, topic: str, partition: int, *, offset: int, marks: str) -> None:
        """Behind the effects of what was read (shard 0 alone)."""


class Store(CommitStore, ReadStore, ProgressStore, Protocol):
    """One MySQL server."""


class RiskDesk(Protocol):
    """The risk service."""

    async def require(self, check: risk_api_pb2.RiskCheck) -> None:
        """Raises `RefusedError` by the limit's name; `UnavailableError` when limits can't be checked.

        Without an answer nothing may be accepted.
        """

"""Bugs planted on purpose: each one a fault that somebody could have made, which the seeds must find.

A simulator that finds nothing proves nothing. Each plant changes the shipped code in one place while a story
is played: a line of a script, a condition of a statement, the order of two steps.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from outcry_services.common import fees
from outcry_services.common.redis import Call, Script
from outcry_services.order import entries as order_entries
from outcry_services.order import payout_store, payouts, progress_store
from outcry_services.order.committer import Committer
from outcry_services.order.dispatch import Dispatcher
from outcry_services.order.payouts import Retry, Tell
from outcry_services.position import keys, library, rounds
from outcry_services.position.delivery import Delivery, Round
from outcry_services.position.topics import command_records
from outcry_services.settlement.ledger_store import LedgerBatch

from e2e.simulation import wallet_side
from e2e.simulation.chain import Paid
from e2e.simulation.mysql_client import FakeSession
from e2e.simulation.redis_server import FakeRedis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["PLANTS"]


def _scripts(change: Callable[[str], str]) -> Iterator[None]:
    """Every script of position's with another text."""
    with ExitStack() as stack:
        changed = 0
        for name in library.__all__:
            script = getattr(library, name)
            if isinstance(script, Script) and change(script.text) != script.text:
                changed += 1
                stack.enter_context(patch.object(library, name, Script.of(script.name, change(script.text))))
        if not changed:
            raise AssertionError("nothing to plant this in: the scripts have changed")
        yield


def _without(line: str, *, instead: str = "") -> Iterator[None]:
    yield from _scripts(lambda text: text.replace(line, instead))


@contextmanager
def no_key_of_instructions() -> Iterator[None]:
    """A repeated instruction is carried out again."""
    yield from _without(" or incarnation == ARGV[1] and not less(number, ARGV[2])")


@contextmanager
def no_key_of_legs() -> Iterator[None]:
    """A repeated leg of a trade is settled again."""
    yield from _without("if not less(leg, ARGV[2]) then", instead="if false then")


@contextmanager
def released_twice() -> Iterator[None]:
    """What an order's end frees is credited, and stays held."""
    yield from _without("minus(held, freed)", instead="held")


@contextmanager
def no_order_in_a_pipeline() -> Iterator[None]:
    """A step runs although the one before it of the same user did not."""
    yield from _without("return 'BEHIND'", instead="")


@contextmanager
def hold_kept() -> Iterator[None]:
    """An order that has ended keeps its hold's record."""
    yield from _without("redis.call('HDEL', KEYS[3], ARGV[4])", instead="")


@contextmanager
def through_a_number() -> Iterator[None]:
    """An amount passes through a Lua number on its way to Redis."""
    yield from _without(
        "local function plus(a, b)",
        instead="local function plus(a, b)\n  a = tostring(tonumber(a) * 1.0000001)",
    )


@contextmanager
def published_before_commit() -> Iterator[None]:
    """Instructions go out before their transaction has ended."""
    attempts = Committer._attempts

    async def early(self: Any, entries: Any) -> Any:
        tables = self._store
        known = {entry.shard: tables._known.get(entry.shard) for entry in entries}
        if None not in known.values():
            for entry in entries:
                incarnation, last = known[entry.shard]
                known[entry.shard] = (incarnation, last + 1)
                payload = order_entries.encode(
                    entry, incarnation=incarnation, number=last + 1, now=tables._clock.now()
                )
                self._committed(entry.shard, [(last + 1, payload)])
        return await attempts(self, entries)

    with patch.object(Committer, "_attempts", early):
        yield


@contextmanager
def forgotten_outbox() -> Iterator[None]:
    """What a crash left in the outbox is found by nobody."""
    with patch.object(
        Dispatcher,
        "learn",
        lambda self, found: (
            self._handed.update({s: last for s, (_, last) in found.items() if s not in self._handed}) or 0
        ),
    ):
        yield


@contextmanager
def no_seq_of_rows() -> Iterator[None]:
    """An order's row takes an event that it has already."""
    update = progress_store._update

    def any_seq(*given: Any) -> Any:
        text, values = update(*given)
        return text.replace(" AND seq < %s", " AND %s > 0"), values

    with patch.object(progress_store, "_update", any_seq):
        yield


@contextmanager
def commands_before_answers() -> Iterator[None]:
    """A pair gets an order before the log holds what was decided of it."""

    async def tell(self: Any) -> None:
        publish = self._publishing.publish_all
        while True:
            batch = await self._given.get()
            commands = asyncio.ensure_future(publish(tuple(command_records(batch.commands))))
            await commands
            behind = await self._answer([batch])
            await self._told.put(Round([batch], behind, commands))

    with patch.object(Delivery, "_tell", tell):
        yield


@contextmanager
def drained_before_told() -> Iterator[None]:
    """The journal in Redis is emptied before Kafka has its entries."""
    put = Delivery.put

    async def early(self: Any, outputs: Any) -> None:
        drains = [
            Call(library.DRAIN, (keys.journal(user),), tuple(fields))
            for user, fields in outputs.drained.items()
        ]
        await self._scripts.run_all(drains)
        await put(self, outputs)

    with patch.object(Delivery, "put", early):
        yield


@contextmanager
def loss_unnoticed() -> Iterator[None]:
    """A promoted Redis is taken for the one that it was."""
    with (
        patch.object(FakeRedis, "_admits", lambda self: self._server.up),
        patch.object(rounds.Chain, "follow", lambda *_: 0),
    ):
        yield


@contextmanager
def cursors_apart() -> Iterator[None]:
    """The ledger's cursors are not written with their postings."""
    write = LedgerBatch.write

    async def without(self: Any, change: Any) -> None:
        change.cursors = {}
        await write(self, change)

    with patch.object(LedgerBatch, "write", without):
        yield


@contextmanager
def not_one_transaction() -> Iterator[None]:
    """Statements of a transaction take effect one by one."""
    with patch.object(FakeSession, "in_transaction", property(lambda _: False, lambda *_: None), create=True):
        yield


@contextmanager
def fee_rounded_down() -> Iterator[None]:
    """A fee is rounded toward the user."""
    with patch.object(fees, "fee_of", lambda gross, ppm: gross * ppm // 1_000_000):
        yield


@contextmanager
def improvement_kept() -> Iterator[None]:
    """What a better price saved stays held until the order ends."""
    yield from _without("if keep == '' or less(rest, keep) then", instead="if true then")


@contextmanager
def withdrawal_released_twice() -> Iterator[None]:
    """A withdrawal is released although it was sent, or released before."""

    def always(payout: Any) -> Any:
        return replace(payout, stage=payouts.Stage.RELEASED)

    with patch.object(payouts, "_release", always):
        yield


@contextmanager
def withdrawal_completed_without_sent() -> Iterator[None]:
    """The end of a payout is taken from any stage, and the wallet forgets to send it first."""

    async def forgotten(self: Any, payout: Any) -> None:
        await self._ask(payout, payouts.Complete(transaction_id="t", fee_asset="USDT", fee=0))

    def anyhow(payout: Any, step: Any) -> Any:
        return replace(payout, stage=payouts.Stage.COMPLETED, transactions=(step.transaction_id,))

    with patch.object(wallet_side._Wallet, "_send", forgotten), patch.object(payouts, "_complete", anyhow):
        yield


@contextmanager
def withdrawal_sent_twice() -> Iterator[None]:
    """Another transaction for a payout takes another number."""
    with patch.object(payout_store, "is_numbered", lambda _, step: not isinstance(step, (Tell, Retry))):
        yield


@contextmanager
def broadcast_before_sent() -> Iterator[None]:
    """The shard is told of a payout when the nodes have it already, and it can be released meanwhile."""
    unsent = payouts._UNSENT | {payouts.Stage.SIGNING}

    async def early(self: Any, payout: Any) -> None:
        step = wallet_side._signed(payout, "a")
        self._world.books_chain.broadcast(step.conflict_point, Paid(step.transaction_id, payout.id))
        self._world.books_chain.mine(step.conflict_point, 0)
        await self._ask(payout, step)

    def release(payout: Any) -> Any:
        if payout.stage not in unsent:
            raise payouts._refused(payout, "can't be released")
        return replace(payout, stage=payouts.Stage.RELEASED)

    with patch.object(wallet_side._Wallet, "_send", early), patch.object(payouts, "_release", release):
        yield


@contextmanager
def hold_of_a_payout_kept() -> Iterator[None]:
    """What is sent stays held."""
    yield from _without("redis.call('HDEL', KEYS[3], ARGV[5])", instead="")


PLANTS = (
    withdrawal_released_twice,
    withdrawal_completed_without_sent,
    withdrawal_sent_twice,
    broadcast_before_sent,
    hold_of_a_payout_kept,
    no_key_of_instructions,
    no_key_of_legs,
    released_twice,
    no_order_in_a_pipeline,
    hold_kept,
    through_a_number,
    published_before_commit,
    forgotten_outbox,
    no_seq_of_rows,
    commands_before_answers,
    drained_before_told,
    loss_unnoticed,
    cursors_apart,
    not_one_transaction,
    fee_rounded_down,
    improvement_kept,
)

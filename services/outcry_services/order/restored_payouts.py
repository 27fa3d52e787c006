"""Withdrawals whose shard was restored from a backup: brought to where the log says that they are.

A row that is behind the log would let a payout be released or given back that was sent or paid since.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

from outcry_services.common.ids import OrderId
from outcry_services.order.payouts import ENDED, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from outcry.v1.instruction_pb2 import Instruction

__all__ = ["LoggedStep", "catching_up", "steps_in"]

_STAGES = {
    "withdrawal_sent": Stage.SENT,
    "withdrawal_completed": Stage.COMPLETED,
    "withdrawal_released": Stage.RELEASED,
    "withdrawal_returned": Stage.RETURNED,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedStep:
    """One numbered step of a withdrawal; what it doesn't name is empty."""

    number: int
    """Of the withdrawal's request."""
    stage: Stage
    time: int
    reason: str = ""
    transaction: str = ""
    chain: str = ""
    network: str = ""
    conflict_point: str = ""


def steps_in(instructions: Iterable[Instruction]) -> list[LoggedStep]:
    """The steps among instructions of a shard, in their order."""
    return [_step(it, kind) for it in instructions if (kind := it.WhichOneof("body") or "") in _STAGES]


def catching_up(database: str, steps: Sequence[LoggedStep]) -> list[tuple[str, Sequence[Any]]]:
    """Statements that bring rows behind these steps; where a row is there already they change nothing."""
    return [statement for step in steps for statement in _statements(database, step)]


def _step(it: Instruction, kind: str) -> LoggedStep:
    body: Any = getattr(it, kind)
    number, stage = OrderId.of(body.withdrawal_id).number, _STAGES[kind]
    words: Mapping[str, str] = {}
    if stage is Stage.SENT:
        words = {
            "transaction": body.transaction_id,
            "chain": body.chain,
            "network": body.network,
            "conflict_point": body.conflict_point,
        }
    elif stage is Stage.COMPLETED:
        words = {"transaction": body.transaction_id}
    elif stage is Stage.RELEASED:
        words = {"reason": ReleaseReason.Name(body.reason).removeprefix("RELEASE_REASON_")}
    else:
        words = {"reason": ReturnReason.Name(body.reason).removeprefix("RETURN_REASON_")}
    return LoggedStep(number=number, stage=stage, time=it.time_unix_nanos, **words)


def _statements(database: str, step: LoggedStep) -> list[tuple[str, Sequence[Any]]]:
    behind = "WHERE number = %s AND ended = 0 AND stage <> %s"
    history = (
        f"INSERT INTO {database}.withdrawal_steps "
        "(number, time, stage, reason, transaction_id, note, actor) "
        f"SELECT number, %s, %s, %s, %s, 'restored from the log', '' FROM {database}.withdrawals {behind}"
    )
    values = (step.time, str(step.stage), step.reason, step.transaction, step.number, str(step.stage))
    update = (
        f"UPDATE {database}.withdrawals SET "
        # The one that paid is the last of them.
        "transactions = TRIM(CONCAT(REPLACE(transactions, %s, ''), ' ', %s)), "
        "chain = IF(%s = '', chain, %s), network = IF(%s = '', network, %s), "
        "conflict_point = IF(%s = '', conflict_point, %s), "
        f"stage = %s, reason = %s, updated = GREATEST(updated, %s), ended = %s {behind}"
    )
    pairs = (step.chain, step.network, step.conflict_point)
    doubled = [word for word in pairs for _ in range(2)]
    ended = int(step.stage in ENDED)
    moved = (str(step.stage), step.reason, step.time, ended, step.number, str(step.stage))
    return [(history, values), (update, (step.transaction, step.transaction, *doubled, *moved))]

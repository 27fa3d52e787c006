"""A withdrawal's numbered step as the body of its `Instruction`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.errors import IntegrityError
from outcry_services.common.ids import OrderId, shard_of_user
from outcry_services.order.payouts import Complete, Release, Return, Send

if TYPE_CHECKING:
    from outcry.v1 import instruction_pb2

    from outcry_services.order.payouts import PayoutStep

__all__ = ["add_step"]


def add_step(instruction: instruction_pb2.Instruction, body: PayoutStep) -> None:
    """Fill in the body; raises `IntegrityError` for a step that moves no money."""
    step = body.step
    if isinstance(step, Send):
        sent = instruction.withdrawal_sent
        _whose(sent, body)
        sent.chain, sent.network = step.chain, step.network
        sent.transaction_id, sent.conflict_point = step.transaction_id, step.conflict_point
    elif isinstance(step, Complete):
        completed = instruction.withdrawal_completed
        _whose(completed, body)
        completed.transaction_id = step.transaction_id
        completed.fee_asset, completed.fee = step.fee_asset, step.fee
    elif isinstance(step, Release):
        released = instruction.withdrawal_released
        _whose(released, body)
        released.reason, released.note, released.actor = step.code, step.note, step.actor
    elif isinstance(step, Return):
        returned = instruction.withdrawal_returned
        _whose(returned, body)
        returned.reason, returned.spent_by = step.code, step.spent_by
        returned.fee_asset, returned.fee = step.fee_asset, step.fee
        returned.note, returned.actor = step.note, step.actor
    else:
        raise IntegrityError(f"{type(step).__name__} of a withdrawal moves no money, and takes no number")


def _whose(
    message: instruction_pb2.WithdrawalSent
    | instruction_pb2.WithdrawalCompleted
    | instruction_pb2.WithdrawalReleased
    | instruction_pb2.WithdrawalReturned,
    body: PayoutStep,
) -> None:
    message.withdrawal_id = int(OrderId.make(shard=shard_of_user(body.user_id), number=body.number))
    message.asset, message.amount = body.asset, body.amount

"""What the world is told of an instruction that was carried out: the answer, and the pair's command. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1 import command_pb2, order_event_pb2

from outcry_services.common.ids import shard_of_user

if TYPE_CHECKING:
    from outcry.v1.instruction_pb2 import Instruction

    from outcry_services.position.entries import Entry

__all__ = ["answer_to", "command_of"]


_FUNDS = {
    "withdrawal_sent": "funds_sent",
    "withdrawal_completed": "funds_paid_out",
    "withdrawal_released": "funds_released",
    "withdrawal_returned": "funds_returned",
}


def answer_to(it: Instruction, entry: Entry) -> order_event_pb2.OrderEvent:
    """The one answer to an instruction, under its number."""
    answer = order_event_pb2.OrderEvent(
        incarnation=it.incarnation,
        number=it.number,
        time_unix_nanos=it.time_unix_nanos,
        traceparent=it.traceparent,
        user_id=it.user_id,
    )
    kind = it.WhichOneof("body")
    if entry.refused:
        answer.refused.id, answer.refused.reason = entry.id, entry.reason
    elif kind == "order_created":
        order = it.order_created
        answer.funds_held.id = order.order.order_id
        answer.funds_held.asset, answer.funds_held.amount = order.hold_asset, order.hold
    elif kind == "withdrawal_requested":
        withdrawal = it.withdrawal_requested
        answer.funds_held.id = withdrawal.withdrawal_id
        answer.funds_held.asset, answer.funds_held.amount = withdrawal.asset, withdrawal.amount
        answer.funds_held.withdrawal = True
    elif kind == "deposit_made":
        deposit = it.deposit_made
        answer.funds_credited.asset, answer.funds_credited.amount = deposit.asset, deposit.amount
    elif kind == "adjustment_made":
        adjustment = it.adjustment_made
        answer.funds_adjusted.asset, answer.funds_adjusted.amount = adjustment.asset, adjustment.amount
    elif kind in _FUNDS:
        moved = getattr(answer, _FUNDS[kind])
        step = getattr(it, kind)
        moved.id, moved.asset, moved.amount = step.withdrawal_id, step.asset, step.amount
    else:
        answer.cancel_forwarded.order_id = it.cancel_requested.order_id
    return answer


def command_of(it: Instruction, entry: Entry) -> command_pb2.Command | None:
    """What goes on to the pair, under the same number; None: nothing."""
    kind = it.WhichOneof("body")
    if entry.refused or kind not in ("order_created", "cancel_requested", "mass_cancel_requested"):
        return None
    command = command_pb2.Command(
        source=shard_of_user(it.user_id),
        incarnation=it.incarnation,
        number=it.number,
        time_unix_nanos=it.time_unix_nanos,
    )
    if kind == "order_created":
        command.new_order.CopyFrom(it.order_created.order)
    elif kind == "cancel_requested":
        command.cancel_order.order_id = it.cancel_requested.order_id
        command.cancel_order.user_id = it.user_id
    else:
        command.mass_cancel.user_id = it.user_id
        command.mass_cancel.side = it.mass_cancel_requested.side
    return command

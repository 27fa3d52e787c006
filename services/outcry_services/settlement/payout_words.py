"""What a withdrawal's steps leave in the books beside amounts: proof and reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.instruction_pb2 import ReleaseReason, ReturnReason

if TYPE_CHECKING:
    from outcry.v1.instruction_pb2 import Instruction

__all__ = ["proof_of", "why"]


def proof_of(instruction: Instruction) -> str:
    """The chain's transaction that a step names; empty: none."""
    body = instruction.WhichOneof("body")
    if body == "withdrawal_sent":
        return instruction.withdrawal_sent.transaction_id
    if body == "withdrawal_completed":
        return instruction.withdrawal_completed.transaction_id
    return instruction.withdrawal_returned.spent_by if body == "withdrawal_returned" else ""


def why(instruction: Instruction) -> str:
    """Reason, who and note of what did not end as it was meant to; empty for what did."""
    body = instruction.WhichOneof("body")
    if body == "withdrawal_released":
        released = instruction.withdrawal_released
        return _said(ReleaseReason.Name(released.reason), released.actor, released.note)
    if body == "withdrawal_returned":
        returned = instruction.withdrawal_returned
        return _said(ReturnReason.Name(returned.reason), returned.actor, returned.note)
    return ""


def _said(reason: str, actor: str, note: str) -> str:
    return ": ".join(filter(None, (reason, actor, note)))

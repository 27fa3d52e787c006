"""Which script carries out an instruction. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry.v1.order_event_pb2 import RefusalReason

from outcry_services.common.redis import Call
from outcry_services.position import keys, library
from outcry_services.position.entries import PASSED, REFUSED
from outcry_services.position.facts import Facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry.v1.instruction_pb2 import Instruction
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.redis import Argument

PAYOUTS = frozenset({"withdrawal_sent", "withdrawal_completed", "withdrawal_released", "withdrawal_returned"})
"""What becomes of a withdrawal; the shard decided it, and nothing of it is refused here."""

__all__ = ["PAYOUTS", "call_for", "field_of", "id_of", "symbol_of"]


def field_of(it: Instruction) -> str:
    """Its field in the journal that is not yet in Kafka."""
    return f"i{it.incarnation}.{it.number}"


def symbol_of(it: Instruction) -> str:
    """The pair that it goes on to; empty: none."""
    kind = it.WhichOneof("body")
    if kind == "order_created":
        return it.order_created.symbol
    if kind == "cancel_requested":
        return it.cancel_requested.symbol
    return it.mass_cancel_requested.symbol if kind == "mass_cancel_requested" else ""


def id_of(it: Instruction) -> int:
    """The order or withdrawal that it makes; 0: none. A cancel that is refused ends no order."""
    kind = it.WhichOneof("body")
    if kind == "order_created":
        return it.order_created.order.order_id
    if kind in PAYOUTS or kind == "withdrawal_requested":
        return int(getattr(it, kind).withdrawal_id)
    return 0


def call_for(it: Instruction, *, after: int, recorded: OrderEvent | None, known_pair: bool) -> Call:
    """The call that carries it out.

    `after` is the user's number that must have been carried out before. `recorded` is the answer that the log
    already holds: then that answer is made true, whatever the balances of the moment would say.
    """
    if recorded is not None and recorded.WhichOneof("body") == "refused":
        return _pass(it, after, _refusal(id_of(it), recorded.refused.reason))
    if recorded is None and not known_pair:
        return _pass(it, after, _refusal(id_of(it), RefusalReason.REFUSAL_REASON_UNKNOWN_PAIR))
    make = _CALLS.get(it.WhichOneof("body") or "")
    if make is None:
        return _pass(it, after, f"0 {PASSED} {id_of(it)}")
    head = (it.incarnation, it.number, after, "0" if recorded is None else "1")
    return make(it, (keys.cursor(it.user_id), keys.journal(it.user_id)), head)


Keys = tuple[str, ...]
Head = tuple["Argument", ...]


def _pre_deduct(it: Instruction, own: Keys, head: Head) -> Call:
    order, facts = it.order_created, Facts.of(it.order_created)
    return Call(
        library.PRE_DEDUCT,
        (*own, keys.holds(it.user_id), *_balance(it, facts.asset)),
        (*head, order.order.order_id, order.hold, facts.asset, facts.tail()),
    )


def _withdraw(it: Instruction, own: Keys, head: Head) -> Call:
    asked = it.withdrawal_requested
    return Call(
        library.WITHDRAW,
        (*own, keys.holds(it.user_id), *_balance(it, asked.asset)),
        (*head, asked.withdrawal_id, asked.amount, asked.asset, ""),
    )


def _deposit(it: Instruction, own: Keys, head: Head) -> Call:
    made = it.deposit_made
    return Call(library.DEPOSIT, (*own, *_balance(it, made.asset)), (*head, made.amount, made.asset))


def _adjust(it: Instruction, own: Keys, head: Head) -> Call:
    made = it.adjustment_made
    sign = "-" if made.amount < 0 else ""
    return Call(
        library.ADJUST, (*own, *_balance(it, made.asset)), (*head, abs(made.amount), made.asset, sign)
    )


def _payout(it: Instruction, own: Keys, head: Head) -> Call:
    sent = it.withdrawal_sent
    return Call(
        library.PAYOUT,
        (*own, keys.holds(it.user_id), *_balance(it, sent.asset)),
        (*head, sent.withdrawal_id, sent.amount, sent.asset),
    )


def _unhold(it: Instruction, own: Keys, head: Head) -> Call:
    released = it.withdrawal_released
    return Call(
        library.UNHOLD,
        (*own, keys.holds(it.user_id), *_balance(it, released.asset)),
        (*head, released.withdrawal_id, released.amount, released.asset),
    )


def _come_back(it: Instruction, own: Keys, head: Head) -> Call:
    back = it.withdrawal_returned
    return Call(
        library.COME_BACK,
        (*own, *_balance(it, back.asset)),
        (*head, back.withdrawal_id, back.amount, back.asset),
    )


def _balance(it: Instruction, asset: str) -> Keys:
    return keys.available(it.user_id, asset), keys.held(it.user_id, asset)


_CALLS: dict[str, Callable[[Instruction, Keys, Head], Call]] = {
    "order_created": _pre_deduct,
    "withdrawal_requested": _withdraw,
    "deposit_made": _deposit,
    "adjustment_made": _adjust,
    "withdrawal_sent": _payout,
    "withdrawal_released": _unhold,
    "withdrawal_returned": _come_back,
}


def _refusal(identity: int, reason: RefusalReason.ValueType) -> str:
    return f"0 {REFUSED} {identity} {RefusalReason.Name(reason).removeprefix('REFUSAL_REASON_')}"


def _pass(it: Instruction, after: int, entry: str) -> Call:
    return Call(
        library.PASS,
        (keys.cursor(it.user_id), keys.journal(it.user_id)),
        (it.incarnation, it.number, after, entry),
    )

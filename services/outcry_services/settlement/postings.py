"""The rules of the books: one cause in, one balanced transaction out. Pure functions.

    hold        available → held                          the order's or the withdrawal's funds
    release     held → available                          a better price, lost quantity, the order's end
    trade       held → clearing, clearing → available     each leg by itself; both make clearing 0 again
    fee         available → fees                          a rebate goes the other way
    deposit     deposits → available
    adjustment  adjustments → available                   or back
    payout      held → in flight → withdrawals            when it is sent, and when the chain confirmed it
    return      in flight → available                     no transaction of it can be paid any more
    chain fee   costs → chain_fees                        what a payout took of the house's own coins
    cover       house → …                                 where funds are short: see below

The log is the truth: position said in it that funds were there. Where the ledger has less (somebody changed
Redis by hand; a price band was raised behind a market order's back), the house pays what is missing, by an
entry of its own that is counted and alerted. No balance of a user ever goes below 0.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_services.common.fees import HoldStep, Proceeds, hold_step, proceeds
from outcry_services.common.ids import SHARDS
from outcry_services.settlement.errors import ContradictionError, UnbalancedError
from outcry_services.settlement.model import (
    HOUSE,
    Account,
    Entry,
    Hold,
    HoldKind,
    Kind,
    Transaction,
    shard_source,
)
from outcry_services.settlement.payout_words import proof_of, why

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry.v1.instruction_pb2 import Instruction
    from outcry.v1.order_event_pb2 import OrderEvent

    from outcry_services.common.legs import Fill, Leg

__all__ = [
    "arrived",
    "balanced",
    "credited",
    "ended_hold",
    "funds_needed",
    "held",
    "hold_of",
    "moved_asset",
    "settled",
    "unheld",
]

_FUNDED = {
    "order_created": "funds_held",
    "withdrawal_requested": "funds_held",
    "deposit_made": "funds_credited",
    "adjustment_made": "funds_adjusted",
    "withdrawal_sent": "funds_sent",
    "withdrawal_completed": "funds_paid_out",
    "withdrawal_released": "funds_released",
    "withdrawal_returned": "funds_returned",
}
"""What position answers to an instruction that moves funds, unless it refuses."""


def balanced(transaction: Transaction) -> Transaction:
    """The transaction, if it sums to zero for each asset; else `UnbalancedError`."""
    sums: dict[str, int] = {}
    for entry in transaction.entries:
        sums[entry.asset] = sums.get(entry.asset, 0) + entry.amount
    off = {asset: amount for asset, amount in sums.items() if amount}
    if off:
        raise UnbalancedError(f"transaction {transaction.key} is off by {off}: nothing of it was written")
    return transaction


def moved_asset(instruction: Instruction, answer: OrderEvent) -> str | None:
    """The asset that an answered instruction moves; None where it moves nothing (cancels, refusals).

    Raises `ContradictionError` for an answer that doesn't fit what was asked.
    """
    asked, said = instruction.WhichOneof("body") or "", answer.WhichOneof("body") or ""
    if said == "refused":
        return None
    expected = _FUNDED.get(asked)
    if expected is None and said == "cancel_forwarded":
        return None
    if said != expected or instruction.user_id != answer.user_id:
        raise ContradictionError(
            f"{_where(instruction)}: {asked} of user {instruction.user_id} was answered by {said} "
            f"for user {answer.user_id}"
        )
    asset, amount = _asked(instruction)
    body = getattr(answer, said)
    if (body.asset, body.amount) != (asset, amount):
        raise ContradictionError(
            f"{_where(instruction)}: {amount} {asset} were asked for, {body.amount} {body.asset} answered"
        )
    return asset


def funds_needed(instruction: Instruction) -> int:
    """What an instruction that position carried out took out of its user's available."""
    _, amount = _asked(instruction)
    body = instruction.WhichOneof("body")
    if body in ("deposit_made", "adjustment_made"):
        return max(0, -amount)
    return amount if body in ("order_created", "withdrawal_requested") else 0


def hold_of(instruction: Instruction) -> Hold:
    """The hold that an order or a withdrawal begins with."""
    if instruction.WhichOneof("body") == "withdrawal_requested":
        asked = instruction.withdrawal_requested
        return Hold(
            id=asked.withdrawal_id,
            user_id=instruction.user_id,
            kind=HoldKind.WITHDRAWAL,
            asset=asked.asset,
            left=asked.amount,
        )
    created = instruction.order_created
    return Hold(
        id=created.order.order_id,
        user_id=instruction.user_id,
        kind=HoldKind.ORDER,
        asset=created.hold_asset,
        left=created.hold,
        per_unit=created.hold_per_unit,
        side=created.order.side,
        symbol=created.symbol,
        base=created.base_asset,
        quote=created.quote_asset,
        tick_lot=created.quote_units_per_tick_lot,
        lot=created.base_units_per_lot,
    )


def held(instruction: Instruction, hold: Hold, *, available: int) -> Transaction:
    """The funds of a new hold, out of `available` that its user has now."""
    kind = Kind.HOLD if hold.kind is HoldKind.ORDER else Kind.WITHDRAWAL
    own = min(available, hold.left)
    return _of_instruction(
        instruction,
        kind,
        Entry(hold.user_id, Account.AVAILABLE, hold.asset, -own, kind),
        Entry(HOUSE, Account.HOUSE, hold.asset, own - hold.left, Kind.COVER),
        Entry(hold.user_id, Account.HELD, hold.asset, hold.left, kind),
    )


def credited(instruction: Instruction, *, available: int) -> Transaction:
    """A deposit, or an adjustment, which may take away; `available` is what its user has now."""
    user = instruction.user_id
    asset, amount = _asked(instruction)
    if instruction.WhichOneof("body") == "deposit_made":
        return _of_instruction(
            instruction,
            Kind.DEPOSIT,
            Entry(HOUSE, Account.DEPOSITS, asset, -amount, Kind.DEPOSIT),
            Entry(user, Account.AVAILABLE, asset, amount, Kind.DEPOSIT),
        )
    own = max(amount, -available)
    return _of_instruction(
        instruction,
        Kind.ADJUSTMENT,
        Entry(HOUSE, Account.ADJUSTMENTS, asset, -amount, Kind.ADJUSTMENT),
        Entry(HOUSE, Account.HOUSE, asset, amount - own, Kind.COVER),
        Entry(user, Account.AVAILABLE, asset, own, Kind.ADJUSTMENT),
    )


def ended_hold(instruction: Instruction) -> int:
    """The withdrawal whose hold an instruction ends; 0: none."""
    body = instruction.WhichOneof("body")
    if body == "withdrawal_sent":
        return instruction.withdrawal_sent.withdrawal_id
    return instruction.withdrawal_released.withdrawal_id if body == "withdrawal_released" else 0


def unheld(instruction: Instruction, hold: Hold | None) -> Transaction:
    """A withdrawal's hold, sent or released. Raises `ContradictionError` when the books hold another."""
    user = instruction.user_id
    asset, amount = _asked(instruction)
    found = hold and (hold.kind, hold.user_id, hold.asset, hold.left)
    if found != (HoldKind.WITHDRAWAL, user, asset, amount):
        raise ContradictionError(
            f"{_where(instruction)} ends withdrawal {ended_hold(instruction)} of user {user}, "
            f"{amount} {asset}; the books hold {found or 'nothing'} for it"
        )
    sent = instruction.WhichOneof("body") == "withdrawal_sent"
    kind = Kind.PAYOUT if sent else Kind.RELEASE
    to = (HOUSE, Account.WITHDRAWALS_IN_FLIGHT) if sent else (user, Account.AVAILABLE)
    return _of_instruction(
        instruction,
        kind,
        Entry(user, Account.HELD, asset, -amount, kind),
        Entry(*to, asset, amount, kind),
    )


def arrived(instruction: Instruction) -> Transaction:
    """What was in flight: paid out, or back; and the chain's fee, at the house's cost."""
    user = instruction.user_id
    asset, amount = _asked(instruction)
    back = instruction.WhichOneof("body") == "withdrawal_returned"
    step = instruction.withdrawal_returned if back else instruction.withdrawal_completed
    kind = Kind.RETURN if back else Kind.PAYOUT
    to = (user, Account.AVAILABLE) if back else (HOUSE, Account.WITHDRAWALS)
    return _of_instruction(
        instruction,
        kind,
        Entry(HOUSE, Account.WITHDRAWALS_IN_FLIGHT, asset, -amount, kind),
        Entry(*to, asset, amount, kind),
        Entry(HOUSE, Account.COSTS, step.fee_asset, -step.fee, Kind.CHAIN_FEE),
        Entry(HOUSE, Account.CHAIN_FEES, step.fee_asset, step.fee, Kind.CHAIN_FEE),
    )


def settled(leg: Leg, hold: Hold, *, symbol: str, time_unix_nanos: int) -> tuple[Transaction, Hold | None]:
    """What a leg does to its order's hold; the hold after it, None when it has ended.

    Raises `ContradictionError` where event and order name different users, pairs or sides.
    """
    fill = leg.fill
    if (hold.user_id, hold.symbol) != (leg.user_id, symbol) or (fill and fill.side != hold.side):
        raise ContradictionError(
            f"e:{symbol}:{leg.seq}:{leg.leg} is no leg of order {hold.id}, "
            f"which is user {hold.user_id}'s in {hold.symbol}"
        )
    traded = _proceeds(fill, hold) if fill else Proceeds(0, 0, 0, 0)
    step = hold_step(left=hold.left, per_unit=hold.per_unit, remaining=leg.remaining, paid=traded.paid)
    transaction = Transaction(
        source=symbol,
        position=leg.mark,
        kind=Kind.TRADE if fill else Kind.RELEASE,
        user_id=leg.user_id,
        time_unix_nanos=time_unix_nanos,
        symbol=symbol,
        order_id=leg.order_id,
        trade_id=fill.trade_id if fill else 0,
        entries=_some([*_paid(hold, traded, step), *_received(hold, traded), *_released(hold, step)]),
    )
    after = replace(hold, left=step.left) if leg.remaining else None
    return balanced(transaction), after


def _proceeds(fill: Fill, hold: Hold) -> Proceeds:
    return proceeds(
        hold.side,
        price=fill.price,
        quantity=fill.quantity,
        quote_units_per_tick_lot=hold.tick_lot,
        base_units_per_lot=hold.lot,
        fee_ppm=fill.fee_ppm,
    )


def _paid(hold: Hold, traded: Proceeds, step: HoldStep) -> list[Entry]:
    return [
        Entry(hold.user_id, Account.HELD, hold.asset, -step.from_hold, Kind.TRADE),
        Entry(HOUSE, Account.HOUSE, hold.asset, -step.short, Kind.COVER),
        Entry(HOUSE, Account.CLEARING, hold.asset, traded.paid, Kind.TRADE),
    ]


def _received(hold: Hold, traded: Proceeds) -> list[Entry]:
    asset = hold.base if hold.asset == hold.quote else hold.quote
    return [
        Entry(HOUSE, Account.CLEARING, asset, -traded.gross, Kind.TRADE),
        Entry(hold.user_id, Account.AVAILABLE, asset, traded.gross, Kind.TRADE),
        Entry(hold.user_id, Account.AVAILABLE, asset, -traded.fee, Kind.FEE),
        Entry(HOUSE, Account.FEES, asset, traded.fee, Kind.FEE),
    ]


def _released(hold: Hold, step: HoldStep) -> list[Entry]:
    return [
        Entry(hold.user_id, Account.HELD, hold.asset, -step.released, Kind.RELEASE),
        Entry(hold.user_id, Account.AVAILABLE, hold.asset, step.released, Kind.RELEASE),
    ]


def _of_instruction(instruction: Instruction, kind: Kind, *entries: Entry) -> Transaction:
    body = instruction.WhichOneof("body")
    reference = note = symbol = ""
    order_id = 0
    if body == "order_created":
        symbol, order_id = instruction.order_created.symbol, instruction.order_created.order.order_id
    elif body == "withdrawal_requested":
        order_id = instruction.withdrawal_requested.withdrawal_id
        reference = instruction.withdrawal_requested.address
    elif body == "deposit_made":
        reference = instruction.deposit_made.reference
    elif body != "adjustment_made":
        order_id = getattr(instruction, body or "").withdrawal_id
        reference, note = proof_of(instruction), why(instruction)
    else:
        made = instruction.adjustment_made
        reference, note = made.reference, f"{made.actor}: {made.reason}"
    return balanced(
        Transaction(
            source=shard_source(instruction.user_id % SHARDS),
            position=instruction.number,
            kind=kind,
            user_id=instruction.user_id,
            time_unix_nanos=instruction.time_unix_nanos,
            symbol=symbol,
            order_id=order_id,
            reference=reference,
            note=note,
            entries=_some(entries),
        )
    )


def _some(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    return tuple(entry for entry in entries if entry.amount)


def _asked(instruction: Instruction) -> tuple[str, int]:
    body = instruction.WhichOneof("body")
    if body == "order_created":
        return instruction.order_created.hold_asset, instruction.order_created.hold
    asked = getattr(instruction, body or "")
    return str(asked.asset), int(asked.amount)


def _where(instruction: Instruction) -> str:
    return f"i:{instruction.user_id % SHARDS}:{instruction.number}"

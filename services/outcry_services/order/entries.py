"""Entries of a commit: what was asked for, as the `Instruction` and the rows that a number makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1 import command_pb2, instruction_pb2

from outcry_services.common.ids import OrderId, shard_of_user
from outcry_services.order.model import (
    Cancel,
    MassCancel,
    MoneyKind,
    MoneyRequest,
    MoneyRow,
    OrderDraft,
    OrderRow,
)
from outcry_services.order.payout_messages import add_step
from outcry_services.order.payouts import PayoutStep

if TYPE_CHECKING:
    from outcry_services.common.errors import ServiceError
    from outcry_services.order.model import Terms
    from outcry_services.order.payouts import Payout

__all__ = ["Committed", "Denied", "Entry", "Outcome", "Repeated", "encode", "key_of", "new_order"]

Body = OrderDraft | Cancel | MassCancel | MoneyRequest | PayoutStep


@dataclass(frozen=True, slots=True)
class Entry:
    """What one user asked for, and the trace of the request."""

    body: Body
    traceparent: str = ""

    @property
    def shard(self) -> int:
        """Where it belongs."""
        return shard_of_user(self.body.user_id)


@dataclass(frozen=True, slots=True)
class Committed:
    """It is durable under this number; `row` is its order, deposit, adjustment or withdrawal."""

    incarnation: int
    number: int
    payload: bytes
    row: OrderRow | MoneyRow | Payout | None


@dataclass(frozen=True, slots=True)
class Repeated:
    """It is there already, under its key whatever its content, or took no number: what is there now."""

    row: OrderRow | MoneyRow | Payout


@dataclass(frozen=True, slots=True)
class Denied:
    """A withdrawal's step that may not follow: nothing took effect."""

    error: ServiceError
    row: None = None


Outcome = Committed | Repeated | Denied


def key_of(body: Body) -> tuple[str, int, str] | None:
    """By what an entry may be there already: kind, user, name. None where nobody can have sent it before."""
    if isinstance(body, OrderDraft):
        return ("ORDER", body.user_id, body.client_order_id) if body.named else None
    if isinstance(body, MoneyRequest):
        return (body.kind, body.user_id, body.reference)
    return None


def row_of(entry: Entry, *, number: int, now: int) -> OrderRow | MoneyRow | None:
    """The row that an entry gets with its number; cancels live in the outbox alone."""
    body = entry.body
    if isinstance(body, OrderDraft):
        order_id = int(OrderId.make(shard=entry.shard, number=number))
        return OrderRow(order_id=order_id, draft=body, created=now, updated=now)
    if isinstance(body, MoneyRequest):
        return MoneyRow(number=number, request=body, created=now)
    return None


def encode(entry: Entry, *, incarnation: int, number: int, now: int) -> bytes:
    """The `Instruction` of an entry, encoded."""
    body = entry.body
    instruction = instruction_pb2.Instruction(
        incarnation=incarnation,
        number=number,
        time_unix_nanos=now,
        traceparent=entry.traceparent,
        user_id=body.user_id,
    )
    if isinstance(body, OrderDraft):
        instruction.order_created.CopyFrom(_order_created(entry.shard, number, body))
    elif isinstance(body, Cancel):
        instruction.cancel_requested.symbol = body.symbol
        instruction.cancel_requested.order_id = body.order_id
    elif isinstance(body, MassCancel):
        instruction.mass_cancel_requested.symbol = body.symbol
        instruction.mass_cancel_requested.side = body.side
    elif isinstance(body, PayoutStep):
        add_step(instruction, body)
    else:
        _add_money(instruction, entry.shard, number, body)
    return instruction.SerializeToString()


def new_order(terms: Terms, *, order_id: int, user_id: int) -> command_pb2.NewOrder:
    """The engine's message of an order."""
    return command_pb2.NewOrder(
        order_id=order_id,
        user_id=user_id,
        side=terms.side,
        type=terms.type,
        time_in_force=terms.time_in_force,
        price=terms.price,
        quantity=terms.quantity,
        quote_quantity=terms.quote_quantity,
        display_quantity=terms.display_quantity,
        stop_price=terms.stop_price,
        trailing_delta=terms.trailing_delta,
        self_trade_prevention=terms.self_trade_prevention,
        expire_time_unix_nanos=terms.expire_time_unix_nanos,
    )


def _order_created(shard: int, number: int, draft: OrderDraft) -> instruction_pb2.OrderCreated:
    market = draft.market
    order_id = int(OrderId.make(shard=shard, number=number))
    return instruction_pb2.OrderCreated(
        symbol=market.symbol,
        order=new_order(draft.terms, order_id=order_id, user_id=draft.user_id),
        base_asset=market.base_asset,
        quote_asset=market.quote_asset,
        quote_units_per_tick_lot=market.units.tick_lot,
        base_units_per_lot=market.units.lot,
        hold_asset=draft.hold_asset,
        hold=draft.hold,
        hold_per_unit=draft.hold_per_unit,
        client_order_id=draft.client_order_id,
    )


def _add_money(
    instruction: instruction_pb2.Instruction, shard: int, number: int, request: MoneyRequest
) -> None:
    if request.kind is MoneyKind.DEPOSIT:
        instruction.deposit_made.CopyFrom(
            instruction_pb2.DepositMade(
                asset=request.asset, amount=request.amount, reference=request.reference
            )
        )
    elif request.kind is MoneyKind.ADJUSTMENT:
        instruction.adjustment_made.CopyFrom(
            instruction_pb2.AdjustmentMade(
                asset=request.asset,
                amount=request.amount,
                reason=request.detail,
                reference=request.reference,
                actor=request.actor,
            )
        )
    else:
        instruction.withdrawal_requested.CopyFrom(
            instruction_pb2.WithdrawalRequested(
                withdrawal_id=int(OrderId.make(shard=shard, number=number)),
                asset=request.asset,
                amount=request.amount,
                address=request.detail,
                client_withdrawal_id=request.reference,
                network=request.network,
            )
        )

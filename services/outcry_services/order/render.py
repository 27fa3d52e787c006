"""Rows as clients see them: decimal text, words, RFC 3339 times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from outcry.v1 import order_api_pb2
from outcry.v1.types_pb2 import Side

from outcry_services.common.errors import IntegrityError
from outcry_services.common.fees import proceeds
from outcry_services.common.ids import shard_of_user
from outcry_services.common.money import format_amount
from outcry_services.order.words import PREVENTIONS, SIDES, TIMES, TYPES

if TYPE_CHECKING:
    from outcry_services.order.model import Fill, MoneyRow, OrderRow

__all__ = ["order_message", "receipt_message", "time_text", "trade_message"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def time_text(nanos: int) -> str:
    """RFC 3339 in UTC with microseconds."""
    return (
        (_EPOCH + timedelta(microseconds=nanos // 1000))
        .isoformat(timespec="microseconds")
        .replace("+00:00", "Z")
    )


def order_message(row: OrderRow) -> order_api_pb2.Order:
    """An order; what it doesn't have is empty text."""
    draft, terms, units = row.draft, row.draft.terms, row.draft.market.units
    quote = units.tick_lot
    scale = units.quote_scale
    return order_api_pb2.Order(
        order_id=str(row.order_id),
        client_order_id=draft.client_order_id,
        symbol=draft.market.symbol,
        side=SIDES.word(terms.side),
        type=TYPES.word(terms.type),
        time_in_force=TIMES.word(terms.time_in_force),
        price=units.format_price(terms.price) if terms.price else "",
        quantity=units.format_quantity(terms.quantity) if terms.quantity else "",
        quote_order_qty=format_amount(terms.quote_quantity * quote, scale=scale)
        if terms.quote_quantity
        else "",
        iceberg_qty=units.format_quantity(terms.display_quantity) if terms.display_quantity else "",
        stop_price=units.format_price(terms.stop_price) if terms.stop_price else "",
        trailing_delta=str(terms.trailing_delta) if terms.trailing_delta else "",
        self_trade_prevention=PREVENTIONS.word(terms.self_trade_prevention),
        expire_time=time_text(terms.expire_time_unix_nanos) if terms.expire_time_unix_nanos else "",
        status=order_api_pb2.OrderStatus.Value(row.status),
        reason=row.reason,
        executed_qty=units.format_quantity(row.executed),
        executed_quote_qty=format_amount(row.quote_executed * quote, scale=scale),
        average_price=_average(row),
        created_at=time_text(row.created),
        updated_at=time_text(row.updated),
    )


def trade_message(fill: Fill) -> order_api_pb2.Trade:
    """A fill, with its fee as settlement and position compute it."""
    if fill.market is None:
        raise IntegrityError(f"fill {fill.id} was read without its order")
    units = fill.market.units
    paid = proceeds(
        fill.side,
        price=fill.price,
        quantity=fill.quantity,
        quote_units_per_tick_lot=units.tick_lot,
        base_units_per_lot=units.lot,
        fee_ppm=fill.fee_ppm,
    )
    buys = fill.side == Side.SIDE_BUY
    asset = fill.market.base_asset if buys else fill.market.quote_asset
    return order_api_pb2.Trade(
        symbol=fill.symbol,
        trade_id=str(fill.trade_id),
        order_id=str(fill.order_id),
        side=SIDES.word(fill.side),
        price=units.format_price(fill.price),
        quantity=units.format_quantity(fill.quantity),
        quote_quantity=format_amount(
            units.quote_amount(ticks=fill.price, lots=fill.quantity), scale=units.quote_scale
        ),
        maker=fill.leg == 0,
        fee=format_amount(paid.fee, scale=units.base_scale if buys else units.quote_scale),
        fee_asset=asset,
        time=time_text(fill.time),
    )


def receipt_message(row: MoneyRow) -> order_api_pb2.InstructionReceipt:
    """Where a deposit or adjustment stands in its shard's stream."""
    return order_api_pb2.InstructionReceipt(shard=shard_of_user(row.request.user_id), number=str(row.number))


def _average(row: OrderRow) -> str:
    """`quote_executed` over `executed`, as a price, rounded down to the quote's scale."""
    units = row.draft.market.units
    if not row.executed:
        return ""
    quote, base = row.quote_executed * units.tick_lot, row.executed * units.lot
    return format_amount(quote * 10**units.base_scale // base, scale=units.quote_scale)

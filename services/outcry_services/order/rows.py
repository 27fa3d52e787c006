"""Between rows of a shard's tables and the model, both ways."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.common.money import Units
from outcry_services.order.model import (
    Fill,
    Market,
    MoneyKind,
    MoneyRequest,
    MoneyRow,
    OrderDraft,
    OrderRow,
    Status,
    Terms,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = [
    "FILL_COLUMNS",
    "MONEY_COLUMNS",
    "MONEY_WRITTEN",
    "ORDER_COLUMNS",
    "ORDER_WRITTEN",
    "fill_of",
    "money_of",
    "money_values",
    "order_of",
    "order_values",
]

ORDER_WRITTEN = (
    "order_id, user_id, client_order_id, digest, symbol, base_asset, quote_asset, base_scale, quote_scale, "
    "price_scale, tick, lot, side, type, time_in_force, price, quantity, quote_quantity, "
    "display_quantity, stop_price, trailing_delta, self_trade_prevention, expire_time, hold_asset, hold, "
    "hold_per_unit, created, updated"
)
"""What is written when an order is entered; the rest begins with its default."""

ORDER_COLUMNS = f"{ORDER_WRITTEN}, status, reason, executed, quote_executed, seq"

MONEY_WRITTEN = "number, kind, user_id, reference, digest, asset, scale, amount, detail, actor, created"
MONEY_COLUMNS = f"{MONEY_WRITTEN}, status, reason"

FILL_COLUMNS = (
    "f.id, f.symbol, f.trade_id, f.leg, f.order_id, f.user_id, f.side, f.price, f.quantity, f.fee_ppm, "
    "f.time, o.base_asset, o.quote_asset, o.base_scale, o.quote_scale, o.price_scale, o.tick, o.lot"
)


def order_values(row: OrderRow) -> tuple[Any, ...]:
    """As `ORDER_WRITTEN` names them."""
    draft, market, terms = row.draft, row.draft.market, row.draft.terms
    return (
        row.order_id,
        draft.user_id,
        draft.client_order_id,
        draft.digest,
        market.symbol,
        market.base_asset,
        market.quote_asset,
        market.units.base_scale,
        market.units.quote_scale,
        market.units.price_scale,
        market.units.tick,
        market.units.lot,
        int(terms.side),
        int(terms.type),
        int(terms.time_in_force),
        terms.price,
        terms.quantity,
        terms.quote_quantity,
        terms.display_quantity,
        terms.stop_price,
        terms.trailing_delta,
        int(terms.self_trade_prevention),
        terms.expire_time_unix_nanos,
        draft.hold_asset,
        draft.hold,
        draft.hold_per_unit,
        row.created,
        row.updated,
    )


def order_of(values: Sequence[Any]) -> OrderRow:
    """From what `ORDER_COLUMNS` gives."""
    order_id, user_id, client_order_id, digest, symbol, *rest = values
    pair, rest = rest[:7], rest[7:]
    side, kind, time_in_force, price, quantity, quote_quantity, display, *rest = rest
    stop, trailing, prevention, expires, hold_asset, hold, per_unit, created, updated, *rest = rest
    status, reason, executed, quote_executed, seq = rest
    draft = OrderDraft(
        user_id=user_id,
        client_order_id=client_order_id,
        named=True,
        digest=bytes(digest),
        market=_market(symbol, pair),
        terms=Terms(
            side=side,
            type=kind,
            time_in_force=time_in_force,
            price=price,
            quantity=quantity,
            quote_quantity=quote_quantity,
            display_quantity=display,
            stop_price=stop,
            trailing_delta=trailing,
            self_trade_prevention=prevention,
            expire_time_unix_nanos=expires,
        ),
        hold_asset=hold_asset,
        hold=hold,
        hold_per_unit=per_unit,
    )
    return OrderRow(
        order_id=order_id,
        draft=draft,
        status=Status(status),
        reason=reason,
        executed=executed,
        quote_executed=quote_executed,
        seq=seq,
        created=created,
        updated=updated,
    )


def money_values(row: MoneyRow) -> tuple[Any, ...]:
    """As `MONEY_WRITTEN` names them."""
    request = row.request
    return (
        row.number,
        str(request.kind),
        request.user_id,
        request.reference,
        request.digest,
        request.asset,
        request.scale,
        request.amount,
        request.detail,
        request.actor,
        row.created,
    )


def money_of(values: Sequence[Any]) -> MoneyRow:
    """From what `MONEY_COLUMNS` gives."""
    number, kind, user_id, reference, digest, asset, scale, amount, detail, actor, created, *state = values
    request = MoneyRequest(
        kind=MoneyKind(kind),
        user_id=user_id,
        reference=reference,
        digest=bytes(digest),
        asset=asset,
        scale=scale,
        amount=amount,
        detail=detail,
        actor=actor,
    )
    status, reason = state
    return MoneyRow(number=number, request=request, status=status, reason=reason, created=created)


def fill_of(values: Sequence[Any]) -> Fill:
    """From what `FILL_COLUMNS` gives."""
    place, symbol, trade_id, leg, order_id, user_id, side, price, quantity, fee_ppm, time, *pair = values
    return Fill(
        id=place,
        symbol=symbol,
        trade_id=trade_id,
        leg=leg,
        order_id=order_id,
        user_id=user_id,
        side=side,
        price=price,
        quantity=quantity,
        fee_ppm=fee_ppm,
        time=time,
        market=_market(symbol, pair),
    )


def _market(symbol: str, values: Sequence[Any]) -> Market:
    base_asset, quote_asset, base_scale, quote_scale, price_scale, tick, lot = values
    units = Units(base_scale=base_scale, quote_scale=quote_scale, price_scale=price_scale, tick=tick, lot=lot)
    return Market(symbol=symbol, base_asset=base_asset, quote_asset=quote_asset, units=units)

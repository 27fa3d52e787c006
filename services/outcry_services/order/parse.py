"""A client's `CreateOrderRequest` in the units of its pair. Pure: text in, integers or a named error out."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

from outcry.v1.order_api_pb2 import CreateOrderRequest

from outcry_services.common.errors import AmountError, InvalidError
from outcry_services.common.money import parse
from outcry_services.order.model import Terms
from outcry_services.order.words import PREVENTIONS, SIDES, TIMES, TYPES

if TYPE_CHECKING:
    from outcry_services.common.money import Units
    from outcry_services.order.words import Words

__all__ = ["check_client_id", "digest_of", "parse_expiry", "terms_of"]

_CLIENT_ID = re.compile(r"[A-Za-z0-9._-]{1,36}", re.ASCII)
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?", re.ASCII)
_BASIS_POINTS = re.compile(r"[0-9]{1,6}", re.ASCII)
_CONTENT = sorted(set(CreateOrderRequest.DESCRIPTOR.fields_by_name) - {"client_order_id"})
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def check_client_id(text: str, *, field: str = "clientOrderId") -> str:
    """The text, if it may name an order or a withdrawal; raises `InvalidError` (`INVALID_CLIENT_ID`)."""
    if not _CLIENT_ID.fullmatch(text):
        raise InvalidError(
            f"{text[:40]!r} can't name a request; use 1 to 36 of A-Z a-z 0-9 . _ -",
            name="INVALID_CLIENT_ID",
            field=field,
        )
    return text


def digest_of(request: CreateOrderRequest) -> bytes:
    """16 bytes that name an order's content, whatever becomes of its pair: 1.50 and 1.5 are the same."""
    content = [_plain(getattr(request, name)) for name in _CONTENT]
    return hashlib.blake2b(json.dumps(content).encode(), digest_size=16).digest()


def terms_of(request: CreateOrderRequest, units: Units) -> Terms:
    """The order in ticks, lots and tick-lots.

    Raises `InvalidError` for words that the schema doesn't know (`INVALID_SIDE`, `INVALID_ORDER_TYPE`,
    `INVALID_TIME_IN_FORCE`, `INVALID_STP_MODE`) and for numbers that are none (`AMOUNT_…`, `PRICE_OFF_TICK`,
    `QUANTITY_OFF_LOT`, `QUOTE_QUANTITY_OFF_STEP`, `INVALID_TRAILING_DELTA`, `INVALID_EXPIRE_TIME`).
    """
    return Terms(
        side=cast("Any", _word(SIDES, request.side, name="INVALID_SIDE", field="side", needed=True)),
        type=cast("Any", _word(TYPES, request.type, name="INVALID_ORDER_TYPE", field="type", needed=True)),
        time_in_force=cast(
            "Any", _word(TIMES, request.time_in_force, name="INVALID_TIME_IN_FORCE", field="timeInForce")
        ),
        price=_given(request.price, lambda text: units.parse_price(text, field="price")),
        quantity=_given(request.quantity, lambda text: units.parse_quantity(text, field="quantity")),
        quote_quantity=_given(request.quote_order_qty, lambda text: _tick_lots(text, units)),
        display_quantity=_given(
            request.iceberg_qty, lambda text: units.parse_quantity(text, field="icebergQty")
        ),
        stop_price=_given(request.stop_price, lambda text: units.parse_price(text, field="stopPrice")),
        trailing_delta=_basis_points(request.trailing_delta),
        self_trade_prevention=cast(
            "Any",
            _word(
                PREVENTIONS,
                request.self_trade_prevention,
                name="INVALID_STP_MODE",
                field="selfTradePrevention",
            ),
        ),
        expire_time_unix_nanos=parse_expiry(request.expire_time) if request.expire_time else 0,
    )


def parse_expiry(text: str) -> int:
    """Unix nanoseconds of RFC 3339 text; raises `InvalidError` (`INVALID_EXPIRE_TIME`)."""
    try:
        time = datetime.fromisoformat(text) if len(text) <= 40 and "T" in text else None
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidError(
            f"{text[:40]!r} is no time; write it like 2030-01-31T12:00:00Z",
            name="INVALID_EXPIRE_TIME",
            field="expireTime",
        )
    return (time - _EPOCH) // timedelta(microseconds=1) * 1000


def _plain(text: str) -> str:
    """A decimal without zeros that say nothing; other text as it is."""
    if not _DECIMAL.fullmatch(text):
        return text
    whole, _, part = text.partition(".")
    part = part.rstrip("0")
    return f"{whole.lstrip('0') or '0'}{'.' if part else ''}{part}"


def _word(words: Words, text: str, *, name: str, field: str, needed: bool = False) -> int:
    number = words.number(text)
    if number is None or (needed and number == 0):
        raise InvalidError(f"{text[:40]!r} is not one of {words.all()}", name=name, field=field)
    return number


def _given(text: str, read: Any) -> int:  # noqa: ANN401 - a lambda
    return int(read(text)) if text else 0


def _tick_lots(text: str, units: Units) -> int:
    amount = parse(text, scale=units.quote_scale, field="quoteOrderQty")
    count, rest = divmod(amount, units.tick_lot)
    if rest:
        raise AmountError(
            f"{text} is not a whole number of what one tick of one lot costs",
            name="QUOTE_QUANTITY_OFF_STEP",
            field="quoteOrderQty",
        )
    return count


def _basis_points(text: str) -> int:
    if text and not _BASIS_POINTS.fullmatch(text):
        raise InvalidError(
            f"{text[:40]!r} is no number of basis points; 1 to 9999",
            name="INVALID_TRAILING_DELTA",
            field="trailingDelta",
        )
    return int(text) if text else 0

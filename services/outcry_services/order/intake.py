"""Orders and cancels: from what a client wrote to a durable, numbered instruction.

Nothing here waits for Kafka: an answer means that the request is in its shard, with its outbox row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outcry.v1 import risk_api_pb2
from outcry.v1.types_pb2 import Side

from outcry_services.common import trace
from outcry_services.common.errors import (
    AmountError,
    ConflictError,
    IntegrityError,
    InvalidError,
    NotFoundError,
    ServiceError,
)
from outcry_services.common.ids import shard_of_user
from outcry_services.order.checks import reference_price, why_not
from outcry_services.order.entries import Committed, Entry
from outcry_services.order.errors import ClientOrderIdConflictError, OrderInvalidError, OrderRefusedError
from outcry_services.order.holds import hold_of, notional_of
from outcry_services.order.model import OPEN, Cancel, Market, MassCancel, OrderDraft, OrderRow, Status
from outcry_services.order.parse import check_client_id, digest_of, terms_of
from outcry_services.order.words import SIDES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry.v1.order_api_pb2 import CreateOrderRequest

    from outcry_services.common.pairs import Pair
    from outcry_services.order.metrics import IntakeMetrics
    from outcry_services.order.model import Terms
    from outcry_services.order.ports import Chance, Clock, RiskDesk
    from outcry_services.order.routing import Shards

__all__ = ["Intake", "PairBook", "World", "order_check"]


class PairBook(Protocol):
    """The pairs as they are now (`common.pairs.PairCatalog`)."""

    def get(self, symbol: str, *, field: str = "symbol") -> Pair:
        """Raises `SymbolError`, `UnknownSymbolError`."""

    def pairs(self) -> Mapping[str, Pair]:
        """All of them."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """What intake stands on."""

    pairs: PairBook
    shards: Shards
    risk: RiskDesk
    clock: Clock
    chance: Chance
    metrics: IntakeMetrics
    last_price: Callable[[str], int]
    """Of a pair's last trade, in ticks; 0 when it isn't known."""
    require_room: Callable[[str], None]
    """Raises `TooManyError` (`BACK_PRESSURE`) or `PairLostError` while a pair takes no new orders."""


class Intake:
    """What users ask for with orders."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def create(self, user_id: int, request: CreateOrderRequest) -> OrderRow:
        """Enter an order; the row as it was entered, for a repeated request, too.

        A clientOrderId that is there already is looked at before any refusal: what was accepted once stays
        accepted, whatever its pair, risk or the load say now.
        """
        named = bool(request.client_order_id)
        if named:
            check_client_id(request.client_order_id)
        digest = digest_of(request)
        try:
            draft = await self._admit(user_id, request, digest)
        except ServiceError as refusal:
            found = await self._find(user_id, request.client_order_id) if named else None
            if found is None:
                self._world.metrics.refused(refusal.name)
                raise
            return self._same(found, digest)
        outcome = await self._world.shards.commit(Entry(draft, trace.traceparent()))
        if not isinstance(outcome.row, OrderRow):
            raise IntegrityError("an order was committed as something else")
        if not isinstance(outcome, Committed):
            return self._same(outcome.row, digest)
        self._world.metrics.accepted("order")
        return outcome.row

    async def cancel(self, user_id: int, order_id: int) -> None:
        """Ask for an order's end.

        Raises `NotFoundError` (`ORDER_NOT_FOUND`), for another user's order as well, and `ConflictError`
        (`ORDER_ENDED`).
        """
        row = await self._world.shards.on(shard_of_user(user_id), lambda store: store.order(order_id))
        if row is None or row.draft.user_id != user_id:
            raise NotFoundError(f"you have no order {order_id}", name="ORDER_NOT_FOUND", field="orderId")
        if row.status not in OPEN:
            raise ConflictError(
                f"order {order_id} has ended already: it is {row.status}", name="ORDER_ENDED", field="orderId"
            )
        # A pair that is gone has no log to which a cancel could go.
        self._world.pairs.get(row.draft.market.symbol)
        body = Cancel(user_id=user_id, symbol=row.draft.market.symbol, order_id=order_id)
        await self._world.shards.commit(Entry(body, trace.traceparent()))
        self._world.metrics.accepted("cancel")

    async def cancel_all(self, user_id: int, symbol: str, side: str) -> None:
        """Ask for the end of all open orders in a pair, of one side or (empty) both."""
        self._world.pairs.get(symbol)
        number = SIDES.number(side)
        if number is None:
            raise InvalidError(
                f"{side[:40]!r} is not one of {SIDES.all()}; leave it out for both",
                name="INVALID_SIDE",
                field="side",
            )
        chosen = next(each for each in Side.values() if each == number)
        body = MassCancel(user_id=user_id, symbol=symbol, side=chosen)
        await self._world.shards.commit(Entry(body, trace.traceparent()))
        self._world.metrics.accepted("mass_cancel")

    async def _admit(self, user_id: int, request: CreateOrderRequest, digest: bytes) -> OrderDraft:
        """Everything that may refuse an order before it is durable."""
        world = self._world
        pair = world.pairs.get(request.symbol)
        world.require_room(pair.symbol)
        terms = terms_of(request, pair.units)
        last = world.last_price(pair.symbol)
        _refuse(why_not(terms, pair, last_price=last, now=world.clock.now()), pair)
        try:
            hold = hold_of(terms, pair)
        except AmountError as error:
            raise OrderRefusedError(
                "what this order would hold leaves the range of 64 bits; make it smaller", name="OVERFLOW"
            ) from error
        await self._ask_risk(user_id, terms, pair, reference=reference_price(pair, last))
        return OrderDraft(
            user_id=user_id,
            client_order_id=request.client_order_id or world.chance.name(),
            named=bool(request.client_order_id),
            digest=digest,
            market=Market(
                symbol=pair.symbol, base_asset=pair.base.name, quote_asset=pair.quote.name, units=pair.units
            ),
            terms=terms,
            hold_asset=hold.asset,
            hold=hold.amount,
            hold_per_unit=hold.per_unit,
        )

    async def _ask_risk(self, user_id: int, terms: Terms, pair: Pair, *, reference: int) -> None:
        await self._world.risk.require(order_check(user_id, terms, pair, reference=reference))

    async def _find(self, user_id: int, client_order_id: str) -> OrderRow | None:
        return await self._world.shards.on(
            shard_of_user(user_id), lambda store: store.order_by_client_id(user_id, client_order_id)
        )

    def _same(self, found: OrderRow, digest: bytes) -> OrderRow:
        """The answer to a repeated request: what it was the first time, word for word."""
        if found.draft.digest != digest:
            raise ClientOrderIdConflictError(
                f"{found.draft.client_order_id} names order {found.order_id}, which says something else; "
                "use a new clientOrderId for a new order",
                field="clientOrderId",
            )
        self._world.metrics.repeated("order")
        return OrderRow(
            order_id=found.order_id,
            draft=found.draft,
            status=Status.PENDING_NEW,
            created=found.created,
            updated=found.created,
        )


def order_check(user_id: int, terms: Terms, pair: Pair, *, reference: int) -> risk_api_pb2.RiskCheck:
    """What risk is asked about an order; `reference` stands for the market's price, 0 for none. Ticks."""
    check = risk_api_pb2.OrderCheck(
        symbol=pair.symbol,
        side=terms.side,
        type=terms.type,
        price=terms.price,
        quantity=terms.quantity,
        notional=notional_of(terms, pair, reference=reference),
        stop_price=terms.stop_price,
    )
    return risk_api_pb2.RiskCheck(user_id=user_id, order=check)


_MESSAGES = {
    "MARKET_HALTED": "the market is halted",
    "MARKET_CANCEL_ONLY": "the market takes cancels alone",
    "MARKET_POST_ONLY": "the market takes LIMIT_MAKER orders alone",
    "MARKET_LIMIT_ONLY": "the market takes orders with a price alone",
    "MARKET_AUCTION": "the market holds a call auction, in which this order can't take part",
    "UNSUPPORTED": "this pair's rules don't know a word or field of this order",
    "INVALID_TIME_IN_FORCE": "an order of this type can't have that time in force",
    "INVALID_PRICE": "this type needs a price above 0, or must have none",
    "INVALID_QUANTITY": "it needs a quantity above 0; a MARKET order that or quoteOrderQty, not both",
    "INVALID_DISPLAY_QUANTITY": "from a hundredth of the quantity to all of it, on orders that may rest",
    "INVALID_STOP_PRICE": "a stop needs a stop price or a trailing delta; other orders have neither",
    "INVALID_TRAILING_DELTA": "a trailing delta: 1 to 9999 basis points, on stops alone",
    "INVALID_EXPIRE_TIME": "a GTD order needs a time to come; others have none",
    "OVERFLOW": "price times quantity leaves the range of 64 bits",
    "PRICE_OUT_OF_BAND": "the price is outside the pair's band",
    "PRICE_FILTER": "the price is below the lowest or above the highest of the pair",
    "PERCENT_PRICE": "the price is too far from the last one",
    "LOT_SIZE": "the quantity is below the least or above the greatest of the pair",
    "NOTIONAL_TOO_SMALL": "price times quantity is below the pair's least notional",
    "NOTIONAL_TOO_LARGE": "price times quantity is above the pair's greatest notional",
}

_FIELDS = {
    "INVALID_TIME_IN_FORCE": "timeInForce",
    "INVALID_PRICE": "price",
    "INVALID_QUANTITY": "quantity",
    "INVALID_DISPLAY_QUANTITY": "icebergQty",
    "INVALID_STOP_PRICE": "stopPrice",
    "INVALID_TRAILING_DELTA": "trailingDelta",
    "INVALID_EXPIRE_TIME": "expireTime",
    "PRICE_OUT_OF_BAND": "price",
    "PRICE_FILTER": "price",
    "PERCENT_PRICE": "price",
    "LOT_SIZE": "quantity",
}


def _refuse(name: str, pair: Pair) -> None:
    """Raise the error of a check that failed; malformed orders are invalid, others refused."""
    if not name:
        return
    kind = OrderInvalidError if name.startswith("INVALID_") else OrderRefusedError
    raise kind(f"{pair.symbol}: {_MESSAGES[name]}", name=name, field=_FIELDS.get(name, ""))

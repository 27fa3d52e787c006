"""What users ask to see of their orders and fills. A user sees their own alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from outcry_services.common.errors import InvalidError, NotFoundError
from outcry_services.common.ids import parse_order_id, shard_of_user
from outcry_services.common.pairs import check_symbol
from outcry_services.order.parse import check_client_id

if TYPE_CHECKING:
    from outcry.v1.order_api_pb2 import GetOrderRequest, ListOrdersRequest, ListTradesRequest

    from outcry_services.order.model import Fill, OrderRow
    from outcry_services.order.routing import Shards

__all__ = ["Queries", "page_of"]

PAGE, LONGEST_PAGE = 100, 500
_TOKEN = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class Queries:
    """Reads; each page comes with the token of the next one, empty at the end."""

    def __init__(self, shards: Shards) -> None:
        self._shards = shards

    async def order(self, user_id: int, request: GetOrderRequest) -> OrderRow:
        """By its id or by the client's; raises `NotFoundError` (`ORDER_NOT_FOUND`)."""
        name = request.client_order_id
        shard = shard_of_user(user_id)
        if name:
            check_client_id(name)
            row = await self._shards.on(shard, lambda store: store.order_by_client_id(user_id, name))
        else:
            order_id = parse_order_id(request.order_id)
            # An order of another shard is another user's, and this one's database doesn't have it.
            row = None
            if order_id.shard == shard:
                row = await self._shards.on(shard, lambda store: store.order(int(order_id)))
        if row is None or row.draft.user_id != user_id:
            raise NotFoundError(
                f"you have no order {name or request.order_id}", name="ORDER_NOT_FOUND", field="orderId"
            )
        return row

    async def orders(self, user_id: int, request: ListOrdersRequest) -> tuple[list[OrderRow], str]:
        """Newest first."""
        if request.state not in ("", "open", "all"):
            raise InvalidError(
                f"{request.state[:16]!r} is not one of open, all", name="INVALID_STATE", field="state"
            )
        symbol, most, before = _page(request)
        rows = await self._shards.on(
            shard_of_user(user_id),
            lambda store: store.orders(
                user_id, symbol=symbol, open_only=request.state != "all", before=before, most=most + 1
            ),
        )
        return rows[:most], str(rows[most - 1].order_id) if len(rows) > most else ""

    async def trades(self, user_id: int, request: ListTradesRequest) -> tuple[list[Fill], str]:
        """Newest first."""
        symbol, most, before = _page(request)
        order_id = int(parse_order_id(request.order_id)) if request.order_id else None
        fills = await self._shards.on(
            shard_of_user(user_id),
            lambda store: store.fills(
                user_id, symbol=symbol, order_id=order_id, before=before, most=most + 1
            ),
        )
        return fills[:most], str(fills[most - 1].id) if len(fills) > most else ""


def _page(request: ListOrdersRequest | ListTradesRequest) -> tuple[str, int, int | None]:
    """Symbol, size and where to go on; raises `InvalidError`."""
    if request.symbol:
        check_symbol(request.symbol)
    return request.symbol, *page_of(request.page_size, request.page_token)


def page_of(size: int, token: str) -> tuple[int, int | None]:
    """Size and where to go on; raises `InvalidError`."""
    if not 0 <= size <= LONGEST_PAGE:
        raise InvalidError(
            f"a page of {size} is not to be had; 1 to {LONGEST_PAGE}, or none for {PAGE}",
            name="INVALID_PAGE_SIZE",
            field="pageSize",
        )
    if token and not _TOKEN.fullmatch(token):
        raise InvalidError(
            "that page token is none; send it as it was given", name="INVALID_PAGE_TOKEN", field="pageToken"
        )
    return size or PAGE, int(token) if token else None

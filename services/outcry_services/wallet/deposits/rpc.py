"""gRPC for the order service, which asks for users: no user reaches it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry.v1 import deposit_api_pb2 as api
from outcry.v1.deposit_api_pb2_grpc import DepositDeskServicer

from outcry_services.common.errors import InvalidError, NotFoundError, UnavailableError
from outcry_services.common.identity import parse_user_id, require_service
from outcry_services.common.ids import shard_of_user
from outcry_services.wallet.deposits.aside_rows import AsideRows
from outcry_services.wallet.deposits.render import address_message, aside_message, deposit_message
from outcry_services.wallet.deposits.rows import DepositRows

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.wallet.deposits.addresses import AddressBook
    from outcry_services.wallet.deposits.deciding import Deciding
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["ORDER", "DepositDesk"]

ORDER = "order"
"""Who may ask."""
LONGEST_PAGE = 500
USERS = 1 << 62
"""User ids whose addresses have a path without hardening."""

Context = Any  # gRPC's own


class DepositDesk(DepositDeskServicer):
    """One wallet's; `height` is how far blocks were looked through, 0 before the first."""

    def __init__(
        self,
        *,
        file: WalletFile,
        store: WalletStore,
        addresses: AddressBook,
        deciding: Deciding,
        height: Callable[[], int],
        now: Callable[[], int],
    ) -> None:
        self._file = file
        self._store = store
        self._addresses = addresses
        self._deciding = deciding
        self._height = height
        self._now = now

    async def GiveAddress(  # noqa: N802 - gRPC's name
        self, request: api.GiveAddressRequest, context: Context
    ) -> api.DepositAddress:
        """A user's, the same for ever."""
        require_service(context, ORDER)
        _check_user(request.user_id)
        asset = self._file.asset(request.asset)
        if asset is None:
            raise NotFoundError(
                f"this wallet has no {request.asset[:16]!a}", name="UNKNOWN_ASSET", field="asset"
            )
        if not self._height():
            raise UnavailableError(
                "the chain was not looked at yet: no address is given that nobody looks for; try again",
                name="DEPOSITS_NOT_READY",
            )
        address = await self._addresses.give(request.user_id, now=self._now())
        return address_message(asset, address, file=self._file)

    async def ListArrivals(  # noqa: N802
        self, request: api.ListArrivalsRequest, context: Context
    ) -> api.ListDepositsResponse:
        """A user's, newest first."""
        require_service(context, ORDER)
        _check_user(request.user_id)
        _check_page(request.most, field="most")
        async with self._store.look() as tables:
            found = await DepositRows(tables).of_user(request.user_id, most=request.most)
        height = self._height()
        return api.ListDepositsResponse(
            deposits=[deposit_message(shown, file=self._file, height=height) for shown in found]
        )

    async def ListKeptAside(  # noqa: N802
        self, request: api.ListAsideRequest, context: Context
    ) -> api.ListAsideResponse:
        """Anybody's, newest first."""
        require_service(context, ORDER)
        _check_page(request.page_size, field="pageSize")
        user_id = parse_user_id(request.user_id) if request.user_id else None
        async with self._store.look() as tables:
            found = await AsideRows(tables).page(
                user_id=user_id, reason=request.reason, decided=request.all, most=request.page_size
            )
        return api.ListAsideResponse(deposits=[aside_message(kept, file=self._file) for kept in found])

    async def DecideKeptAside(  # noqa: N802
        self, request: api.DecideKeptAsideRequest, context: Context
    ) -> api.AsideDeposit:
        """For good, by whom the order service names."""
        require_service(context, ORDER)
        kept = await self._deciding.decide(
            request.deposit, request.decision, actor=request.actor, note=request.note
        )
        return aside_message(kept, file=self._file)


def _check_page(most: int, *, field: str) -> None:
    if not 1 <= most <= LONGEST_PAGE:
        raise InvalidError(f"1 to {LONGEST_PAGE} at a time", name="INVALID_PAGE_SIZE", field=field)


def _check_user(user_id: int) -> None:
    shard_of_user(user_id)
    if user_id >= USERS:
        raise InvalidError(f"user {user_id} has no address: ids below 2^62 do", name="INVALID_USER_ID")

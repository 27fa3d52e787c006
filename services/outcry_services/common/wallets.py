"""The wallets of the exchange, as their operator tells Consul: what assets each has, and where it answers."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry.v1.deposit_api_pb2_grpc import DepositDeskStub
from outcry.v1.reserves_api_pb2_grpc import ReservesDeskStub
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from outcry_services.common.addresses import parse_address
from outcry_services.common.consul import ConsulUnavailableError
from outcry_services.common.errors import InvalidError, NotFoundError, ServiceError
from outcry_services.common.rpc_client import RpcChannel

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from outcry_services.common.consul import ConsulKv

__all__ = ["PREFIX", "WalletDirectory", "WalletEntry", "choose"]

log = logging.getLogger(__name__)

PREFIX = "outcry/wallets/"
PAUSE_SECONDS = 0.5


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Asset(_Told):
    asset: str


class _Entry(_Told):
    chain: str
    network: str
    grpc: str = Field(min_length=3)
    assets: tuple[_Asset, ...] = ()


@dataclass(frozen=True, slots=True)
class WalletEntry:
    """One wallet."""

    chain: str
    network: str
    address: str
    """`host:port`."""
    assets: frozenset[str]

    @classmethod
    def read(cls, text: bytes) -> WalletEntry:
        """Of its key; raises pydantic's `ValidationError`."""
        told = _Entry.model_validate_json(text)
        return cls(told.chain, told.network, told.grpc, frozenset(one.asset for one in told.assets))

    @property
    def names(self) -> frozenset[str]:
        """How users call its network."""
        return frozenset({self.chain, self.network, f"{self.chain}-{self.network}"})


def choose(wallets: Iterable[WalletEntry], *, asset: str, network: str) -> WalletEntry:
    """The wallet of an asset.

    Raises `NotFoundError` (`NO_WALLET`) and, where several have it and none is named, `InvalidError`
    (`NETWORK_MISSING`).
    """
    having = [wallet for wallet in wallets if asset in wallet.assets]
    found = [wallet for wallet in having if not network or network in wallet.names]
    if len(found) == 1:
        return found[0]
    choices = ", ".join(sorted(f"{wallet.chain}-{wallet.network}" for wallet in having)) or "none at all"
    if not found:
        where = f"{asset[:16]!a} on {network[:32]!a}" if network else f"{asset[:16]!a}"
        raise NotFoundError(
            f"nobody takes deposits of {where}; networks: {choices}", name="NO_WALLET", field="asset"
        )
    raise InvalidError(
        f"{asset} is on several networks: name one of {choices}", name="NETWORK_MISSING", field="network"
    )


class WalletDirectory:
    """Follows Consul; an entry that makes no sense is left out and logged."""

    def __init__(self, consul: ConsulKv) -> None:
        self._consul = consul
        self._wallets: tuple[WalletEntry, ...] = ()
        self._channels: dict[str, RpcChannel] = {}

    @property
    def wallets(self) -> tuple[WalletEntry, ...]:
        """All, in the order of their names."""
        return self._wallets

    def check_address(self, asset: str, network: str, address: str) -> None:
        """Raise `AddressError` for what the asset's chain wouldn't take; without a wallet nobody can tell."""
        try:
            wallet = choose(self._wallets, asset=asset, network=network)
        except ServiceError:
            return
        parse_address(wallet.chain, wallet.network, address)

    def desk(self, wallet: WalletEntry) -> Any:  # noqa: ANN401 - a stub, whose types gRPC leaves open
        """Calls of a wallet about deposits."""
        return DepositDeskStub(self._channel(wallet).channel)

    def reserves(self, wallet: WalletEntry) -> Any:  # noqa: ANN401 - likewise
        """Calls of a wallet about what it has."""
        return ReservesDeskStub(self._channel(wallet).channel)

    def _channel(self, wallet: WalletEntry) -> RpcChannel:
        channel = self._channels.get(wallet.address)
        if channel is None:
            channel = self._channels[wallet.address] = RpcChannel(wallet.address, deadline_seconds=5.0)
        return channel

    async def watch(self) -> None:
        """For ever."""
        index = 0
        while True:
            try:
                found = await self._consul.watch(PREFIX, after=index)
            except ConsulUnavailableError as error:
                log.warning("the wallets can't be read", extra={"why": error.message})
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            # An index of 0 would make the next query answer at once, for ever.
            index = max(1, found.index)
            self._wallets = tuple(
                entry for key in sorted(found.keys) if (entry := _read(key, found.keys[key])) is not None
            )

    async def close(self) -> None:
        """Close all connections."""
        for channel in self._channels.values():
            await channel.close()


def _read(key: str, text: bytes) -> WalletEntry | None:
    try:
        return WalletEntry.read(text)
    except ValidationError as error:
        log.warning("a wallet's entry makes no sense", extra={"key": key, "errors": error.error_count()})
        return None

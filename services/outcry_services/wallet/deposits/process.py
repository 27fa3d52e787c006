"""Deposits as a part of the wallet's process."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from outcry.v1.deposit_api_pb2_grpc import add_DepositDeskServicer_to_server

from outcry_services.common.addresses import parse_address
from outcry_services.common.errors import IntegrityError
from outcry_services.common.pause import Pause, WithdrawalPause
from outcry_services.wallet.deposits.addresses import (
    AddressBook,
    BitcoinAddresses,
    EthereumAddresses,
    SolanaAddresses,
)
from outcry_services.wallet.deposits.books import DepositBooks
from outcry_services.wallet.deposits.deciding import Deciding
from outcry_services.wallet.deposits.rpc import DepositDesk
from outcry_services.wallet.deposits.sources import BitcoinSource, EthereumSource, SolanaSource
from outcry_services.wallet.deposits.watch import DepositWatch

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.consul import ConsulKv
    from outcry_services.common.rpc_client import RpcChannel
    from outcry_services.common.rpc_server import RpcServer
    from outcry_services.wallet.deposits.addresses import Deriver
    from outcry_services.wallet.deposits.metrics import DepositMetrics
    from outcry_services.wallet.deposits.sources import Source
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.settings import WalletFile
    from outcry_services.wallet.withdraw.quorum import QuorumKey
    from outcry_services.wallet.withdraw.store import WalletStore

__all__ = ["SCHEMES", "Deposits"]

SCHEMES = {"bitcoin": "taproot", "ethereum": "ecdsa", "solana": "ed25519"}
"""Of the quorum's key on each chain, as signers call it."""


class Deposits:
    """One wallet's; `known` hears of each address and its path, so that what arrives there can be spent."""

    def __init__(
        self,
        file: WalletFile,
        *,
        store: WalletStore,
        pool: NodePool[Any],
        key: QuorumKey,
        order: RpcChannel,
        consul: ConsulKv,
        metrics: DepositMetrics,
        known: Callable[[bytes, str], None] | None,
    ) -> None:
        self._file = file
        self._pause = WithdrawalPause(consul)
        source, deriver = _chain(file, pool, key)
        self._addresses = AddressBook(store, deriver, known=known)
        self._watch = DepositWatch(
            store,
            source,
            file=file,
            addresses=self._addresses,
            books=DepositBooks(order, file=file),
            alarm=self._stop_withdrawals,
            metrics=metrics,
            now=time.time_ns,
        )
        self._desk = DepositDesk(
            file=file,
            store=store,
            addresses=self._addresses,
            deciding=Deciding(self._watch, file=file, now=time.time_ns),
            height=lambda: self._watch.height,
            now=time.time_ns,
        )

    async def load(self) -> None:
        """Know the addresses that were given out, before any block is looked through for them."""
        await self._addresses.load()

    def serve(self, server: RpcServer) -> None:
        """Answer on this server."""
        add_DepositDeskServicer_to_server(self._desk, server.server)

    def problem(self) -> str | None:
        """What keeps deposits from being found, for a readiness check."""
        return self._watch.problem()

    async def run(self, *, tick_seconds: float) -> None:
        """Look for ever; raises what nobody should step over."""
        await self._watch.run(tick_seconds=tick_seconds)

    async def _stop_withdrawals(self, reason: str) -> None:
        since = datetime.now(tz=UTC).isoformat(timespec="seconds")
        await self._pause.set(Pause(reason=reason, by=f"wallet {self._file.name}", since=since))


def _chain(file: WalletFile, pool: NodePool[Any], key: QuorumKey) -> tuple[Source, Deriver]:
    if file.chain == "bitcoin":
        return BitcoinSource(pool), BitcoinAddresses(key.xpub, network=file.network)
    if file.chain == "solana":
        return SolanaSource(pool, hot=key.address), _solana_addresses(key)
    hot = parse_address("ethereum", file.approval_network, key.address).script
    return EthereumSource(pool, hot=hot), EthereumAddresses(key.xpub)


def _solana_addresses(key: QuorumKey) -> SolanaAddresses:
    addresses = SolanaAddresses(key.xpub)
    derived = addresses.derive("0/0").address
    if derived != key.address:
        # Whatever came to an address of such a key could be spent by nobody.
        raise IntegrityError(f"the quorum's key gives {derived} as m/0/0, and its signers say {key.address}")
    return addresses

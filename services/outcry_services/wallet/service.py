"""One wallet, put together and run to its end."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from outcry.v1.reserves_api_pb2_grpc import add_ReservesDeskServicer_to_server

from outcry_services.common.consul import ConsulKv
from outcry_services.common.errors import UnavailableError
from outcry_services.common.health import Health
from outcry_services.common.kafka import DeadLetters, LogEnds, Publisher, Reader
from outcry_services.common.lifecycle import Lifecycle
from outcry_services.common.mysql import MySql
from outcry_services.common.order_log import read_answers
from outcry_services.common.pause import WithdrawalPause
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.common.rpc_server import RpcServer
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.process import SCHEMES, Deposits
from outcry_services.wallet.nodes.metrics import PoolMetrics
from outcry_services.wallet.reserves.bitcoin import BitcoinReserves
from outcry_services.wallet.reserves.rpc import ReservesDesk
from outcry_services.wallet.schema import migrate
from outcry_services.wallet.settings import WalletFile
from outcry_services.wallet.signing.metrics import SigningMetrics
from outcry_services.wallet.signing.relay import Relay
from outcry_services.wallet.signing.remote import RemoteSigner, credentials_of
from outcry_services.wallet.withdraw.chains import BitcoinChain, chain_of
from outcry_services.wallet.withdraw.desk import Desk
from outcry_services.wallet.withdraw.heard import follow_holds
from outcry_services.wallet.withdraw.metrics import WithdrawMetrics
from outcry_services.wallet.withdraw.quorum import learn_key
from outcry_services.wallet.withdraw.reviewing import RiskReviewer
from outcry_services.wallet.withdraw.saga import Saga
from outcry_services.wallet.withdraw.store import WalletStore
from outcry_services.wallet.withdraw.world import World

if TYPE_CHECKING:
    from outcry_services.wallet.settings import WalletSettings
    from outcry_services.wallet.withdraw.rail import Rail

__all__ = ["WalletService", "run"]

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0
"""Between two questions for what a start waits for."""
CALL_SECONDS = 5.0
"""For an answer of the order service, or of risk."""


async def run(settings: WalletSettings) -> None:
    """Work until SIGTERM; raises what ended a background task, and `ConfigError` for a file that is wrong."""
    async with AsyncExitStack() as stack:
        service = WalletService(settings, stack=stack)
        await service.start()
        await service.lifecycle.run()


class WalletService:
    """One process. What it began ends with the stack and the lifecycle."""

    def __init__(self, settings: WalletSettings, *, stack: AsyncExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self.file = WalletFile.load(settings.wallet_file)
        self.health = Health()
        self.lifecycle = Lifecycle(health=self.health, drain_seconds=settings.drain_seconds)
        self.chain = chain_of(self.file, PoolMetrics(self.health.registry))
        self._consul = ConsulKv(settings.consul)
        stack.push_async_callback(self._consul.close)
        self._order = self._channel(settings.order)
        self._deposit_metrics = DepositMetrics(self.health.registry)
        self._waiting: str | None = "it has not begun yet"
        self.health.ready_if("start", lambda: self._waiting)
        self.health.ready_if(self.file.chain, self.chain.pool.problem)

    async def start(self) -> int:
        """Begin everything; gives the port of /metrics. What has to be waited for is waited for behind it."""
        port = await self._stack.enter_async_context(self.health.serve(self._settings.http_port))
        self._stack.push_async_callback(self.chain.pool.close)
        self.lifecycle.background("nodes", self.chain.pool.run())
        self.lifecycle.background("withdrawals", self._work())
        log.info("the wallet begins", extra={"wallet": self.file.name, "http_port": port})
        return port

    async def _work(self) -> None:
        """Wait for what is needed, then carry withdrawals out until cancelled."""
        mysql = MySql(self._settings.address(), most_connections=8)
        await mysql.open()
        self._stack.push_async_callback(mysql.close)
        store = WalletStore(mysql, database=self.file.database)
        relay = self._relay()
        rail, deposits = await self._begun(mysql, store, relay)
        saga = Saga(self._world(store, relay, rail))
        self.health.ready_if("withdrawals", saga.problem)
        await self._take_deposits(deposits, store)
        self._waiting = None
        self._hear(saga)
        await saga.run(tick_seconds=self._settings.tick_seconds)

    async def _take_deposits(self, deposits: Deposits, store: WalletStore) -> None:
        server = RpcServer(registry=self.health.registry)
        deposits.serve(server)
        if self.file.chain == "bitcoin":
            desk = ReservesDesk(self.file, BitcoinReserves(self.file, store))
            add_ReservesDeskServicer_to_server(desk, server.server)
        self.health.ready_if("deposits", deposits.problem)
        self.lifecycle.background("deposits", deposits.run(tick_seconds=self._settings.tick_seconds))
        await server.start(self._settings.grpc_port)
        self.lifecycle.at_end("grpc", lambda: server.drain(seconds=self._settings.drain_seconds))

    async def _begun(self, mysql: MySql, store: WalletStore, relay: Relay) -> tuple[Rail, Deposits]:
        """Tables, the right to write them, a key, and addresses: each is waited for."""
        while True:
            try:
                await migrate(mysql, database=self.file.database)
                await store.open()
                rail = await self.chain.rail(store, relay, now=time.time_ns)
                return rail, await self._deposits(store, relay)
            except UnavailableError as error:
                if self._waiting != error.message:
                    log.warning("the start waits", extra={"error": error.name, "why": error.message})
                self._waiting = error.message
                await asyncio.sleep(AGAIN_SECONDS)

    async def _deposits(self, store: WalletStore, relay: Relay) -> Deposits:
        chain = self.chain
        deposits = Deposits(
            self.file,
            store=store,
            pool=chain.pool,
            key=await learn_key(store, relay, scheme=SCHEMES[self.file.chain]),
            order=self._order,
            consul=self._consul,
            metrics=self._deposit_metrics,
            # What arrives there is the hot wallet's to spend.
            known=chain.owners.__setitem__ if isinstance(chain, BitcoinChain) else None,
        )
        await deposits.load()
        return deposits

    def _relay(self) -> Relay:
        credentials = credentials_of(self.file.tls)
        ports: dict[int, RemoteSigner] = {}
        for index, target in sorted(self.file.signers.items()):
            ports[int(index)] = signer = RemoteSigner(int(index), target, credentials)
            self._stack.push_async_callback(signer.close)
        return Relay(ports, metrics=SigningMetrics(self.health.registry))

    def _channel(self, target: str) -> RpcChannel:
        channel = RpcChannel(target, deadline_seconds=CALL_SECONDS)
        self._stack.push_async_callback(channel.close)
        return channel

    def _world(self, store: WalletStore, relay: Relay, rail: Rail) -> World:
        settings, file = self._settings, self.file
        return World(
            file=file,
            store=store,
            desk=Desk(self._order),
            reviewer=RiskReviewer(
                self._channel(settings.risk), chain=file.chain, network=file.approval_network
            ),
            signers=relay,
            rail=rail,
            metrics=WithdrawMetrics(self.health.registry, assets=[it.asset for it in file.assets]),
            now=time.time_ns,
            paused=self._paused,
            gatherer=self.chain.gatherer,
        )

    async def _paused(self) -> str | None:
        """By the wallet's own file, or by the flag that stops all withdrawals of the exchange."""
        if self.file.paused:
            return f"wallet {self.file.name} is paused"
        pause = await WithdrawalPause(self._consul).now()
        return None if pause is None else pause.reason

    def _hear(self, saga: Saga) -> None:
        """Follow the log of holds."""
        settings, registry = self._settings, self.health.registry
        name = f"wallet-{self.file.name}-{settings.replica}"
        publisher = Publisher(bootstrap=settings.kafka, client_id=name, registry=registry)
        letters = DeadLetters(publisher, replica=settings.replica, registry=registry)
        reader = Reader(
            bootstrap=settings.kafka, client_id=name, decode=read_answers, dead_letters=letters, gather_ms=100
        )
        self.lifecycle.at_end("publisher", publisher.close)
        self.lifecycle.at_end("holds reader", reader.close)
        self.health.ready_if("holds", reader.problem)
        ends = LogEnds(bootstrap=settings.kafka, client_id=name)
        self.lifecycle.background("holds", follow_holds(reader, ends, saga))

"""A wallet on real servers: btcd, three signers, MariaDB, the desk of orders, and a risk that signs."""

from __future__ import annotations

import itertools
import time
import uuid
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from outcry.v1 import order_api_pb2
from outcry.v1.withdrawal_api_pb2_grpc import add_WithdrawalDeskServicer_to_server
from outcry_services.common.identity import Identity, Permission
from outcry_services.common.ids import OrderId
from outcry_services.common.rpc_client import RpcChannel
from outcry_services.order.payout_desk import PayoutDesk
from outcry_services.order.progress import MoneyChange
from outcry_services.order.queries import Queries
from outcry_services.order.rpc import Orders
from outcry_services.order.treasury import Treasury
from outcry_services.order.withdrawal_rpc import WithdrawalDesk
from outcry_services.wallet.nodes.metrics import PoolMetrics
from outcry_services.wallet.schema import migrate
from outcry_services.wallet.settings import WalletFile
from outcry_services.wallet.signing.metrics import SigningMetrics
from outcry_services.wallet.signing.relay import Relay
from outcry_services.wallet.signing.remote import RemoteSigner, credentials_of
from outcry_services.wallet.withdraw.chains import chain_of
from outcry_services.wallet.withdraw.desk import Desk
from outcry_services.wallet.withdraw.metrics import WithdrawMetrics
from outcry_services.wallet.withdraw.reviewing import RiskReviewer
from outcry_services.wallet.withdraw.saga import Saga
from outcry_services.wallet.withdraw.sending import LONGEST_WAIT
from outcry_services.wallet.withdraw.store import WalletStore
from outcry_services.wallet.withdraw.world import World
from prometheus_client import CollectorRegistry

from services.tests.order.desk import desk, make_pair, opened, whole_map
from services.tests.wallet.withdraw.risk import SigningRisk, risk_added, served

BTC = 10**8
PAYEE = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
"""Of BIP-173's example key, on regtest."""
_names = itertools.count()


class Running:
    async def require_running(self):
        pass


class Called:
    def __init__(self, *metadata):
        self._metadata = metadata

    def invocation_metadata(self):
        return self._metadata


def policy_of(risk):
    """What signers allow."""
    plenty = str(10**14)
    limits = {"per_withdrawal": plenty, "per_day": plenty, "per_address_per_day": plenty}
    return {
        "risk_keys": {"risk-1": risk.public_key},
        "bitcoin": {
            "network": "regtest",
            "max_fee": "10000000",
            "max_fee_rate": 500,
            "max_fee_per_day": "1000000000",
            "cold": [],
            "limits": limits,
        },
    }


@dataclass
class Clock:
    """The machine's, and what a test adds to it."""

    ahead: float = 0.0

    def now(self):
        return time.time_ns() + int(self.ahead * 1e9)


@dataclass
class Books:
    """The order service's desk over a real database, with users who ask for withdrawals."""

    at: object
    shard: int
    target: str = ""
    orders: Orders = None
    wallet: WithdrawalDesk = None

    def __post_init__(self):
        self.payouts = payouts = PayoutDesk(self.at.world)
        treasury = Treasury(self.at.world, switch=Running())
        self.orders = Orders(
            intake=self.at.intake, treasury=treasury, queries=Queries(self.at.shards), payouts=payouts
        )
        self.wallet = WithdrawalDesk(desk=payouts, treasury=treasury)
        self.user = self.shard + 1024

    def _as_user(self):
        permissions = frozenset({Permission.WITHDRAW, Permission.READ})
        return Called(*Identity(self.user, permissions).metadata())

    async def ask(self, amount, address=PAYEE, *, asset="BTC", network="bitcoin", client_id=""):
        """A withdrawal whose funds are held."""
        fields = {"asset": asset, "amount": amount, "address": address, "network": network}
        self.at.clock.time += 1
        request = order_api_pb2.CreateWithdrawalRequest(**fields, client_withdrawal_id=client_id)
        found = await self.orders.CreateWithdrawal(request, self._as_user())
        number = OrderId.of(int(found.withdrawal_id)).number
        held = MoneyChange(shard=self.shard, number=number, status="HELD", time=self.at.clock.time)
        await self.at.shards.answer([held])
        return int(found.withdrawal_id)

    async def seen(self, withdrawal):
        """As its user sees it."""
        request = order_api_pb2.GetWithdrawalRequest(withdrawal_id=str(withdrawal))
        return await self.orders.GetWithdrawal(request, self._as_user())


@asynccontextmanager
async def books_of(shard_server, shard):
    """The desk, served on a port."""
    async with desk(whole_map({"a": shard_server})) as at:
        at.pairs.found["ETH-USDT"] = make_pair("ETH-USDT")
        books = Books(at, shard)
        add = lambda server: add_WithdrawalDeskServicer_to_server(books.wallet, server)  # noqa: E731
        async with served(add) as books.target:
            yield books


def wallet_file(nodes, quorum, directory, **changes):
    """A wallet's settings over these nodes (name to server)."""
    entries = []
    for name, node in nodes.items():
        login = directory / f"{name}.login"
        login.write_text(node.login)
        entries.append({"name": name, "url": node.url, "credentials_file": str(login)})
    pool = {"chain": "bitcoin", "network": "regtest", "min_peers": 0, "timeout": 30, "nodes": entries}
    asset = {"asset": "BTC", "scale": 8, "chain_scale": 8, "confirmations": 2, "dust": "546"}
    fees = {"max_fee_per_withdrawal": "20000", "max_rate": 100, "fallback_rate": 2, "bump_after_seconds": 600}
    whole = {
        "name": f"t{next(_names)}-{uuid.uuid4().hex[:8]}",
        "chain": "bitcoin",
        "network": "regtest",
        "nodes": pool,
        "assets": [asset],
        "signers": quorum.targets,
        "tls": quorum.tls,
        "fees": fees,
        "batch": {"most": 50, "seconds": 0},
        "coins": {"spare": 1},
        "scan_from": 0,
    }
    return WalletFile.model_validate(whole | changes)


@dataclass
class Wallet:
    """What lives through a crash, and the process that doesn't."""

    file: WalletFile
    node: object
    books: Books
    risk: SigningRisk
    risk_target: str
    mariadb: object
    clock: Clock = field(default_factory=Clock)
    registry: CollectorRegistry = None
    pause: str | None = None
    saga: Saga = None
    world: World = None
    wrap: object = staticmethod(lambda _, port: port)
    """What a test puts around a port of the saga, by the port's name."""

    @asynccontextmanager
    async def process(self):
        """One life."""
        async with AsyncExitStack() as stack:
            mysql = await stack.enter_async_context(opened(self.mariadb))
            await migrate(mysql, database=self.file.database)
            store = WalletStore(mysql, database=self.file.database)
            await store.open()
            self.registry = CollectorRegistry()
            chain = chain_of(self.file, PoolMetrics(self.registry))
            stack.push_async_callback(chain.pool.close)
            await chain.pool.round()
            await chain.pool.round()
            relay = self._relay(stack)
            rail = await chain.rail(store, relay, now=self.clock.now)
            order = await stack.enter_async_context(RpcChannel(self.books.target, deadline_seconds=60))
            risk = await stack.enter_async_context(RpcChannel(self.risk_target, deadline_seconds=60))
            reviewer = RiskReviewer(risk, chain=self.file.chain, network=self.file.approval_network)
            self.world = World(
                file=self.file,
                store=self.wrap("store", store),
                desk=self.wrap("desk", Desk(order, shards=[self.books.shard])),
                reviewer=self.wrap("reviewer", reviewer),
                signers=self.wrap("signers", relay),
                rail=self.wrap("rail", rail),
                metrics=WithdrawMetrics(self.registry, assets=[it.asset for it in self.file.assets]),
                now=self.clock.now,
                paused=self._paused,
                gatherer=chain.gatherer and self.wrap("gatherer", chain.gatherer),
            )
            self.chain, self.pool = chain, chain.pool
            self.saga = Saga(self.world)
            await self.saga.intake.sweep()
            yield self

    def _relay(self, stack):
        credentials = credentials_of(self.file.tls)
        ports = {}
        for index, target in self.file.signers.items():
            ports[int(index)] = RemoteSigner(int(index), target, credentials)
            stack.push_async_callback(ports[int(index)].close)
        return Relay(ports, metrics=SigningMetrics(self.registry))

    async def _paused(self):
        return self.pause

    async def turn(self, *, mine=0):
        """Blocks, a look at the nodes, then every step of the saga once."""
        if mine:
            self.node.mine(mine)
        await self.pool.round()
        await self.saga.turn()

    async def signers_are_asked_again(self):
        """A turn after the longest wait between two questions to signers."""
        self.clock.ahead += LONGEST_WAIT + 1
        await self.turn()

    def pause_after(self, step):
        """Pause withdrawals once that step of the next turn is over."""
        work = self.saga.steps[step]

        async def then_pause():
            await work()
            self.pause = "ledger differs"
            self.saga.steps[step] = work

        self.saga.steps[step] = then_pause

    async def ask(self, *amounts, **more):
        """Withdrawals that the wallet has heard of."""
        ids = [await self.books.ask(amount, **more) for amount in amounts]
        await self.saga.heard(ids)
        return ids

    async def statuses(self, ids):
        return [(await self.books.seen(id_)).status for id_ in ids]

    def metric(self, name, **labels):
        return self.registry.get_sample_value(f"outcry_wallet_{name}", labels)

    def changed(self, **changes):
        """The wallet with other settings of fees, batches and so on."""
        fields = {
            name: value if not isinstance(value, dict) else getattr(self.file, name).model_copy(update=value)
            for name, value in changes.items()
        }
        return replace(self, file=self.file.model_copy(update=fields))


def received(node, txid, address=PAYEE):
    """Satoshi that a transaction pays to an address, output by output."""
    said = node.rpc("getrawtransaction", txid, 1)
    return [
        round(float(output["value"]) * BTC)
        for output in said["vout"]
        if address in (output["scriptPubKey"].get("addresses") or [output["scriptPubKey"].get("address")])
    ]


@asynccontextmanager
async def risk_served(risk):
    async with served(risk_added(risk)) as target:
        yield target

"""A wallet's file, its database on a real server, addresses of a known key, and books that remember."""

from __future__ import annotations

import uuid
from contextlib import asynccontextmanager

from embit.bip32 import HDKey
from outcry_services.common.errors import RefusedError
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.wallet.deposits.addresses import AddressBook
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.watch import DepositWatch
from outcry_services.wallet.schema import migrate
from outcry_services.wallet.settings import WalletFile
from outcry_services.wallet.withdraw.store import WalletStore
from prometheus_client import CollectorRegistry

ALICE, BOB = 1001, 2**40 + 7
ROOT = HDKey.from_seed(bytes(range(32)))
XPUB = ROOT.to_public().to_base58()
BTC = {"asset": "BTC", "scale": 8, "chain_scale": 8, "confirmations": 2, "dust": "546"}
ETH = {"asset": "ETH", "scale": 8, "chain_scale": 18, "confirmations": 3}


def wallet_file(chain, assets, **changes):
    network = "localnet" if chain == "solana" else "regtest"
    nodes = {"chain": chain, "network": network, "nodes": [{"name": "a", "url": "http://127.0.0.1:1/"}]}
    if chain == "ethereum":
        nodes |= {"genesis": f"0x{'00' * 32}", "chain_id": 1337}
    if chain == "solana":
        nodes |= {"genesis": "1" * 32}
    tls = dict.fromkeys(("authority_file", "certificate_file", "key_file"), "/nothing")
    fields = {
        "name": f"t{uuid.uuid4().hex[:8]}",
        "chain": chain,
        "network": network,
        "nodes": nodes,
        "assets": assets,
        "signers": {"1": "a:1", "2": "b:1", "3": "c:1"},
        "tls": tls,
        "fees": {"max_fee_per_withdrawal": "1000", "max_rate": 10},
        "scan_from": 0,
    }
    return WalletFile.model_validate(fields | changes)


class Books:
    """What was credited: as the order service, once for each deposit however often it is asked."""

    def __init__(self):
        self.credited = {}
        self.asked = 0
        self.refuses = set()

    async def credit(self, deposit):
        self.asked += 1
        if deposit.user_id in self.refuses:
            raise RefusedError("no room", name="DEPOSIT_REFUSED")
        assert self.credited.setdefault(deposit.id, deposit) == deposit

    def of(self, user_id):
        return sorted((it.asset, it.amount) for it in self.credited.values() if it.user_id == user_id)


class World:
    """A wallet's deposits; `watch()` gives a new process of them."""

    def __init__(self, mysql, file, *, source, deriver):
        self.mysql, self.file, self.source, self.deriver = mysql, file, source, deriver
        self.books, self.alarms = Books(), []
        self.registry = CollectorRegistry()

    async def start(self):
        """As after a kill: everything from the database."""
        self.store = WalletStore(self.mysql, database=self.file.database)
        await self.store.open()
        self.addresses = AddressBook(self.store, self.deriver)
        await self.addresses.load()
        self.registry = CollectorRegistry()
        self.watch = DepositWatch(
            self.store,
            self.source,
            file=self.file,
            addresses=self.addresses,
            books=self.books,
            alarm=self._alarm,
            metrics=DepositMetrics(self.registry),
            now=lambda: 1_800_000_000 * 10**9,
        )

    async def address(self, user_id):
        return await self.addresses.give(user_id, now=7)

    async def rows(self, statement):
        async with self.store.look() as tables:
            return await tables.session.query(tables.named(statement))

    async def states(self):
        return sorted(state for (state,) in await self.rows("SELECT state FROM wallet.deposits"))

    async def aside(self):
        return sorted(await self.rows("SELECT asset, units, reason FROM wallet.kept_aside"))

    def metric(self, name, **labels):
        return self.registry.get_sample_value(f"outcry_wallet_{name}", labels)

    async def _alarm(self, reason):
        self.alarms.append(reason)


@asynccontextmanager
async def world_of(server, file, *, source, deriver):
    mysql = MySql(MySqlAddress.parse(server.url))
    await mysql.open()
    try:
        await migrate(mysql, database=file.database)
        world = World(mysql, file, source=source, deriver=deriver)
        await world.start()
        yield world
    finally:
        server.execute(f"DROP DATABASE IF EXISTS {file.database}")
        await mysql.close()

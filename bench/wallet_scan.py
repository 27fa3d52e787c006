"""How quickly a wallet that was away catches up with the chain: blocks, deposits, and every change committed.

One btcd and one MariaDB that syncs each commit. The majority is asked for each height, a node for the block
of that hash, all its outputs are held against the addresses, and it is one transaction of the database.
"""

from __future__ import annotations

import json
import tempfile
import time
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from embit.bip32 import HDKey
from outcry_services.common.mysql import MySql, MySqlAddress
from outcry_services.wallet.deposits.addresses import AddressBook, BitcoinAddresses
from outcry_services.wallet.deposits.metrics import DepositMetrics
from outcry_services.wallet.deposits.sources import BitcoinSource
from outcry_services.wallet.deposits.watch import DepositWatch
from outcry_services.wallet.nodes.metrics import PoolMetrics
from outcry_services.wallet.nodes.opening import bitcoin_pool
from outcry_services.wallet.schema import migrate
from outcry_services.wallet.settings import WalletFile
from outcry_services.wallet.withdraw.store import WalletStore
from prometheus_client import CollectorRegistry

from bench.figures import rounded
from e2e.backends import BtcdServer, MariaDbServer

if TYPE_CHECKING:
    from outcry_services.wallet.scan.book import Deposit

    from bench.figures import Figure

__all__ = ["scanning"]

USERS = 1000
AT_ONCE = 500
"""Blocks that btcd is asked for in one call."""


class Books:
    """The order service's side, which the benchmark of orders measures."""

    def __init__(self) -> None:
        self.credited = 0

    async def credit(self, _deposit: Deposit) -> None:
        """Counted."""
        self.credited += 1


async def scanning(blocks: int, *, command: str) -> list[Figure]:
    """From the first block to the last."""
    figure = partial(rounded, command=command)
    async with AsyncExitStack() as stack:
        node = stack.enter_context(BtcdServer())
        database = stack.enter_context(MariaDbServer())
        for at in range(0, blocks, AT_ONCE):
            node.mine(min(AT_ONCE, blocks - at))
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="outcry-scan-")))
        watch, books = await _watch(stack, _file(node, directory), database)
        began = time.perf_counter()
        await watch.step()
        seconds = time.perf_counter() - began
    if books.credited:
        raise RuntimeError("blocks that pay nobody have credited somebody")
    return [
        figure("wallet.scan_bitcoin", blocks / seconds, "blocks/s", "higher"),
        figure("wallet.catch_up", seconds, "s", "lower", peers={"blocks": blocks, "addresses": USERS}),
    ]


async def _watch(
    stack: AsyncExitStack, file: WalletFile, database: MariaDbServer
) -> tuple[DepositWatch, Books]:
    mysql = MySql(MySqlAddress.parse(database.url))
    await mysql.open()
    stack.push_async_callback(mysql.close)
    await migrate(mysql, database=file.database)
    store = WalletStore(mysql, database=file.database)
    await store.open()
    registry = CollectorRegistry()
    pool = bitcoin_pool(file.nodes, PoolMetrics(registry))
    stack.push_async_callback(pool.close)
    await pool.round()
    xpub = HDKey.from_seed(bytes(32)).to_public().to_base58()
    addresses = AddressBook(store, BitcoinAddresses(xpub, network="regtest"))
    for user in range(1, USERS + 1):
        await addresses.give(user, now=1)
    books = Books()
    watch = DepositWatch(
        store,
        BitcoinSource(pool),
        file=file,
        addresses=addresses,
        books=books,
        alarm=_alarm,
        metrics=DepositMetrics(registry),
        now=time.time_ns,
    )
    return watch, books


async def _alarm(reason: str) -> None:
    raise RuntimeError(reason)


def _file(node: BtcdServer, directory: Path) -> WalletFile:
    login = directory / "login"
    login.write_text(node.login)
    entry = {"name": "btcd", "url": node.url, "credentials_file": str(login)}
    pool = {"chain": "bitcoin", "network": "regtest", "min_peers": 0, "timeout": 30, "nodes": [entry]}
    whole = {
        "name": "scan",
        "chain": "bitcoin",
        "network": "regtest",
        "nodes": pool,
        "assets": [{"asset": "BTC", "scale": 8, "chain_scale": 8, "confirmations": 3, "dust": "546"}],
        "signers": dict.fromkeys("123", "127.0.0.1:1"),
        "tls": dict.fromkeys(("authority_file", "certificate_file", "key_file"), str(login)),
        "fees": {"max_fee_per_withdrawal": "10000", "max_rate": 100},
        "scan_from": 0,
    }
    return WalletFile.model_validate_json(json.dumps(whole))

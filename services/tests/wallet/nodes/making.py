"""Pools over real nodes, and what stands in between: lines that are cut, answers that are altered."""

from __future__ import annotations

import asyncio
import json
import struct
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from hashlib import sha256

import aiohttp
from aiohttp import web
from outcry_services.wallet.nodes.metrics import PoolMetrics
from outcry_services.wallet.nodes.opening import bitcoin_pool, ethereum_pool, solana_pool
from outcry_services.wallet.nodes.settings import PoolSettings
from prometheus_client import CollectorRegistry

from e2e.backends.bitcoin_coins import OP_TRUE, P2WSH_OP_TRUE

MAKERS = {"bitcoin": bitcoin_pool, "ethereum": ethereum_pool, "solana": solana_pool}


@asynccontextmanager
async def pool_of(nodes, *, directory, chain="bitcoin", registry=None, **settings):
    """A pool over `nodes`: name to server or to (url, login)."""
    entries = []
    for name, node in nodes.items():
        url, login = node if isinstance(node, tuple) else (node.url, getattr(node, "login", ""))
        entry = {"name": name, "url": url}
        if cookie := getattr(node, "cookie", None):
            entry["credentials_file"] = str(cookie)
        elif login:
            file = directory / f"{name}.login"
            file.write_text(login)
            entry["credentials_file"] = str(file)
        entries.append(entry)
    file = directory / "pool.json"
    # Long, since the machine may be busy; a test with a node that hangs sets its own.
    whole = {"chain": chain, "network": "regtest", "min_peers": 0, "timeout": 30, "nodes": entries}
    file.write_text(json.dumps(whole | settings))
    pool = MAKERS[chain](PoolSettings.load(file), PoolMetrics(registry or CollectorRegistry()))
    pool.policy = replace(pool.policy, sight_seconds=0.05)
    try:
        yield pool
    finally:
        await pool.close()


async def rounds_until(pool, holds, *, seconds=180):
    """Rounds of probes until something holds; fails when it never does."""
    try:
        async with asyncio.timeout(seconds):
            while not holds():
                await pool.round()
                await asyncio.sleep(0.05)
    except TimeoutError:
        conditions = {name: member.condition for name, member in pool.members.items()}
        raise AssertionError(f"not within {seconds} s: {conditions}") from None


def standing(pool):
    """Each node's standing and reason, as text."""
    return {
        name: f"{member.condition.standing}/{member.condition.reason}"
        for name, member in pool.members.items()
    }


def metrics_of(registry):
    """Reads one of the pool's metrics on regtest by name and labels; None where there is none."""
    chain = {"chain": "bitcoin", "network": "regtest"}
    return lambda name, **labels: registry.get_sample_value(f"outcry_wallet_{name}", chain | labels)


class Line:
    """A TCP line to a server. Cut, it takes bytes and passes none on, as a network that drops packets."""

    def __init__(self, server):
        self._server = server
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks = set()

    @property
    def place(self):
        """URL and login, for `pool_of`."""
        return f"http://127.0.0.1:{self._port}/", getattr(self._server, "login", "")

    def cut(self):
        self._whole.clear()

    def mend(self):
        self._whole.set()

    async def __aenter__(self):
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._listening.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader, writer):
        task = asyncio.current_task()
        self._tasks.add(task)
        try:
            await self._whole.wait()
            there = await asyncio.open_connection("127.0.0.1", self._server.port)
            with suppress(ConnectionError):
                await asyncio.gather(self._pass(reader, there[1]), self._pass(there[0], writer))
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, source, sink):
        while data := await source.read(65536):
            await self._whole.wait()
            sink.write(data)
            await sink.drain()
        sink.close()


@asynccontextmanager
async def altered(server, alter):
    """A node in front of a real one, whose answers pass through `alter(method, params, answer)`.

    Gives URL and login, for `pool_of`. `answer` is the whole JSON-RPC answer, which `alter` may change.
    """
    session = aiohttp.ClientSession()

    async def handle(request):
        asked = await request.json()
        headers = {name: request.headers[name] for name in ("Authorization",) if name in request.headers}
        async with session.post(server.url, json=asked, headers=headers) as answer:
            said = await answer.json(content_type=None)
        alter(asked["method"], asked["params"], said)
        return web.json_response(said)

    app = web.Application()
    app.router.add_post("/", handle)
    # Who asks may be gone: nobody waits for what is still being answered then.
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", getattr(server, "login", "")
    finally:
        await runner.cleanup()
        await session.close()


def payment(block, *, fee=10_000, value=50 * 10**8):
    """A transaction that spends a block's coinbase to the same anybody: (raw hex, id).

    P2WSH of OP_TRUE needs no signature, only its script as witness (BIP-141).
    """
    coin = block["tx"][0]
    outpoint = bytes.fromhex(coin)[::-1] + struct.pack("<I", 0)
    spent = b"\x01" + outpoint + b"\x00" + b"\xfd\xff\xff\xff"
    paid = b"\x01" + struct.pack("<q", value - fee) + bytes([len(P2WSH_OP_TRUE)]) + P2WSH_OP_TRUE
    version, lock = struct.pack("<i", 2), struct.pack("<I", 0)
    witness = b"\x01" + bytes([len(OP_TRUE)]) + OP_TRUE
    txid = sha256(sha256(version + spent + paid + lock).digest()).digest()[::-1].hex()
    return (version + b"\x00\x01" + spent + paid + witness + lock).hex(), txid

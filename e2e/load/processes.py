"""An exchange of processes of this machine, and what it keeps."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import asyncmy

from e2e.backends import wait_until
from e2e.exchange import SERVICES, Exchange
from e2e.exchange.exchange import ADMIN
from e2e.gateway.front import Front
from e2e.gateway.secrets import TestKey
from e2e.load.money import MONEY

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from e2e.cluster.progress import Progress

__all__ = ["FIRST_USER", "UNLIMITED", "UPSTREAMS", "Processes", "fund", "on_processes"]

FIRST_USER = 2_000
_RATES = {"perSecond": 1_000_000, "burst": 1_000_000}
_CLASSES = dict.fromkeys(("orders", "cancels", "others"), _RATES)
UNLIMITED = {"rates": {"address": _RATES, "user": _CLASSES, "key": _CLASSES}}
"""Values of the gateway: one address sends all of it, and one Envoy takes it."""
UPSTREAMS = ("order", "position", "risk", "settlement")


@contextmanager
def on_processes(users: range, *, progress: Progress) -> Iterator[Processes]:
    """A whole exchange that ends with the block; raises `ServerStartError` when it doesn't come up."""
    keys = tuple(TestKey(f"load-{user}", user=user, algorithm="hmac-sha256") for user in users)
    with ExitStack() as stack:
        with progress.step("starting an exchange", key="load exchange"):
            exchange = stack.enter_context(Exchange())
            upstreams = {name: exchange.services[name].ports.grpc for name in UPSTREAMS}
            front = Front(upstreams=upstreams, keys=keys, redis=exchange.redis.url, values=UNLIMITED)
            stack.enter_context(front)
        yield Processes(exchange, front)


def fund(exchange: Exchange, users: Sequence[int]) -> None:
    """Give each user money without a gateway, and wait until it is there."""
    admin = exchange.admin()
    for user in users:
        for asset, amount in MONEY.items():
            admin.deposit(user, asset, amount, reference=f"load-{user}-{asset}")
    for user in users:
        client = exchange.client(user)
        wait_until(
            lambda client=client: all(float(client.position(asset)[0]) > 0 for asset in MONEY),  # type: ignore[misc]
            seconds=60,
            what=f"the deposits of user {user}",
        )


class Processes:
    """See `place.Place`. Its users sign their requests, each with a key of their own."""

    targets = SERVICES
    admin = ADMIN

    def __init__(self, exchange: Exchange, front: Front) -> None:
        self.symbol = exchange.symbol
        self.gate = front
        self.sessions = front.sessions
        self.stores = _Stores(exchange)
        self._services = exchange.services
        self._keys = {int(key.entry["userId"]): key for key in front.keys}

    def people(self, users: Sequence[int]) -> list[Mapping[str, str]]:
        """Their keys' names and secrets."""
        keys = [self._keys[user] for user in users]
        return [{"id": key.entry["userId"], "key": key.name, "secret": key.entry["secret"]} for key in keys]

    def kill(self, name: str) -> None:
        """Nobody else starts it again."""
        self._services[name].restart()

    def wait_ready(self, name: str) -> None:
        """Raises `ServerStartError` after a minute."""
        self._services[name].wait_ready()

    def memory(self) -> dict[str, float]:
        """Nobody counts it."""
        return {}


class _Stores:
    """See `place.Stores`. The server asks nobody for a password."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    @property
    def kafka(self) -> str:
        return self._exchange.kafka.bootstrap

    def query(self, statements: Sequence[str], *, user: str) -> list[list[str]]:
        return asyncio.run(self._query(statements))

    def amounts(self, keys: Sequence[str]) -> list[int]:
        with self._exchange.redis.client() as client:
            found: list[Any] = client.mget(list(keys))
        return [int(value or 0) for value in found]

    async def _query(self, statements: Sequence[str]) -> list[list[str]]:
        server = self._exchange.mariadb
        connection = await asyncmy.connect(
            host=server.host, port=server.port, user=server.user, autocommit=True
        )
        try:
            async with connection.cursor() as cursor:
                found = []
                for statement in statements:
                    await cursor.execute(statement)
                    found += [[_text(value) for value in row] for row in await cursor.fetchall()]
                return found
        finally:
            await connection.ensure_closed()


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)

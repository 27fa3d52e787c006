"""Redis: scripts run by their hash, one server or a cluster alike, and integers that stay exact.

A Lua number is a double: above 2^53 it is no longer exact. So amounts go into scripts as decimal text and
come back as text (`exact`), and arithmetic is Redis's own (`INCRBY`, `DECRBY`).
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import redis.asyncio
import redis.asyncio.cluster
from redis import exceptions
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisClusterException, RedisError

from outcry_services.common.cancels import cancels, heed
from outcry_services.common.errors import ConfigError, IntegrityError, ServiceError
from outcry_services.common.money import checked
from outcry_services.common.redis_errors import RedisAwayError, named
from outcry_services.common.redis_servers import Master, identity_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from pydantic import SecretStr

    from outcry_services.common.redis_servers import Admission

log = logging.getLogger(__name__)

__all__ = ["Argument", "Call", "Redis", "Reply", "Script", "exact"]

Reply = Any
Argument = str | int | bytes


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and the hash that Redis knows it by."""

    name: str
    text: str
    sha: str

    @classmethod
    def of(cls, name: str, text: str) -> Script:
        """From its text."""
        return cls(name, text, hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest())

    @classmethod
    def load(cls, package: str, name: str) -> Script:
        """From `{name}.lua` beside the modules of a package."""
        return cls.of(name, resources.files(package).joinpath(f"{name}.lua").read_text(encoding="utf-8"))


class Call(NamedTuple):
    """One run of a script. All keys are in one slot: of one user, by the braces in them."""

    script: Script
    keys: tuple[str, ...]
    arguments: tuple[Argument, ...] = ()

    def command(self) -> tuple[Argument, ...]:
        """As it is sent."""
        return ("EVALSHA", self.script.sha, len(self.keys), *self.keys, *self.arguments)


def exact(reply: Reply) -> int:
    """An amount that a script returned: decimal text of an i64, never a reply that was a Lua number."""
    if not isinstance(reply, (bytes, str)):
        raise IntegrityError(f"a script returned an amount as {type(reply).__name__}; return it as text")
    text = reply.decode() if isinstance(reply, bytes) else reply
    bare = text.removeprefix("-")
    if not (bare.isascii() and bare.isdecimal()):
        raise IntegrityError(f"a script returned {text[:40]!r} as an amount")
    return checked(int(text))


class Redis:
    """One Redis, or one cluster of them.

    Nothing is repeated behind the caller's back after a broken connection: whether the script ran is not
    known, and only its idempotency key can tell. A script that Redis doesn't know (restarted, failed over,
    flushed) did not run: it is loaded and run then.
    """

    def __init__(
        self,
        url: str,
        *,
        password: SecretStr | None = None,
        answer_seconds: float = 2.0,
        most_connections: int = 64,
        admission: Admission | None = None,
    ) -> None:
        self.url = url
        self._admission = admission
        settings: dict[str, Any] = {
            "password": password.get_secret_value() if password else None,
            "socket_timeout": answer_seconds,
            "socket_connect_timeout": answer_seconds,
            "max_connections": most_connections,
            "retry": Retry(NoBackoff(), 0),
            "protocol": 2,
        }
        nodes, cluster = _nodes(url)
        self._client: redis.asyncio.Redis | redis.asyncio.cluster.RedisCluster
        if cluster:
            startup = [redis.asyncio.cluster.ClusterNode(host, port) for host, port in nodes]
            self._client = redis.asyncio.cluster.RedisCluster(startup_nodes=startup, **settings)
            if admission is not None:
                # It has no argument for it; nodes that it learns of later get a copy of these.
                self._client.connection_kwargs["redis_connect_func"] = admission.greet
                for node in self._client.startup_nodes:
                    node.connection_kwargs["redis_connect_func"] = admission.greet
        else:
            (host, port), *_ = nodes
            greet = admission.greet if admission is not None else None
            self._client = redis.asyncio.Redis(host=host, port=port, redis_connect_func=greet, **settings)

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def masters(self) -> list[Master]:
        """The servers that take writes now, by what they are; an admission lets in these alone from now on.

        All connections are closed for it. Raises a named error.
        """
        await self._client.aclose()
        if self._admission is not None:
            self._admission.learn()
        asked = cancels()
        try:
            found = await self._masters()
        except (RedisError, RedisClusterException, OSError) as error:
            raise named(error, where=self.url) from error
        finally:
            heed(asked)
        if self._admission is not None:
            self._admission.settle(found)
        return found

    async def _masters(self) -> list[Master]:
        client = self._client
        if not isinstance(client, redis.asyncio.cluster.RedisCluster):
            return [Master(await self._identity(), self.url, None)]
        await client.initialize()
        slots: dict[str, list[int]] = {node.name: [] for node in client.get_primaries()}
        for slot, nodes in client.nodes_manager.slots_cache.items():
            slots[nodes[0].name].append(slot)
        return [
            Master(await self._identity(target_nodes=node), node.name, frozenset(slots[node.name]))
            for node in client.get_primaries()
            if slots[node.name]
        ]

    async def _identity(self, **where: Any) -> str:  # noqa: ANN401 - the node of a cluster
        info = await self._client.execute_command("INFO", "server", **where)
        return identity_of(info | await self._client.execute_command("INFO", "replication", **where))

    async def ping(self) -> None:
        """Ask something; raises a named error when nobody answers."""
        await self.command("PING")

    async def command(self, *words: Argument) -> Reply:
        """Any command; raises a named error."""
        asked = cancels()
        try:
            return await self._client.execute_command(*words)
        except (RedisError, OSError) as error:
            raise named(error, where=self.url) from error
        finally:
            heed(asked)

    async def keys(self, pattern: str, *, page: int = 1000) -> AsyncIterator[list[str]]:
        """All keys of all masters that fit a pattern, in pages; raises a named error.

        One may come twice, and one that is made or removed meanwhile may be among them or not.
        """
        found: list[str] = []
        asked = cancels()
        try:
            async for key in self._client.scan_iter(match=pattern, count=page):
                # Names that are no text must be told, too.
                found.append(key.decode("utf-8", "surrogateescape"))
                if len(found) == page:
                    heed(asked)
                    yield found
                    found, asked = [], cancels()
        except (RedisError, RedisClusterException, OSError) as error:
            heed(asked)
            raise named(error, where=self.url) from error
        heed(asked)
        if found:
            yield found

    async def run(self, call: Call) -> Reply:
        """Run a script; raises a named error."""
        (reply,) = await self.run_all([call])
        if isinstance(reply, ServiceError):
            raise reply
        return reply

    async def run_all(self, calls: Sequence[Call]) -> list[Reply | ServiceError]:
        """Run many scripts in one exchange a node: for each its reply, or the named error that it met.

        They run in order in each slot, except that those which Redis didn't know run after the others: a
        script for which order matters checks it itself, by the number that it is given.
        """
        replies = await self._exchange(calls)
        unknown = [at for at, reply in enumerate(replies) if isinstance(reply, NoScriptError)]
        if unknown:
            again = [calls[at] for at in unknown]
            await self._load({call.script for call in again})
            for at, reply in zip(unknown, await self._exchange(again), strict=True):
                replies[at] = reply
        return [self._named(reply) for reply in replies]

    def _named(self, reply: Reply) -> Reply:
        if isinstance(reply, NoScriptError):
            return RedisAwayError(
                f"Redis at {self.url} forgets scripts as soon as they are loaded; try again"
            )
        return named(reply, where=self.url) if isinstance(reply, Exception) else reply

    async def _exchange(self, calls: Sequence[Call]) -> list[Reply]:
        if not calls:
            return []
        pipeline = self._client.pipeline(transaction=False)
        for call in calls:
            pipeline.execute_command(*call.command())
        asked = cancels()
        try:
            replies = await pipeline.execute(raise_on_error=False)
        except (RedisError, RedisClusterException, OSError) as error:
            return [error] * len(calls)
        finally:
            heed(asked)
        if any(isinstance(reply, _ELSEWHERE) for reply in replies):
            await self._look_around()
        return replies

    async def _look_around(self) -> None:
        """Learn anew who serves which slots, so that the next call finds the replica that took over."""
        if not isinstance(self._client, redis.asyncio.cluster.RedisCluster):
            return
        asked = cancels()
        try:
            await self._client.nodes_manager.initialize()
        except (RedisError, RedisClusterException, OSError) as error:
            log.warning("no node of the Redis cluster says who serves", extra={"why": str(error)})
        finally:
            heed(asked)

    async def _load(self, scripts: set[Script]) -> None:
        asked = cancels()
        try:
            for script in scripts:
                await self._client.script_load(script.text)
        except (RedisError, RedisClusterException, OSError) as error:
            raise named(error, where=self.url) from error
        finally:
            heed(asked)


_ELSEWHERE = (exceptions.ConnectionError, exceptions.TimeoutError, exceptions.ClusterDownError)


def _nodes(url: str) -> tuple[list[tuple[str, int]], bool]:
    """The addresses in a URL, and whether they are a cluster's."""
    parts = urlsplit(url)
    cluster = parts.scheme == "redis-cluster"
    if "@" in parts.netloc:
        raise ConfigError("a Redis URL must not hold the password: set it apart, best as a file")
    places = [place.rpartition(":") for place in parts.netloc.split(",")]
    right = all(host and port.isdecimal() for host, _, port in places)
    if parts.scheme not in ("redis", "redis-cluster") or not right or (len(places) > 1 and not cluster):
        raise ConfigError(f"{url!r} is not like redis://host:6379 or redis-cluster://host:6379,host:6380")
    return [(host, int(port)) for host, _, port in places], cluster

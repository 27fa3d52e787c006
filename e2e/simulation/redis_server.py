"""A fake of a Redis server, and of `common.redis.Redis` that speaks to it.

Between two scripts of a pipeline those of somebody else may run, as on the real one. `promote` loses the last
moments: another server, with another run id, goes on with what its replica had.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

from outcry_services.common.errors import InternalError, ServiceError
from outcry_services.common.redis_errors import RedisAwayError, RedisLostError
from outcry_services.common.redis_servers import Master

from e2e.simulation.chance import Chance
from e2e.simulation.errors import UnfaithfulError
from e2e.simulation.redis_keys import Keys, RefusedError, Status
from e2e.simulation.redis_lua import Scripts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from outcry_services.common.redis import Call

__all__ = ["FakeRedis", "FakeRedisServer"]

Argument = str | int | bytes
_SCRIPTS = Scripts()


class FakeRedisServer:
    """Keys, the scripts that it was told of, and a run id."""

    def __init__(self) -> None:
        self.keys = Keys()
        self.seen: Callable[[str], None] | None = None
        """Told of every script that is run."""
        self.up = True
        self._runs = itertools.count(1)
        self.run_id = ""
        self.restart()

    def restart(self) -> None:
        """Nothing acknowledged is lost; scripts are."""
        self.run_id = f"{next(self._runs):040x}"
        self._loaded: set[str] = set()

    @property
    def identity(self) -> str:
        """One run of one server as the master of its data (`redis_servers.identity_of`)."""
        return f"{self.run_id}/{self.run_id}"

    def promote(self, *, lost: int) -> None:
        """A replica takes over, without the last `lost` changes."""
        self.keys.lose(lost)
        self.keys.make_safe(0)
        self.restart()

    def lose_all(self) -> None:
        """An empty server in its place."""
        self.keys.lose_all()
        self.restart()

    def execute(self, words: Sequence[bytes]) -> Any:  # noqa: ANN401
        """One command of a client; raises `RefusedError`."""
        name = words[0].upper()
        if name in _SERVER:
            return _SERVER[name](self, *words[1:])
        self.keys.begin()
        try:
            return self.keys.run(words)
        finally:
            self.keys.end()

    def evalsha(self, sha: bytes, count: bytes, *rest: bytes) -> Any:  # noqa: ANN401
        """Run a script in one step."""
        if sha.decode() not in self._loaded:
            raise RefusedError("NOSCRIPT No matching script. Please use EVAL.")
        self.keys.begin()
        try:
            reply = _SCRIPTS.run(sha.decode(), self.keys, rest[: int(count)], rest[int(count) :])
            if self.seen is not None:
                self.seen(f"script {b' '.join(rest).decode(errors='replace')} → {reply!r}")
            return reply
        finally:
            self.keys.end()

    def script(self, what: bytes, *rest: bytes) -> Any:  # noqa: ANN401
        """LOAD, EXISTS or FLUSH."""
        if what.upper() == b"LOAD":
            sha = _SCRIPTS.compile(rest[0].decode())
            self._loaded.add(sha)
            return sha.encode()
        if what.upper() == b"EXISTS":
            return [int(sha.decode() in self._loaded) for sha in rest]
        if what.upper() == b"FLUSH":
            self._loaded.clear()
            return Status(b"OK")
        raise UnfaithfulError(f"the fake Redis doesn't know SCRIPT {what!r}")

    def info(self, *_: bytes) -> bytes:
        """What the services ask: who answers."""
        return (
            f"# Server\r\nredis_version:7.0.15\r\nredis_mode:standalone\r\nrun_id:{self.run_id}\r\n"
            "# Replication\r\nrole:master\r\n"
        ).encode()

    def role(self) -> list[Any]:
        """A master without replicas."""
        return [b"master", 0, []]

    def flush(self, *_: bytes) -> Status:
        """FLUSHALL."""
        self.keys.lose_all()
        return Status(b"OK")


_SERVER: dict[bytes, Callable[..., Any]] = {
    b"EVALSHA": FakeRedisServer.evalsha,
    b"SCRIPT": FakeRedisServer.script,
    b"INFO": FakeRedisServer.info,
    b"ROLE": FakeRedisServer.role,
    b"FLUSHALL": FakeRedisServer.flush,
    b"FLUSHDB": FakeRedisServer.flush,
}


class FakeRedis:
    """`common.redis.Redis`, without a socket."""

    url = "redis://fake:6379"

    def __init__(self, server: FakeRedisServer, chance: Chance | None = None) -> None:
        self._server = server
        self._chance = chance or Chance()
        self._known: str | None = None

    async def close(self) -> None:
        """As the real one."""

    async def masters(self) -> list[Master]:
        """As the real one with an admission: from now on no other server is spoken to."""
        self._known = None
        await self.command("INFO")
        self._known = self._server.identity
        return [Master(self._known, self.url, None)]

    async def ping(self) -> None:
        """As the real one."""
        await self.command("PING")

    async def command(self, *words: Argument) -> Any:  # noqa: ANN401
        """As the real one. `INFO` comes parsed, as the real client has it."""
        (reply,) = await self._exchange([tuple(map(_bytes, words))])
        if isinstance(reply, Exception):
            raise _named(reply)
        return _parsed(words, reply)

    async def keys(self, pattern: str) -> AsyncIterator[list[str]]:
        """As the real one, all of them in one page."""
        _, found = await self.command("SCAN", "0", "MATCH", pattern)
        if found:
            yield [key.decode("utf-8", "surrogateescape") for key in found]

    async def run(self, call: Call) -> Any:  # noqa: ANN401
        """As the real one."""
        (reply,) = await self.run_all([call])
        if isinstance(reply, ServiceError):
            raise reply
        return reply

    async def run_all(self, calls: Sequence[Call]) -> list[Any]:
        """As the real one: scripts that the server doesn't know are loaded, and run behind the others."""
        replies = await self._exchange([tuple(map(_bytes, call.command())) for call in calls])
        unknown = [at for at, reply in enumerate(replies) if _is_unknown(reply)]
        if unknown:
            again = [calls[at] for at in unknown]
            for text in sorted({call.script.text for call in again}):
                await self.command("SCRIPT", "LOAD", text)
            commands = [tuple(map(_bytes, call.command())) for call in again]
            for at, reply in zip(unknown, await self._exchange(commands), strict=True):
                replies[at] = reply
        return [_named(reply) if isinstance(reply, Exception) else reply for reply in replies]

    async def _exchange(self, commands: Sequence[tuple[bytes, ...]]) -> list[Any]:
        """Replies, an exception in place of each that failed; a broken connection fails all of them."""
        if not commands:
            return []
        chance, server, broken = self._chance, self._server, ConnectionError("broken")
        await asyncio.sleep(chance.seconds())
        run = server.run_id
        if not self._admits() or chance.happens(chance.odds.refused):
            return [broken] * len(commands)
        end = len(commands)
        if chance.happens(chance.odds.cut_short):
            end = chance.below(end + 1)
        replies: list[Any] = []
        for words in commands[:end]:
            replies.append(self._reply(words))
            # Somebody else's turn, now and then: a pipeline is no transaction.
            if chance.odds.quick_seconds and chance.happens(0.1):
                await asyncio.sleep(chance.seconds())
                if not server.up or server.run_id != run:
                    return [broken] * len(commands)
        await asyncio.sleep(chance.seconds())
        gone = not server.up or server.run_id != run
        if gone or end < len(commands) or chance.happens(chance.odds.lost_answer):
            return [broken] * len(commands)
        return replies

    def _admits(self) -> bool:
        return self._server.up and self._known in (None, self._server.identity)

    def _reply(self, words: tuple[bytes, ...]) -> Any:  # noqa: ANN401
        try:
            return self._server.execute(words)
        except RefusedError as error:
            return error


def _bytes(word: Argument) -> bytes:
    return word if isinstance(word, bytes) else str(word).encode()


def _is_unknown(reply: Any) -> bool:  # noqa: ANN401
    return isinstance(reply, RefusedError) and reply.text.startswith("NOSCRIPT")


def _named(error: Exception) -> ServiceError:
    if isinstance(error, RefusedError):
        if _is_unknown(error):
            return RedisAwayError("Redis forgets scripts as soon as they are loaded; try again")
        return InternalError("Redis refuses a script", name="REDIS_REFUSED")
    return RedisLostError("Redis doesn't answer; ask again under the same key")


def _parsed(words: Sequence[Argument], reply: Any) -> Any:  # noqa: ANN401
    """What the client library makes of some replies."""
    if isinstance(reply, Status):
        return True if reply in (b"OK", b"PONG") else bytes(reply)
    parse = _PARSERS.get(str(words[0]).upper())
    return parse(reply) if parse else reply


def _parsed_info(reply: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in reply.decode().splitlines() if ":" in line)
    return {field: value for field, _, value in lines}


_PARSERS: dict[str, Callable[[Any], Any]] = {
    "INFO": _parsed_info,
    "SCRIPT": lambda reply: [bool(part) for part in reply] if isinstance(reply, list) else reply,
    "HGETALL": lambda reply: dict(zip(reply[::2], reply[1::2], strict=True)),
    "HEXISTS": bool,
    "SMEMBERS": set,
}

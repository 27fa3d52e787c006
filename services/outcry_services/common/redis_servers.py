"""Which Redis servers are spoken to: masters alone, and only those that the caller has taken note of.

A server that was restarted, or a replica that was promoted, may lack what was acknowledged before, and
looks like any other through a pool that connects anew by itself. So each new connection first asks who
answers. A server that is not the one known is refused, until its caller has learnt the servers anew and
decided what that means.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from redis import exceptions

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from redis.asyncio.connection import AbstractConnection

__all__ = ["Admission", "Master", "StrangerError", "identity_of"]


class StrangerError(exceptions.ConnectionError):
    """Another server than those known, or a replica: nothing was sent to it."""


@dataclass(frozen=True, slots=True)
class Master:
    """A server that takes writes; `slots` of a cluster that it serves, None: all keys."""

    identity: str
    address: str
    slots: frozenset[int] | None


class Admission:
    """The servers that a client may speak to; at first, and after `learn`, any master."""

    def __init__(self) -> None:
        self._known: frozenset[str] | None = None

    def learn(self) -> None:
        """Let any master in until `settle`."""
        self._known = None

    def settle(self, masters: Iterable[Master]) -> None:
        """From now on these alone."""
        self._known = frozenset(master.identity for master in masters)

    async def greet(self, connection: AbstractConnection) -> None:
        """Called with each new connection; raises `StrangerError`."""
        await connection.on_connect()
        found: dict[str, str] = {}
        for section in ("server", "replication"):
            await connection.send_command("INFO", section)
            found |= _fields(await connection.read_response())
        if found["role"] != "master":
            raise StrangerError("a replica: it may be behind, so it is not asked")
        if self._known is not None and identity_of(found) not in self._known:
            raise StrangerError("another server than before: what it lacks must be made good first")


def identity_of(info: Mapping[str, Any]) -> str:
    """One run of one server as the master of its data: both ids change with a restart or a promotion."""
    return f"{info['run_id']}/{info.get('master_replid', '')}"


def _fields(text: bytes | str) -> dict[str, str]:
    plain = text.decode() if isinstance(text, bytes) else text
    lines = (line.partition(":") for line in plain.splitlines() if ":" in line)
    return {name: value for name, _, value in lines}

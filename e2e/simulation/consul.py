"""A fake of a Consul's key-value store, and of `common.consul.ConsulKv` that speaks to it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeVar

from outcry_services.common.consul import ConsulUnavailableError, Key, Prefix

from e2e.simulation.chance import Chance

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["FakeConsul", "FakeConsulServer"]

T = TypeVar("T")


class FakeConsulServer:
    """Keys, each with the index at which it changed last."""

    def __init__(self) -> None:
        self.seen: Callable[[str], None] | None = None
        """Told of every change."""
        self.keys: dict[str, Key] = {}
        self._index = 1
        self._changes: dict[str, int] = {}
        """By key, also of those that are gone."""
        self._moved = asyncio.Event()

    def put(self, key: str, value: bytes, *, if_index: int | None) -> bool:
        """Whether it was written."""
        if not self._is_at(key, if_index):
            return False
        self._change(key, f"is {value.decode(errors='replace')}")
        self.keys[key] = Key(value=value, modify_index=self._index)
        return True

    def delete(self, key: str, *, if_index: int | None) -> bool:
        """Whether it is gone, or was not there."""
        if if_index is not None and not self._is_at(key, if_index):
            return False
        if key in self.keys:
            self._change(key, "is gone")
            del self.keys[key]
        return True

    def index_of(self, prefix: str) -> int:
        """At which something under a prefix changed last."""
        return max((at for key, at in self._changes.items() if key.startswith(prefix)), default=1)

    async def moved(self) -> None:
        """Wait until something changes."""
        await self._moved.wait()

    def _is_at(self, key: str, if_index: int | None) -> bool:
        known = self.keys.get(key)
        return if_index is None or if_index == (known.modify_index if known is not None else 0)

    def _change(self, key: str, what: str) -> None:
        self._index += 1
        self._changes[key] = self._index
        self._moved.set()
        self._moved = asyncio.Event()
        if self.seen is not None:
            self.seen(f"Consul: {key} {what}")


class FakeConsul:
    """`common.consul.ConsulKv`."""

    def __init__(self, server: FakeConsulServer, chance: Chance | None = None) -> None:
        self._server = server
        self._chance = chance or Chance()

    async def close(self) -> None:
        """As the real one."""

    async def get(self, key: str) -> Key | None:
        """As the real one."""
        return await self._exchange(lambda: self._server.keys.get(key))

    async def put(self, key: str, value: bytes, *, if_index: int | None = None) -> bool:
        """As the real one."""
        return await self._exchange(lambda: self._server.put(key, value, if_index=if_index))

    async def delete(self, key: str, *, if_index: int | None = None) -> bool:
        """As the real one."""
        return await self._exchange(lambda: self._server.delete(key, if_index=if_index))

    async def watch(self, prefix: str, *, after: int, wait_seconds: float = 10.0) -> Prefix:
        """As the real one."""
        try:
            async with asyncio.timeout(wait_seconds if after else None):
                while after and self._server.index_of(prefix) <= after:
                    await self._server.moved()
        except TimeoutError:
            pass
        return await self._exchange(lambda: self._all(prefix))

    def _all(self, prefix: str) -> Prefix:
        found = {name: key.value for name, key in self._server.keys.items() if name.startswith(prefix)}
        return Prefix(index=self._server.index_of(prefix), keys=found)

    async def _exchange(self, work: Callable[[], T]) -> T:
        chance = self._chance
        await asyncio.sleep(chance.seconds())
        if chance.happens(chance.odds.refused):
            raise ConsulUnavailableError("Consul at fake doesn't answer")
        answer = work()
        await asyncio.sleep(chance.seconds())
        if chance.happens(chance.odds.lost_answer):
            raise ConsulUnavailableError("Consul at fake doesn't answer")
        return answer

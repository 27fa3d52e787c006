"""Consul tells when an engine's entry or a lock changes: blocking queries, no polling.

One query for each pair's service, so that a change of role queues that pair alone, and one for all locks. An
answer is compared with the one before, because Consul also wakes for changes that are none of ours.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

from outcry_operator.errors import OperatorError
from outcry_operator.pair.names import LOCKS_PREFIX, Key, engine_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from outcry_operator.clients.consul import Consul

log = logging.getLogger(__name__)

AGAIN_SECONDS = 1.0


class ConsulWatch:
    """Calls `changed` with every pair of which Consul tells something new."""

    def __init__(self, consul: Consul, changed: Callable[[Key], None]) -> None:
        self._consul = consul
        self._changed = changed
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._locks: asyncio.Task[None] | None = None
        self._held: dict[str, Any] = {}

    def start(self) -> None:
        """Watch the locks; services follow as pairs are seen."""
        path, params = f"/v1/kv/{LOCKS_PREFIX}", {"recurse": ""}
        self._locks = asyncio.create_task(self._follow(path, params, self._note_locks), name="locks")

    def follow(self, key: Key) -> None:
        """Watch a pair's engines, if they aren't watched yet."""
        if key not in self._tasks:
            path = f"/v1/health/service/{engine_of(key.name)}"
            work = self._follow(path, {}, lambda _: self._changed(key))
            self._tasks[key] = asyncio.create_task(work, name=f"watch {key.name}")

    def forget(self, key: Key) -> None:
        """The pair is gone."""
        task = self._tasks.pop(key, None)
        if task is not None:
            task.cancel()

    async def close(self) -> None:
        """Stop all watching."""
        tasks = [*self._tasks.values(), *([self._locks] if self._locks else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _follow(self, path: str, params: dict[str, str], note: Callable[[Any], None]) -> None:
        index, last = 0, None
        while True:
            try:
                answer, found = await self._consul.changed(path, index=index, params=params)
            except OperatorError as error:
                log.debug("Consul isn't watched", extra={"path": path, "error": str(error)})
                index, last = 0, None
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            # An index that went back is a Consul that lost its memory: blocking on the old one would hang.
            index = 0 if found < index else found
            seen = essence(answer)
            if seen != last:
                last = seen
                note(answer)

    def _note_locks(self, answer: Any) -> None:  # noqa: ANN401 - any JSON
        now = {entry["Key"]: (entry.get("Session"), entry["Value"]) for entry in answer or ()}
        for name in {name for name in {*now, *self._held} if now.get(name) != self._held.get(name)}:
            symbol = name.removeprefix(LOCKS_PREFIX).partition("/")[0]
            for key in pairs_of(symbol, self._tasks):
                self._changed(key)
        self._held = now


def pairs_of(symbol: str, keys: Iterable[Key]) -> list[Key]:
    """The pairs that trade under a symbol."""
    return [key for key in keys if key.symbol == symbol]


def essence(answer: Any) -> Any:  # noqa: ANN401 - any JSON
    """What of an answer matters: of services their words and health, of keys all but the indexes."""
    if not isinstance(answer, list):
        return answer
    return sorted((_essence(entry) for entry in answer), key=repr)


def _essence(entry: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    if "Service" not in entry:
        return entry.get("Key"), entry.get("Session"), entry.get("Value")
    service = entry["Service"]
    health = sorted((check["CheckID"], check["Status"]) for check in entry["Checks"])
    return service["ID"], service["Address"], service["Tags"], service["Meta"], health

"""A pool and a committer for each MySQL server of the shard map."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.common.mysql import MySql
from outcry_services.order.committer import Committer
from outcry_services.order.routing import Server
from outcry_services.order.shard_store import ShardStore

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from outcry_services.common.lifecycle import Lifecycle
    from outcry_services.order.metrics import CommitMetrics
    from outcry_services.order.ports import Clock
    from outcry_services.order.settings import StoreSettings

__all__ = ["ServerFactory", "Supervised", "supervised"]


@dataclass(frozen=True, slots=True)
class Supervised:
    """Work whose failure ends the process, but which the beginning of the drain leaves running."""

    task: asyncio.Task[None]
    watch: asyncio.Task[None]
    lifecycle: Lifecycle

    async def end(self) -> None:
        """Cancel it: it is needed no more."""
        await self.lifecycle.dismiss(self.watch)
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def supervised(lifecycle: Lifecycle, name: str, work: Coroutine[None, None, None]) -> Supervised:
    """Run work until it is ended by what this gives."""
    task = asyncio.create_task(work, name=name)

    async def watch() -> None:
        await asyncio.shield(task)

    return Supervised(task, lifecycle.background(name, watch()), lifecycle)


class ServerFactory:
    """Opens servers for `routing.Shards`; `committed` and `unknown` hear what `Committer` tells."""

    def __init__(
        self,
        settings: StoreSettings,
        *,
        clock: Clock,
        metrics: CommitMetrics,
        committed: Sequence[Callable[[int, Sequence[tuple[int, bytes]]], None]],
        unknown: Callable[[Sequence[int]], None],
        lifecycle: Lifecycle,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._committed = committed
        self._unknown = unknown
        self._lifecycle = lifecycle

    async def open(self, name: str, url: str) -> Server:
        """Connections come when they are needed."""
        mysql = MySql(self._settings.address(url), most_connections=self._settings.mysql_connections)
        await mysql.open()
        store = ShardStore(mysql, clock=self._clock)
        committer = Committer(
            store,
            metrics=self._metrics,
            committed=self._tell,
            unknown=self._unknown,
        )
        committing = supervised(self._lifecycle, f"commits {name}", committer.run())

        async def close() -> None:
            await committer.drain()
            await committing.end()
            await mysql.close()

        return Server(store=store, committer=committer, close=close)

    def _tell(self, shard: int, rows: Sequence[tuple[int, bytes]]) -> None:
        for hear in self._committed:
            hear(shard, rows)

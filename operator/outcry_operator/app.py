"""The running operator: queues, workers that empty them, and those who fill them.

kopf's handlers, Consul's watch and the sweep only say that a pair or a wallet needs a run; what that run does
is decided from what is there when its turn comes.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from outcry_operator.errors import OperatorError
from outcry_operator.metrics import Metrics
from outcry_operator.pair.conditions import condition_of
from outcry_operator.pair.reconcile import reconcile
from outcry_operator.pair.trim import trim
from outcry_operator.sweep import find_drifted, list_pairs, list_wallets
from outcry_operator.wallet.reconcile import reconcile as reconcile_wallet
from outcry_operator.watch import ConsulWatch
from outcry_operator.workers import Workers

if TYPE_CHECKING:
    from outcry_operator.outcome import Outcome
    from outcry_operator.pair.names import Key
    from outcry_operator.wallet.names import WalletKey
    from outcry_operator.world import World

log = logging.getLogger(__name__)

TRIM_SECONDS = 3600.0

# Wallets are few, and a run over one is short.
WALLET_WORKERS = 2


class App:
    """Made inside a running event loop."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.metrics = Metrics(
            waiting=lambda: len(self._pairs.queue), wallets_waiting=lambda: len(self._wallets.queue)
        )
        self._pairs = Workers(
            lambda key: reconcile(key, world),
            count=world.settings.workers,
            noun="pair",
            ran=self.metrics.ran,
            ended=self._pair_ended,
        )
        self._wallets = Workers(
            lambda key: reconcile_wallet(key, world),
            count=WALLET_WORKERS,
            noun="wallet",
            ran=self.metrics.wallet_ran,
            ended=self._wallet_ended,
        )
        self._watch = ConsulWatch(world.consul, self._pairs.queue.add)
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False
        self._trimmed_at = 0.0

    def start(self) -> None:
        """Start to work."""
        self._watch.start()
        parts = [*self._pairs.parts(), *self._wallets.parts(), self._sweep_for_ever()]
        self._tasks = [asyncio.create_task(part) for part in parts]

    def seen(self, key: Key) -> None:
        """The pair, or something of it, was made, changed or removed."""
        self._watch.follow(key)
        self._pairs.queue.add(key)

    def touched(self, key: Key) -> None:
        """Something that a pair owns changed."""
        self._pairs.queue.add(key)

    def wallet_seen(self, key: WalletKey) -> None:
        """The wallet, or something that it owns, was made, changed or removed."""
        self._wallets.queue.add(key)

    def unhealthy(self) -> str | None:
        """Why the process should be restarted, or None."""
        dead = [task for task in self._tasks if task.done()]
        return f"{len(dead)} of {len(self._tasks)} parts ended" if dead and not self._ending else None

    async def close(self) -> None:
        """Let the runs at hand end, then stop; what they leave undone is found by the next operator."""
        self._ending = True
        await self._watch.close()
        await asyncio.gather(self._pairs.close(), self._wallets.close())
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.world.close()

    def _pair_ended(self, key: Key, outcome: Outcome) -> None:
        if outcome.gone:
            self._watch.forget(key)
            self.metrics.forget(key)
        else:
            self.metrics.ready[key] = outcome.ready

    def _wallet_ended(self, key: WalletKey, outcome: Outcome) -> None:
        if outcome.gone:
            self.metrics.wallets.pop(key, None)
        else:
            self.metrics.wallets[key] = outcome.ready

    async def _sweep_for_ever(self) -> None:
        while True:
            try:
                await self._sweep()
            except OperatorError as error:
                log.warning("sweep failed", extra={"error": str(error)})
            await asyncio.sleep(self.world.settings.sweep_seconds)

    async def _sweep(self) -> None:
        for key in await find_drifted(self.world):
            self._pairs.queue.add(key)
        # Their Secrets and ConfigMaps are not watched, and certificates end: each is looked at again.
        for wallet in await list_wallets(self.world):
            self._wallets.queue.add(wallet)
        self.metrics.swept_at = time.time()
        if time.monotonic() - self._trimmed_at > TRIM_SECONDS:
            self._trimmed_at = time.monotonic()
            await self._trim()

    async def _trim(self) -> None:
        for pair in await list_pairs(self.world):
            ready = condition_of(pair.status, "TopicsReady")
            if not pair.spec.paused and not pair.deleting and ready is not None and ready.status == "True":
                await trim(pair, self.world)

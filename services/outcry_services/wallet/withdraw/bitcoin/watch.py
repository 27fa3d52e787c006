"""Follows the chain block by block for outputs that are ours, and for what spends them.

A block and the place behind it are one transaction of the database: a crash, a long downtime and a
reorganisation are all the same to it (`scan.follow`).
"""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from outcry_services.wallet.nodes.model import Tip
from outcry_services.wallet.scan.bitcoin import advance
from outcry_services.wallet.scan.errors import ParentError
from outcry_services.wallet.scan.follow import Place, TakeBack, Wait
from outcry_services.wallet.withdraw.coin_rows import Coin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from outcry_services.wallet.nodes.bitcoin import BitcoinNode
    from outcry_services.wallet.nodes.pool import NodePool
    from outcry_services.wallet.scan.bitcoin import Scanned
    from outcry_services.wallet.withdraw.coin_rows import CoinRows
    from outcry_services.wallet.withdraw.store import Tables, WalletStore

__all__ = ["COLD", "HOT", "REMEMBERED", "CoinWatch", "Watched"]

log = logging.getLogger(__name__)

REMEMBERED = 200
"""Blocks by which a chain may change and be followed still."""


@dataclass(frozen=True, slots=True)
class Watched:
    """Whose coins are followed: under which name its place is kept, and where the coins are."""

    place: str
    rows: Callable[[Tables], CoinRows]


HOT = Watched("coins", lambda tables: tables.coins)
COLD = Watched("cold", lambda tables: tables.cold_coins)


class CoinWatch:
    """`owners` gives the scripts that are ours, with their paths, whenever a block is looked through."""

    def __init__(
        self,
        store: WalletStore,
        pool: NodePool[BitcoinNode],
        *,
        owners: Callable[[], Mapping[bytes, str]],
        scan_from: int | None,
        watched: Watched = HOT,
    ) -> None:
        self._store = store
        self._pool = pool
        self._owners = owners
        self._from = scan_from
        self._watched = watched
        self._place: Place | None = None

    @property
    def height(self) -> int:
        """Of the last block that was looked through; 0 before the first."""
        return self._place.last.height if self._place else 0

    async def catch_up(self) -> None:
        """Block after block to the end of the majority's chain; raises `PoolError`, `DeepReorgError`."""
        place = self._place or await self._begin()
        while True:
            try:
                step = await advance(self._pool, place)
            except ParentError:
                continue
            if isinstance(step, Wait):
                self._place = place
                return
            async with self._store.change() as tables:
                if isinstance(step, TakeBack):
                    log.warning("a block left the chain", extra={"height": step.block.height})
                    place = place.taken_back()
                    await self._watched.rows(tables).taken_back(step.block.height)
                else:
                    place = place.scanned(step.block, remembered=REMEMBERED)
                    await self._take(tables, step)
                await self._keep(tables, place)
            self._place = place

    async def _begin(self) -> Place:
        async with self._store.look() as tables:
            rows = await tables.session.query(
                tables.named("SELECT blocks FROM wallet.places WHERE name = %s"), [self._watched.place]
            )
        if rows:
            return Place(tuple(Tip(**block) for block in json.loads(rows[0][0])))
        tip = await self._pool.tip()
        height = tip.height if self._from is None else min(self._from, tip.height)
        place = Place((Tip(height=height, hash=await self._pool.block_hash(height)),))
        async with self._store.change() as tables:
            await self._keep(tables, place)
        return place

    async def _take(self, tables: Tables, step: Scanned) -> None:
        owners = self._owners()
        ours = [output for output in step.outputs if output.script in owners and not output.coinbase]
        made = await tables.payments.made(sorted({output.txid for output in ours}))
        coins = self._watched.rows(tables)
        await coins.found(
            Coin(
                outpoint=f"{output.txid}:{output.index}",
                path=owners[output.script],
                script=output.script,
                units=output.satoshi,
                height=step.block.height,
                block=step.block.hash,
                own=output.txid in made,
            )
            for output in ours
        )
        for coin in await coins.these(step.spent):
            await coins.spent(coin.outpoint, by=step.spent[coin.outpoint], height=step.block.height)

    async def _keep(self, tables: Tables, place: Place) -> None:
        blocks = json.dumps([asdict(block) for block in place.blocks], separators=(",", ":"))
        await tables.session.execute(
            tables.named(
                "INSERT INTO wallet.places (name, blocks) VALUES (%s, %s) "
                "ON DUPLICATE KEY UPDATE blocks = VALUES(blocks)"
            ),
            [self._watched.place, blocks],
        )

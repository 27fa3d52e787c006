"""The shard map in Consul KV `outcry/shards`: what `order move` writes and every replica follows.

The map of the settings holds until Consul has a newer one; a Consul that is away changes nothing.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from outcry_services.common.consul import ConsulUnavailableError
from outcry_services.order.errors import ShardMapError
from outcry_services.order.shard_map import ShardMap, newer

if TYPE_CHECKING:
    from outcry_services.common.consul import ConsulKv
    from outcry_services.order.routing import Shards

__all__ = ["KEY", "follow_map", "publish_map", "read_map"]

log = logging.getLogger(__name__)

KEY = "outcry/shards"


async def read_map(consul: ConsulKv, settings: ShardMap) -> ShardMap:
    """The newer of the settings' map and Consul's; raises `ShardMapError`, `ConsulUnavailableError`."""
    found = await consul.get(KEY)
    return settings if found is None else newer(ShardMap.parse(found.value), settings)


async def publish_map(consul: ConsulKv, chosen: ShardMap) -> None:
    """Put a map in force, unless Consul has one that is as new; raises `ShardMapError` then."""
    found = await consul.get(KEY)
    if found is not None and ShardMap.parse(found.value).version >= chosen.version:
        raise ShardMapError(f"Consul has a shard map that is not older than version {chosen.version}")
    index = 0 if found is None else found.modify_index
    if not await consul.put(KEY, chosen.text().encode(), if_index=index):
        raise ShardMapError("somebody else changed the shard map in Consul at the same time; begin again")


async def follow_map(consul: ConsulKv, shards: Shards, *, pause_seconds: float = 0.5) -> None:
    """Put every newer map in force, for ever. One that makes no sense is passed over, loudly."""
    index = 0
    while True:
        try:
            found = await consul.watch(KEY, after=index)
        except ConsulUnavailableError as error:
            log.warning("the shard map can't be read", extra={"why": error.message})
            await asyncio.sleep(pause_seconds)
            continue
        # An index of 0 would make the next query answer at once, for ever.
        index = max(found.index, 1)
        text = found.keys.get(KEY)
        if text is None:
            continue
        try:
            offered = ShardMap.parse(text)
            if offered.version > shards.map.version:
                await shards.use(offered)
        except ShardMapError as error:
            log.exception("the shard map in Consul can't be used", extra={"why": error.message})

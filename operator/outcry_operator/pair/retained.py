"""What a pair deleted with `Retain` leaves behind, for the same pair applied again.

The new object knows nothing of the old one's topics. Adopting whatever Kafka has would be wrong in one
case: a topic lost between the two would be made again, empty, under checkpoints of the old one. So the old
pair's records stay in Consul until the pair is deleted for good.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from outcry_operator.models.status import TopicRecord
from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World


def encode(pair: Pair) -> bytes:
    """The records as JSON."""
    topics = [record.model_dump(by_alias=True) for record in pair.status.topics]
    return json.dumps({"topics": topics}, sort_keys=True).encode()


def decode(value: bytes) -> list[TopicRecord]:
    """The records of a key's value; none where a person wrote something else there."""
    try:
        return [TopicRecord.model_validate(record) for record in json.loads(value)["topics"]]
    except (ValueError, KeyError, TypeError):
        return []


async def remember(pair: Pair, world: World) -> None:
    """Leave the records behind."""
    if pair.status.topics:
        await world.consul.put_key(pair.retained_key, encode(pair))


async def recall(pair: Pair, world: World) -> Pair:
    """Take up the records of an earlier life, before any topic is made."""
    if pair.status.topics:
        return pair
    found = await world.consul.get_key(pair.retained_key)
    records = decode(found.value) if found else []
    if not records:
        return pair
    return await patch_status(
        pair, world, {"topics": [record.model_dump(by_alias=True) for record in records]}
    )


async def forget(pair: Pair, world: World) -> None:
    """Remove the records: the data is gone for good."""
    await world.consul.delete_key(pair.retained_key)

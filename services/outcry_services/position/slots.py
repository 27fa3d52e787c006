"""Which keys of ours live on a given master of a cluster."""

from __future__ import annotations

from binascii import crc_hqx
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_services.common.redis_servers import Master

__all__ = ["lives_on", "slot_of", "tag_on"]

SLOTS = 16384


def slot_of(tag: str | int) -> int:
    """The slot of keys with this between their braces (the cluster specification's CRC-16)."""
    return crc_hqx(str(tag).encode(), 0) % SLOTS


def lives_on(master: Master, user: int) -> bool:
    """Whether the keys of a user are on a master."""
    return master.slots is None or slot_of(user) in master.slots


def tag_on(master: Master) -> str:
    """A tag whose keys are on a master: the first that is."""
    slots = master.slots
    if slots is None:
        return "0"
    number = 0
    while slot_of(number) not in slots:
        number += 1
    return str(number)

"""Order ids that carry their shard, so that a cancel needs no look-up.

An order id is a positive 63-bit integer, unique over the exchange and never given twice:

    bit 62 … 10   the order's number in its shard, from 1, in the order of the shard's commits (53 bits)
    bit  9 …  0   the shard, `user_id % 1024`

The number comes from a counter row in the shard's own database, in the order's own transaction: without a
clock and without a second authority, ids of a shard rise with its commits. 53 bits last for 285 years at a
million orders a second in one shard alone. Clients see it as decimal text: it is above what a
JavaScript number holds exactly.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from outcry_services.common.errors import InvalidError

__all__ = [
    "SHARDS",
    "SHARD_BITS",
    "OrderId",
    "database_of",
    "may_be_order_of",
    "parse_order_id",
    "shard_of_user",
]

SHARD_BITS = 10
SHARDS = 1 << SHARD_BITS
NUMBER_MAX = (1 << 53) - 1
USER_MAX = (1 << 63) - 1


class OrderId(NamedTuple):
    """The parts of an order id; `int(id)` is what travels."""

    shard: int
    number: int

    @classmethod
    def make(cls, *, shard: int, number: int) -> OrderId:
        """Raises `InvalidError` (`INVALID_ORDER_ID`) for parts out of range."""
        if not 0 <= shard < SHARDS or not 1 <= number <= NUMBER_MAX:
            raise InvalidError(
                f"shard {shard} and number {number} make no order id",
                name="INVALID_ORDER_ID",
                field="orderId",
            )
        return cls(shard, number)

    @classmethod
    def of(cls, value: int) -> OrderId:
        """Take an id apart; raises `InvalidError` (`INVALID_ORDER_ID`) for what can't be one."""
        return cls.make(shard=value & (SHARDS - 1), number=value >> SHARD_BITS)

    def __int__(self) -> int:
        """What the engine, Kafka and the databases carry."""
        return self.number << SHARD_BITS | self.shard

    def __str__(self) -> str:
        """What clients see."""
        return str(int(self))


def parse_order_id(text: str) -> OrderId:
    """An order id as a client writes it; raises `InvalidError` (`INVALID_ORDER_ID`)."""
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text, re.ASCII):
        raise InvalidError(
            f"{text[:24]!r} is no order id; send it as it was given", name="INVALID_ORDER_ID", field="orderId"
        )
    return OrderId.of(int(text))


def may_be_order_of(user_id: int, order_id: int) -> bool:
    """Whether the order service can have given this id to an order of this user: logs hold others' too."""
    number, shard = order_id >> SHARD_BITS, order_id & (SHARDS - 1)
    return 1 <= number <= NUMBER_MAX and 1 <= user_id <= USER_MAX and shard == user_id % SHARDS


def shard_of_user(user_id: int) -> int:
    """The shard of a user's orders; raises `InvalidError` (`INVALID_USER_ID`)."""
    if not 1 <= user_id <= USER_MAX:
        raise InvalidError(f"{user_id} is no user id", name="INVALID_USER_ID", field="userId")
    return user_id % SHARDS


def database_of(shard: int) -> str:
    """The name of a shard's database."""
    if not 0 <= shard < SHARDS:
        raise InvalidError(f"there is no shard {shard}", name="INVALID_SHARD")
    return f"orders_{shard:04}"

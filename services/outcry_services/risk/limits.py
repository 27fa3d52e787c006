"""Limits by scope, and who may do what: the state that administrators change at run time.

A limit is looked up field by field: the narrowest scope that sets it wins (user and pair, user, pair,
everybody). Whatever its scope, it counts for one user in one pair: tick-lots of two pairs can't be added up.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from outcry.v1 import risk_api_pb2

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["LimitTable", "Limits", "UserMode", "key_of"]


class UserMode(StrEnum):
    """What a user may do besides cancelling, which is never refused."""

    ACTIVE = "ACTIVE"
    WITHDRAW_ONLY = "WITHDRAW_ONLY"
    SUSPENDED = "SUSPENDED"


def key_of(setting: risk_api_pb2.RiskSetting) -> str:
    """What a record of `risk-settings` is about: its key there."""
    if setting.HasField("limits"):
        return f"limits/{setting.limits.user_id}/{setting.limits.symbol}"
    return f"user/{setting.user.user_id}"


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What may not be exceeded; None: no limit."""

    max_order_notional: int | None = None
    """Tick-lots of one order."""
    max_open_orders: int | None = None
    max_daily_volume: int | None = None
    """Tick-lots in a UTC day: traded, and what open orders may still trade."""
    price_collar_bps: int | None = None
    """Basis points by which a price may be worse than the last trade's."""

    @classmethod
    def of(cls, message: risk_api_pb2.LimitValues) -> Limits:
        """What a message says; absent fields say nothing."""
        return cls(**{field.name: value for field, value in message.ListFields()})

    def message(self) -> risk_api_pb2.LimitValues:
        """As it travels."""
        return risk_api_pb2.LimitValues(
            max_order_notional=self.max_order_notional,
            max_open_orders=self.max_open_orders,
            max_daily_volume=self.max_daily_volume,
            price_collar_bps=self.price_collar_bps,
        )


FIELDS = tuple(field.name for field in fields(Limits))
NONE = Limits()


class LimitTable:
    """What every scope says: a user (0: everybody) in a pair (empty: every one)."""

    def __init__(self) -> None:
        self._scopes: dict[tuple[int, str], Limits] = {}

    def put(self, user_id: int, symbol: str, limits: Limits) -> None:
        """From now on the scope says this and nothing else."""
        if limits == NONE:
            self._scopes.pop((user_id, symbol), None)
        else:
            self._scopes[user_id, symbol] = limits

    def effective(self, user_id: int, symbol: str) -> Limits:
        """What is in force for a user in a pair (0 and empty: for those without narrower limits)."""
        found = list(self._along(user_id, symbol))
        if len(found) < 2:
            return found[0] if found else NONE
        values = ((name, (getattr(limits, name) for limits in found)) for name in FIELDS)
        return Limits(**{name: next((one for one in said if one is not None), None) for name, said in values})

    def _along(self, user_id: int, symbol: str) -> Iterator[Limits]:
        """What the scopes say, the narrowest first."""
        for scope in dict.fromkeys(((user_id, symbol), (user_id, ""), (0, symbol), (0, ""))):
            limits = self._scopes.get(scope)
            if limits is not None:
                yield limits

"""The kinds of commands and events as numbers, for arrays: the schema's field numbers of the bodies.

And where an open order is, which the schema does not tell.
"""

from __future__ import annotations

from enum import Enum, IntEnum


class Stage(Enum):
    """Where an open order is."""

    RESTING = "resting"
    """In the queue of its price."""
    WAITING = "waiting"
    """A stop whose price has not come."""
    QUEUED = "queued"
    """A stop whose price has come; it becomes active with one of the next commands."""


class CommandKind(IntEnum):
    """What a command asks for. Arrays hold no PAIR_SETTINGS."""

    NEW_ORDER = 5
    CANCEL_ORDER = 6
    PAIR_SETTINGS = 7
    TICK = 8
    AMEND_ORDER = 9
    CANCEL_REPLACE = 10
    NEW_OCO = 11
    MASS_CANCEL = 12
    SET_DISCONNECT_TIMER = 13


class EventKind(IntEnum):
    """What happened."""

    ORDER_ACCEPTED = 6
    ORDER_REJECTED = 7
    TRADE_EXECUTED = 8
    ORDER_CANCELLED = 9
    ORDER_EXPIRED = 10
    CANCEL_REJECTED = 11
    SETTINGS_CHANGED = 12
    SETTINGS_REJECTED = 13
    FILTERS_CHANGED = 14
    ORDER_TRIGGERED = 15
    ORDER_AMENDED = 16
    AMEND_REJECTED = 17
    SELF_TRADE_PREVENTED = 18
    MASS_CANCELLED = 19
    MASS_CANCEL_REJECTED = 20
    DISCONNECT_TIMER_SET = 21
    DISCONNECT_TIMER_REJECTED = 22
    DISCONNECT_TIMER_FIRED = 23
    AUCTION_INDICATIVE = 24
    AUCTION_UNCROSSED = 25

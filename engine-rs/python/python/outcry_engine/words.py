"""The words of `outcry.v1` as enums: the members' names are the schema's without its prefixes.

Every member is an `int`, so it can be stored in an array and passed where a number is asked for.
"""

from __future__ import annotations

from enum import IntEnum

__all__ = [
    "CancelReplaceMode",
    "ExpireReason",
    "OrderType",
    "RejectReason",
    "SelfTradePrevention",
    "Side",
    "TimeInForce",
    "TradingStatus",
]


class Side(IntEnum):
    """Which side of the book an order is for."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """What kind of order it is."""

    LIMIT = 1
    MARKET = 2
    LIMIT_MAKER = 3
    STOP_LOSS = 4
    STOP_LOSS_LIMIT = 5
    TAKE_PROFIT = 6
    TAKE_PROFIT_LIMIT = 7


class TimeInForce(IntEnum):
    """How long an order lives."""

    GTC = 1
    IOC = 2
    FOK = 3
    GTD = 4


class TradingStatus(IntEnum):
    """What the pair accepts at present."""

    TRADING = 1
    HALT = 2
    CANCEL_ONLY = 3
    POST_ONLY = 4
    LIMIT_ONLY = 5
    AUCTION = 6


class SelfTradePrevention(IntEnum):
    """What happens when an order would trade with one of its own account or trade group."""

    NONE = 1
    EXPIRE_TAKER = 2
    EXPIRE_MAKER = 3
    EXPIRE_BOTH = 4
    DECREMENT = 5


class CancelReplaceMode(IntEnum):
    """What becomes of the new order when the cancel of a cancel-replace fails."""

    STOP_ON_FAILURE = 1
    ALLOW_FAILURE = 2


class ExpireReason(IntEnum):
    """Why the engine ended an order."""

    IMMEDIATE_OR_CANCEL = 1
    FILL_OR_KILL = 2
    PRICE_BAND = 3
    SELF_TRADE = 4
    ONE_CANCELS_OTHER = 5
    GOOD_TILL_DATE = 6
    DISCONNECTED = 7
    OVERFLOW = 8


class RejectReason(IntEnum):
    """Why a command was refused: the first check that failed."""

    NO_SETTINGS = 1
    INVALID_ORDER_ID = 2
    INVALID_USER_ID = 3
    INVALID_SIDE = 4
    INVALID_ORDER_TYPE = 5
    INVALID_TIME_IN_FORCE = 6
    INVALID_PRICE = 7
    INVALID_QUANTITY = 8
    OVERFLOW = 9
    PRICE_OUT_OF_BAND = 10
    NOTIONAL_TOO_SMALL = 11
    DUPLICATE_ORDER_ID = 12
    MARKET_HALTED = 13
    MARKET_CANCEL_ONLY = 14
    WOULD_TAKE = 15
    UNKNOWN_ORDER = 16
    NOT_OWNER = 17
    INVALID_SETTINGS = 18
    UNSUPPORTED = 19
    INVALID_STP_MODE = 20
    MARKET_POST_ONLY = 21
    MARKET_LIMIT_ONLY = 22
    MARKET_AUCTION = 23
    INVALID_DISPLAY_QUANTITY = 24
    INVALID_STOP_PRICE = 25
    INVALID_TRAILING_DELTA = 26
    INVALID_EXPIRE_TIME = 27
    PRICE_FILTER = 28
    PERCENT_PRICE = 29
    LOT_SIZE = 30
    NOTIONAL_TOO_LARGE = 31
    TOO_MANY_OPEN_ORDERS = 32
    WOULD_TRIGGER = 33
    INVALID_LIST = 34
    PART_OF_LIST = 35
    INVALID_MODE = 36
    NOT_ATTEMPTED = 37
    INVALID_TIMEOUT = 38

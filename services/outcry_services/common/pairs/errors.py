"""What can be wrong with a symbol or a pair.

InvalidError
└── SymbolError               `SYMBOL_CHARACTERS` (letters that only look right), `INVALID_SYMBOL` (malformed)
NotFoundError
└── UnknownSymbolError        `UNKNOWN_SYMBOL`: well formed, and there is no such pair
InternalError
└── PairUnreadableError       `PAIR_UNREADABLE`: what Consul holds for it makes no sense
"""

from __future__ import annotations

from outcry_services.common.errors import InternalError, InvalidError, NotFoundError

__all__ = ["PairUnreadableError", "SymbolError", "UnknownSymbolError"]


class SymbolError(InvalidError):
    """Text that can't name a pair."""

    default_name = "INVALID_SYMBOL"


class UnknownSymbolError(NotFoundError):
    """No pair has that name."""

    default_name = "UNKNOWN_SYMBOL"


class PairUnreadableError(InternalError):
    """What Consul holds for a pair makes no sense; the message names the field."""

    default_name = "PAIR_UNREADABLE"

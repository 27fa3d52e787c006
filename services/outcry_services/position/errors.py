"""What can go wrong with positions.

UnavailableError
└── StoreChangedError     Redis is another one, or lost what it had acknowledged: replay before anything else
IntegrityError
└── PositionCorruptError  a value in Redis that no script wrote
"""

from __future__ import annotations

from outcry_services.common.errors import IntegrityError, UnavailableError

__all__ = ["PositionCorruptError", "StoreChangedError"]


class StoreChangedError(UnavailableError):
    """Redis lacks something that it had acknowledged: it was promoted, restored or emptied."""

    default_name = "STORE_CHANGED"


class PositionCorruptError(IntegrityError):
    """A value in Redis that no script wrote; the reconciler repairs it from the log."""

    default_name = "POSITION_CORRUPT"

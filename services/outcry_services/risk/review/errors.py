"""Why a question about a withdrawal, or a decision on one, is refused; and the words of a rejection.

ConflictError
├── QuestionChangedError   `REVIEW_CHANGED`: not what was asked before, or not what is in the log
└── ReviewDecidedError     `REVIEW_DECIDED`: it can't be decided any more
RefusedError
└── UnknownRouteError      `REVIEW_ASSET_UNKNOWN`: the rules don't name that asset there
NotFoundError
└── ReviewNotFoundError    `REVIEW_NOT_FOUND`
"""

from __future__ import annotations

from outcry_services.common.errors import ConflictError, NotFoundError, RefusedError

__all__ = [
    "AMOUNT_ABOVE_MOST",
    "CONFLICT_POINT",
    "DENIED_ADDRESS",
    "DENIED_BY_ADMIN",
    "LOOK_ALIKE_ADDRESS",
    "MANUAL_REVIEW",
    "NEW_ADDRESS",
    "PAUSED",
    "UNKNOWN_WITHDRAWAL",
    "VELOCITY",
    "WITHDRAWAL_ENDED",
    "QuestionChangedError",
    "ReviewDecidedError",
    "ReviewNotFoundError",
    "UnknownRouteError",
]

# What it waits for.
PAUSED = "PAUSED"
UNKNOWN_WITHDRAWAL = "UNKNOWN_WITHDRAWAL"
"""The log, as far as it was read, has no such withdrawal whose funds are held."""
NEW_ADDRESS = "NEW_ADDRESS"
MANUAL_REVIEW = "MANUAL_REVIEW"
CONFLICT_POINT = "CONFLICT_POINT"
"""All is well; to be asked again with what every transaction for it spends."""

# Why it was rejected, besides `USER_SUSPENDED` and what is wrong with an address.
DENIED_ADDRESS = "DENIED_ADDRESS"
DENIED_BY_ADMIN = "DENIED_BY_ADMIN"
AMOUNT_ABOVE_MOST = "AMOUNT_ABOVE_MOST"
VELOCITY = "VELOCITY"
LOOK_ALIKE_ADDRESS = "LOOK_ALIKE_ADDRESS"
WITHDRAWAL_ENDED = "WITHDRAWAL_ENDED"
"""It was released before anybody decided."""


class QuestionChangedError(ConflictError):
    """Not what was asked before, or not what the user asked for."""

    default_name = "REVIEW_CHANGED"


class ReviewDecidedError(ConflictError):
    """It can't be decided any more."""

    default_name = "REVIEW_DECIDED"


class UnknownRouteError(RefusedError):
    """The rules don't name that asset there."""

    default_name = "REVIEW_ASSET_UNKNOWN"


class ReviewNotFoundError(NotFoundError):
    """The wallet has asked about no such withdrawal."""

    default_name = "REVIEW_NOT_FOUND"

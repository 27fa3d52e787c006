"""Names of what risk refuses, and its one error.

UnavailableError
└── ViewBehindError           `RISK_NOT_READY`: the view is not complete; nothing was decided
"""

from __future__ import annotations

from outcry_services.common.errors import UnavailableError

__all__ = [
    "DAILY_VOLUME_LIMIT",
    "NOT_READY",
    "OPEN_ORDERS_LIMIT",
    "ORDER_NOTIONAL_LIMIT",
    "PRICE_COLLAR",
    "USER_SUSPENDED",
    "USER_WITHDRAW_ONLY",
    "ViewBehindError",
]

USER_SUSPENDED = "USER_SUSPENDED"
USER_WITHDRAW_ONLY = "USER_WITHDRAW_ONLY"
ORDER_NOTIONAL_LIMIT = "ORDER_NOTIONAL_LIMIT"
OPEN_ORDERS_LIMIT = "OPEN_ORDERS_LIMIT"
DAILY_VOLUME_LIMIT = "DAILY_VOLUME_LIMIT"
PRICE_COLLAR = "PRICE_COLLAR"
NOT_READY = "RISK_NOT_READY"


class ViewBehindError(UnavailableError):
    """The view of the logs is not complete, or too old: ask again."""

    default_name = NOT_READY

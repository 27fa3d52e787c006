"""What can go wrong in the order service beyond the shared tree (`common.errors`).

InvalidError
└── OrderInvalidError            an order that no pair would take; `name`: a `RejectReason` without prefix
RefusedError
└── OrderRefusedError            an order that its pair's engine would reject, named likewise
ConflictError
├── ClientOrderIdConflictError   that clientOrderId named an order of other content
├── ReferenceConflictError       that reference or clientWithdrawalId named something else
└── PayoutStepError              a withdrawal's step that may not follow on where it is
UnavailableError
├── ShardMovingError             the shard is on its way to another server: try again
└── PairLostError                nobody here could follow what becomes of an order of that pair
ConfigError
└── ShardMapError                a shard map that doesn't say where every shard is, or contradicts another
"""

from __future__ import annotations

from outcry_services.common.errors import (
    ConfigError,
    ConflictError,
    InvalidError,
    RefusedError,
    UnavailableError,
)

__all__ = [
    "ClientOrderIdConflictError",
    "OrderInvalidError",
    "OrderRefusedError",
    "PairLostError",
    "PayoutStepError",
    "ReferenceConflictError",
    "ShardMapError",
    "ShardMovingError",
]


class OrderInvalidError(InvalidError):
    """The order is malformed for its type; `name` is a `RejectReason` without its prefix."""

    default_name = "INVALID_ORDER"


class OrderRefusedError(RefusedError):
    """A filter of the pair says no; `name` is a `RejectReason` without its prefix."""

    default_name = "ORDER_REFUSED"


class ClientOrderIdConflictError(ConflictError):
    """The same clientOrderId named an order of other content before."""

    default_name = "CLIENT_ORDER_ID_CONFLICT"


class ReferenceConflictError(ConflictError):
    """The same reference named a deposit, adjustment or withdrawal of other content before."""

    default_name = "REFERENCE_CONFLICT"


class PayoutStepError(ConflictError):
    """The step may not follow on where the withdrawal is; nothing was changed."""

    default_name = "WITHDRAWAL_STEP"


class ShardMovingError(UnavailableError):
    """The shard is being moved: nothing took effect."""

    default_name = "SHARD_MOVING"


class PairLostError(UnavailableError):
    """The pair's log lacks what comes next: nothing took effect."""

    default_name = "PAIR_LOST"


class ShardMapError(ConfigError):
    """A shard map that can't be used."""

    default_name = "SHARD_MAP"

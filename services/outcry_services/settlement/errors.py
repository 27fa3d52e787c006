"""What can go wrong in settlement.

IntegrityError
├── UnbalancedError       a transaction whose amounts don't add up to nothing: nothing of it is written
├── ContradictionError    the logs, or the logs and the ledger, say different things of one thing
└── NegativeBalanceError  a balance would go below 0: the ledger's rows are not what its entries say
UnavailableError
└── SupersededError       another process writes the ledger: this one begins again from what is there
"""

from __future__ import annotations

from outcry_services.common.errors import IntegrityError, UnavailableError

__all__ = ["ContradictionError", "NegativeBalanceError", "SupersededError", "UnbalancedError"]


class UnbalancedError(IntegrityError):
    """The amounts of a transaction don't add up to nothing."""

    default_name = "UNBALANCED"


class ContradictionError(IntegrityError):
    """Two records of one thing differ."""

    default_name = "CONTRADICTION"


class NegativeBalanceError(IntegrityError):
    """A user's balance would go below 0."""

    default_name = "NEGATIVE_BALANCE"


class SupersededError(UnavailableError):
    """The ledger has another writer, or moved on without this one."""

    default_name = "SUPERSEDED"

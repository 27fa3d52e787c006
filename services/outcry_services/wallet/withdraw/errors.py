"""What can go wrong with withdrawals.

UnavailableError (common)
└── SupersededError       another process of this wallet writes: this one must end
IntegrityError (common)
└── WithdrawalError       books, chain and wallet contradict each other: a person decides
InvalidError (common)
└── UnpayableError        a withdrawal that no transaction can pay; its hold returns
"""

from __future__ import annotations

from outcry_services.common.errors import IntegrityError, InvalidError, UnavailableError

__all__ = ["SupersededError", "UnpayableError", "WithdrawalError"]


class SupersededError(UnavailableError):
    """Another process has opened this wallet since."""

    default_name = "WALLET_SUPERSEDED"


class WithdrawalError(IntegrityError):
    """Books, chain and wallet contradict each other."""

    default_name = "WITHDRAWAL_CONTRADICTION"


class UnpayableError(InvalidError):
    """No transaction can pay it: `name` is what the user sees."""

    default_name = "UNPAYABLE"

"""Why there is no signature.

UnavailableError (common)
└── SigningError              nothing was signed now; it may be tried again
    ├── SignersDownError      fewer than two answer
    ├── SignersFaultError     signers accuse one another, in every pair
    └── SignersRefusedError   by the signers' own policy: `refusal` is the code, such as REFUSED_LIMIT
"""

from __future__ import annotations

from outcry_services.common.errors import UnavailableError

__all__ = ["SignersDownError", "SignersFaultError", "SignersRefusedError", "SigningError"]


class SigningError(UnavailableError):
    """Nothing was signed."""

    default_name = "SIGNING"


class SignersDownError(SigningError):
    """Fewer than two signers answer."""

    default_name = "SIGNERS_DOWN"


class SignersFaultError(SigningError):
    """Every pair broke off, with accusations."""

    default_name = "SIGNERS_FAULT"


class SignersRefusedError(SigningError):
    """They won't."""

    default_name = "SIGNERS_REFUSED"

    def __init__(self, message: str, *, refusal: str) -> None:
        super().__init__(message)
        self.refusal = refusal

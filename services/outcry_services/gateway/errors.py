"""Why a signed request is turned away.

UnauthenticatedError
├── CredentialsMissingError      neither a session's token nor a signature
├── CredentialsMalformedError    a header is not what it should be
├── KeyUnknownError              no such key, or it was revoked
├── SignatureInvalidError        it is not the key's signature of this request
├── SignatureExpiredError        it was on its way for longer than its window
├── TimestampAheadError          it comes from the future: a clock is wrong
└── SignatureReplayedError       it was used before
ForbiddenError
└── AddressNotAllowedError       the key may not be used from there
UnavailableError
└── ReplayGuardFullError         nobody could tell whether it was used before
"""

from __future__ import annotations

from outcry_services.common.errors import ForbiddenError, UnauthenticatedError, UnavailableError

__all__ = [
    "AddressNotAllowedError",
    "CredentialsMalformedError",
    "CredentialsMissingError",
    "KeyUnknownError",
    "ReplayGuardFullError",
    "SignatureExpiredError",
    "SignatureInvalidError",
    "SignatureReplayedError",
    "TimestampAheadError",
]


class CredentialsMissingError(UnauthenticatedError):
    """Neither a session's token nor a signature."""

    default_name = "CREDENTIALS_MISSING"


class CredentialsMalformedError(UnauthenticatedError):
    """A header is not what it should be; `field` names it."""

    default_name = "CREDENTIALS_MALFORMED"


class KeyUnknownError(UnauthenticatedError):
    """No such key, or it was revoked."""

    default_name = "KEY_UNKNOWN"


class SignatureInvalidError(UnauthenticatedError):
    """It is not the key's signature of this request."""

    default_name = "SIGNATURE_INVALID"


class SignatureExpiredError(UnauthenticatedError):
    """It was on its way for longer than its window."""

    default_name = "SIGNATURE_EXPIRED"


class TimestampAheadError(UnauthenticatedError):
    """It comes from the future."""

    default_name = "TIMESTAMP_AHEAD"


class SignatureReplayedError(UnauthenticatedError):
    """It was used before."""

    default_name = "SIGNATURE_REPLAYED"


class AddressNotAllowedError(ForbiddenError):
    """The key may not be used from there."""

    default_name = "ADDRESS_NOT_ALLOWED"


class ReplayGuardFullError(UnavailableError):
    """Nobody could tell whether the signature was used before."""

    default_name = "REPLAY_GUARD_FULL"

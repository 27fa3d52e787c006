"""What can go wrong in a service, and how a client is told.

    ServiceError                     code, name, HTTP status, field, message
    ├── InvalidError                 400  the request makes no sense; nothing was changed
    │   └── AmountError              400  an amount that can't be an integer of ledger units (see `money`)
    ├── UnauthenticatedError         401  nobody knows who is asking
    ├── ForbiddenError               403  they may not do that
    ├── NotFoundError                404
    ├── ConflictError                409  what is there already says something else
    ├── RefusedError                 422  a rule of the exchange says no (funds, limits, filters)
    ├── TooManyError                 429  later; `retry_after` in seconds
    ├── InternalError                500  our fault
    │   ├── ConfigError              500  the service's own settings make no sense: it doesn't start
    │   └── IntegrityError           500  something that can't be is: stop, don't guess
    └── UnavailableError             503  a store or a service doesn't answer; nothing is known of the outcome
        └── DeadlineError            504  the time that the caller gave is over; the same holds

`code` is a gRPC status code's name, `name` one word in upper case that clients may compare, `field` the
request's field at fault (empty: none). A message says what was wrong, where, and what to do, and never
carries a secret.
"""

from __future__ import annotations

from typing import ClassVar

__all__ = [
    "AmountError",
    "ConfigError",
    "ConflictError",
    "DeadlineError",
    "ForbiddenError",
    "IntegrityError",
    "InternalError",
    "InvalidError",
    "NotFoundError",
    "RefusedError",
    "ServiceError",
    "TooManyError",
    "UnauthenticatedError",
    "UnavailableError",
    "error_class",
]


class ServiceError(Exception):
    """The base of all; each class has a gRPC code, an HTTP status and a name that a case may narrow."""

    code: ClassVar[str] = "UNKNOWN"
    http_status: ClassVar[int] = 500
    default_name: ClassVar[str] = "ERROR"

    def __init__(
        self, message: str, *, name: str = "", field: str = "", retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.name = name or self.default_name
        self.field = field
        self.retry_after = retry_after

    def as_json(self, *, trace_id: str = "") -> dict[str, str]:
        """The one shape in which HTTP clients see an error."""
        return {
            "code": self.code,
            "name": self.name,
            "message": self.message,
            "field": self.field,
            "traceId": trace_id,
        }


class InvalidError(ServiceError):
    """The request makes no sense; nothing was changed."""

    code, http_status, default_name = "INVALID_ARGUMENT", 400, "INVALID"


class AmountError(InvalidError):
    """An amount that is no integer of ledger units, ticks or lots."""

    default_name = "INVALID_AMOUNT"


class UnauthenticatedError(ServiceError):
    """Nobody knows who is asking."""

    code, http_status, default_name = "UNAUTHENTICATED", 401, "UNAUTHENTICATED"


class ForbiddenError(ServiceError):
    """Known, and not allowed to."""

    code, http_status, default_name = "PERMISSION_DENIED", 403, "FORBIDDEN"


class NotFoundError(ServiceError):
    """No such thing, or none that the caller may see."""

    code, http_status, default_name = "NOT_FOUND", 404, "NOT_FOUND"


class ConflictError(ServiceError):
    """What is there already says something else."""

    code, http_status, default_name = "ALREADY_EXISTS", 409, "CONFLICT"


class RefusedError(ServiceError):
    """The request is well formed, and a rule of the exchange says no."""

    code, http_status, default_name = "FAILED_PRECONDITION", 422, "REFUSED"


class TooManyError(ServiceError):
    """Later: `retry_after` says in how many seconds."""

    code, http_status, default_name = "RESOURCE_EXHAUSTED", 429, "TOO_MANY"


class InternalError(ServiceError):
    """Our fault."""

    code, http_status, default_name = "INTERNAL", 500, "INTERNAL"


class ConfigError(InternalError):
    """The service's own settings make no sense; the message names the variable."""

    default_name = "CONFIG"


class IntegrityError(InternalError):
    """Something that can't be is: whoever meets it stops and doesn't guess."""

    code, default_name = "DATA_LOSS", "INTEGRITY"


class UnavailableError(ServiceError):
    """A store or a service doesn't answer; whether the request took effect is not known."""

    code, http_status, default_name = "UNAVAILABLE", 503, "UNAVAILABLE"


class DeadlineError(UnavailableError):
    """The time that the caller gave is over; whether the request took effect is not known."""

    code, http_status, default_name = "DEADLINE_EXCEEDED", 504, "DEADLINE"


_BY_CODE: dict[str, type[ServiceError]] = {
    kind.code: kind
    for kind in (
        InvalidError,
        UnauthenticatedError,
        ForbiddenError,
        NotFoundError,
        ConflictError,
        RefusedError,
        TooManyError,
        InternalError,
        IntegrityError,
        UnavailableError,
        DeadlineError,
    )
}


def error_class(code: str) -> type[ServiceError]:
    """The class that stands for a gRPC code; codes that no class has are our fault."""
    return _BY_CODE.get(code, InternalError)

"""How an error crosses gRPC: its code and message as status, the rest in trailing metadata."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import grpc

from outcry_services.common.errors import ServiceError, error_class

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grpc.aio import AioRpcError

__all__ = ["from_status", "status_of", "trailers_of"]

NAME = "outcry-error-name"
FIELD = "outcry-error-field"
RETRY_AFTER_MS = "retry-after-ms"


def status_of(error: ServiceError) -> grpc.StatusCode:
    """The gRPC code of an error."""
    return grpc.StatusCode[error.code]


def trailers_of(error: ServiceError) -> tuple[tuple[str, str], ...]:
    """What the status has no room for."""
    trailers = [(NAME, error.name), (FIELD, error.field)]
    if error.retry_after is not None:
        trailers.append((RETRY_AFTER_MS, str(round(error.retry_after * 1000))))
    return tuple((key, value) for key, value in trailers if value)


def from_status(error: AioRpcError, *, target: str) -> ServiceError:
    """The error that the other side raised, or what its silence means."""
    trailers = cast("Iterable[tuple[str, str | bytes]]", error.trailing_metadata() or ())
    found = {key: str(value) for key, value in trailers}
    wait = found.get(RETRY_AFTER_MS, "")
    message = error.details() or f"{target} answered {error.code().name} without a message"
    if NAME not in found:
        message = f"{target}: {message}"
    return error_class(error.code().name)(
        message,
        name=found.get(NAME, ""),
        field=found.get(FIELD, ""),
        retry_after=int(wait) / 1000 if wait.isdecimal() else None,
    )

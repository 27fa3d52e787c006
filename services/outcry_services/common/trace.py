"""Whose work is being done: the trace id and the order id that logs and calls carry along.

They travel between processes as W3C `traceparent` (`00-{32 hex}-{16 hex}-01`), in gRPC metadata and in Kafka
headers alike, and inside a process in context variables, which a task inherits from the one that starts it.
"""

from __future__ import annotations

import re
import secrets
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["TRACEPARENT", "order_id", "trace_id", "traceparent", "tracing", "working_on"]

TRACEPARENT = "traceparent"
"""The key in metadata and headers."""

_FORM = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}", re.ASCII)
_trace: ContextVar[str] = ContextVar("trace_id", default="")
_order: ContextVar[str] = ContextVar("order_id", default="")


def trace_id() -> str:
    """32 hexadecimal digits; empty outside any trace."""
    return _trace.get()


def order_id() -> str:
    """The order at hand, as clients know it; empty when there is none."""
    return _order.get()


def traceparent() -> str:
    """What the next process is told: this trace, and a new span of it."""
    return f"00-{_trace.get() or secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


@contextmanager
def tracing(parent: str | None) -> Iterator[str]:
    """Go on with the trace of a `traceparent`, or begin one where there is none or it is malformed."""
    found = _FORM.fullmatch(parent or "")
    name = found[1] if found else secrets.token_hex(16)
    token = _trace.set(name)
    try:
        yield name
    finally:
        _trace.reset(token)


@contextmanager
def working_on(order: str) -> Iterator[None]:
    """Name the order at hand."""
    token = _order.set(order)
    try:
        yield
    finally:
        _order.reset(token)

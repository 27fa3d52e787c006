"""One process that the supervisor keeps running. Plain data, written as JSON for the supervisor."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Process"]


@dataclass(frozen=True, kw_only=True)
class Process:
    """A program, its arguments, and the addresses (`host:port` or a socket's path) it waits for."""

    name: str
    argv: list[str]
    needs: list[str] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=dict)

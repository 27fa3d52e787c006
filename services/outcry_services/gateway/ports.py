"""What the logic asks of the world: the time, the keys in force, the memory of signatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from outcry_services.gateway.keys import ApiKey

__all__ = ["Clock", "Keys", "ReplayGuard"]


class Clock(Protocol):
    """The time."""

    def __call__(self) -> int:
        """Milliseconds since 1970."""


class Keys(Protocol):
    """The keys in force."""

    def get(self, key: str) -> ApiKey | None:
        """By its name; None for one that nobody has."""


class ReplayGuard(Protocol):
    """Remembers what was used until it has expired."""

    async def first_use(self, digest: bytes, *, signed: int, expires: int) -> bool:
        """Whether this digest was never used; it is from now on.

        Times in milliseconds since 1970. Raises an `UnavailableError` when that can't be told.
        """

"""What a load needs of an exchange, wherever it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from e2e.gateway.secrets import Sessions

__all__ = ["Gate", "Place", "Stores"]


class Gate(Protocol):
    """Where clients come in."""

    @property
    def host(self) -> str:
        """Its address."""

    @property
    def port(self) -> int:
        """Of HTTPS."""

    @property
    def certificate(self) -> Path:
        """What a client trusts."""


class Stores(Protocol):
    """Reads what the exchange keeps, past all services."""

    @property
    def kafka(self) -> str:
        """Bootstrap servers, reached from here."""

    def query(self, statements: Sequence[str], *, user: str) -> list[list[str]]:
        """The rows of all statements, as text; `user` is a MySQL user who may ask that."""

    def amounts(self, keys: Sequence[str]) -> list[int]:
        """The numbers under these keys of Redis; 0 for one that isn't there."""


class Place(Protocol):
    """An exchange with one market, its gateway, and what can be killed of it."""

    @property
    def symbol(self) -> str:
        """Of its market."""

    @property
    def gate(self) -> Gate:
        """Where its clients come in."""

    @property
    def sessions(self) -> Sessions:
        """Whose tokens the gateway takes."""

    @property
    def admin(self) -> int:
        """The user id of an administrator."""

    @property
    def stores(self) -> Stores:
        """What it keeps."""

    @property
    def targets(self) -> tuple[str, ...]:
        """What `kill` takes."""

    def people(self, users: Sequence[int]) -> list[Mapping[str, str]]:
        """How each of them is known to the gateway, as `orders.js` reads it."""

    def kill(self, name: str) -> None:
        """End it without a word; something is to start it again."""

    def wait_ready(self, name: str) -> None:
        """Until what was killed last under this name has a successor that is ready."""

    def memory(self) -> dict[str, float]:
        """Mebibytes of what runs, by name; empty where nobody counts."""

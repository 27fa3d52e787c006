"""What the shell needs of an engine: the Rust one, or a fake in a test."""

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from outcry_engine._engine import Status


class Engine(Protocol):
    """The threads around one book. Calls may block; those of the Rust engine release the GIL."""

    def status(self) -> "Status":
        """What the engine says of itself; cheap."""

    def promote(self, epoch: int) -> None:
        """Take over under an epoch that is at least `epoch`."""

    def demote(self, reason: str) -> None:
        """Publish nothing more from the moment it returns."""

    def drain(self, timeout_seconds: float) -> int:
        """Stop intake, publish the tail, fall silent; the last seq. Raises DrainError."""

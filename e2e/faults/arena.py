"""Where faults happen: a pair, its Kafka and its Consul, as processes or on a cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Arena", "ArenaError", "Dependency", "Unsupported"]

Dependency = Literal["consul", "kafka", "peer", "everything"]


class ArenaError(Exception):
    """The place could not do what the fault needs; the message says what was tried."""


class Unsupported(ArenaError):  # noqa: N818 - an answer more than an error
    """This place can't make that fault; the campaign says so and goes on."""


class Arena(Protocol):
    """Replicas are named as Consul names them. What injects a fault returns its monotonic instant."""

    symbol: str
    kind: str

    @property
    def kafka(self) -> str:
        """Bootstrap servers, reached from here."""

    def wait_ready(self, *, seconds: float) -> tuple[str, str]:
        """(hot, warm), once there are both and the warm one is caught up; puts back what can be."""

    def kill(self, *replicas: str) -> float:
        """SIGKILL the engine processes."""

    def delete(self, replica: str) -> float:
        """Take the whole replica away without grace; something brings a new one."""

    def freeze(self, replica: str) -> float:
        """SIGSTOP all of the replica's processes."""

    def thaw(self, replica: str) -> None:
        """SIGCONT them."""

    def cut(self, replica: str, dependency: Dependency) -> float:
        """Drop all packets between a replica and something, in both directions."""

    def mend(self, replica: str) -> None:
        """Undo every cut of a replica."""

    def fake_clocks(self) -> None:
        """Make the replicas' clocks such that `skew_clock` can shift them, once per campaign."""

    def skew_clock(self, replica: str, seconds: float) -> float:
        """Shift the replica's wall clock; 0 puts it right."""

    def kill_consul(self) -> float:
        """SIGKILL Consul and keep it away."""

    def start_consul(self) -> None:
        """Bring Consul back; returns when it answers."""

    def kill_kafka(self) -> float:
        """SIGKILL the broker and keep it away."""

    def start_kafka(self) -> float:
        """Bring the broker back; the monotonic instant at which it answers."""

    def switchover(self, replica: str) -> float:
        """Ask the hot replica to hand over."""

    def roll(self, hot: str) -> Callable[[], bool]:
        """Begin a rolling change; says whether it is complete."""

    def close(self) -> None:
        """Leave the place as it was found."""

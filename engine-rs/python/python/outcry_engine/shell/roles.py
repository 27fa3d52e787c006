"""The roles of an engine replica, in the words of `outcry.v1.Role`."""

from enum import StrEnum


class Role(StrEnum):
    """What a replica is doing; the values are those in Consul, logs and metrics."""

    STARTING = "starting"
    WARM = "warm"
    TAKING_OVER = "taking_over"
    HOT = "hot"
    DIVERGED = "diverged"
    FAILED = "failed"

    @property
    def publishing(self) -> bool:
        """Whether a replica in this role publishes, or is about to."""
        return self in (Role.TAKING_OVER, Role.HOT)

"""What can go wrong while a pair is reconciled.

    OperatorError
    ├── Unavailable          nobody is to blame: tried again with back-off
    │   ├── KafkaUnavailable
    │   ├── ConsulUnavailable
    │   ├── KubeUnavailable
    │   └── EngineUnavailable
    ├── Refused              a person must decide: reason and message go into the condition
    │   └── EngineRefused
    └── KubeError            the API server said no: status, reason and message

Every error carries a `reason`, one CamelCase word for a condition, and a message that says what was wrong,
where, and what to do.
"""

from __future__ import annotations


class OperatorError(Exception):
    """The base of all; `reason` is one CamelCase word."""

    reason = "Error"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        if reason is not None:
            self.reason = reason


class Unavailable(OperatorError):
    """Something outside doesn't answer; trying again later is all there is to do."""

    reason = "Unavailable"


class KafkaUnavailable(Unavailable):
    """Kafka doesn't answer."""

    reason = "KafkaUnavailable"


class ConsulUnavailable(Unavailable):
    """Consul doesn't answer."""

    reason = "ConsulUnavailable"


class KubeUnavailable(Unavailable):
    """The Kubernetes API doesn't answer."""

    reason = "KubernetesUnavailable"


class EngineUnavailable(Unavailable):
    """An engine's admin port doesn't answer."""

    reason = "EngineUnavailable"


class Refused(OperatorError):
    """Going on would be a guess: a person must decide."""

    reason = "Refused"


class EngineRefused(Refused):
    """An engine answered, and declined."""

    reason = "EngineRefused"


class KubeError(OperatorError):
    """The API server's answer was an error."""

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message, reason=reason or "KubernetesError")
        self.status = status

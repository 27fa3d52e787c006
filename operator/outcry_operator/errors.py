"""What can go wrong while a pair or a wallet is reconciled.

    OperatorError
    ├── UnavailableError          nobody is to blame: tried again with back-off
    │   ├── KafkaUnavailableError
    │   ├── ConsulUnavailableError
    │   ├── KubeUnavailableError
    │   ├── EngineUnavailableError
    │   └── WalletUnavailableError
    ├── RefusedError              a person must decide: reason and message go into the condition
    │   └── EngineRefusedError
    └── KubeError                 the API server said no: status, reason and message

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


class UnavailableError(OperatorError):
    """Something outside doesn't answer; trying again later is all there is to do."""

    reason = "Unavailable"


class KafkaUnavailableError(UnavailableError):
    """Kafka doesn't answer."""

    reason = "KafkaUnavailable"


class ConsulUnavailableError(UnavailableError):
    """Consul doesn't answer."""

    reason = "ConsulUnavailable"


class KubeUnavailableError(UnavailableError):
    """The Kubernetes API doesn't answer."""

    reason = "KubernetesUnavailable"


class EngineUnavailableError(UnavailableError):
    """An engine's admin port doesn't answer."""

    reason = "EngineUnavailable"


class WalletUnavailableError(UnavailableError):
    """A wallet service's page of metrics doesn't answer."""

    reason = "WalletUnavailable"


class RefusedError(OperatorError):
    """Going on would be a guess: a person must decide."""

    reason = "Refused"


class EngineRefusedError(RefusedError):
    """An engine answered, and declined."""

    reason = "EngineRefused"


class KubeError(OperatorError):
    """The API server's answer was an error."""

    def __init__(self, message: str, *, status: int, reason: str) -> None:
        super().__init__(message, reason=reason or "KubernetesError")
        self.status = status

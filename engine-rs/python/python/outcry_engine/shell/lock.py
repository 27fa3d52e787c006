"""The lock of a pair as Consul tells it: who may publish."""

import json
from dataclasses import asdict, dataclass
from typing import Literal

Cause = Literal["start", "takeover", "switchover"]


@dataclass(frozen=True, kw_only=True)
class LockValue:
    """What the holder wrote into the lock; after a release, what it left there."""

    replica: str
    epoch: int
    since: str
    """RFC 3339."""
    reason: Cause
    previous: str | None
    successor: str | None = None
    """On a planned hand-over: the only replica that should take the lock at once."""

    def encode(self) -> str:
        """The value as JSON, for the key."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, raw: bytes | None) -> "LockValue | None":
        """The value of the key, or None when there is none or a person wrote something else there."""
        try:
            data = json.loads(raw or b"")
            return cls(
                replica=str(data["replica"]),
                epoch=int(data["epoch"]),
                since=str(data["since"]),
                reason=data["reason"],
                previous=data.get("previous"),
                successor=data.get("successor"),
            )
        except (ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True, kw_only=True)
class Lock:
    """One answer of Consul about the key."""

    index: int
    """Of the answer (X-Consul-Index); what the next blocking query waits beyond."""
    lock_index: int = 0
    """How often the key was acquired since it was made; 0 when there is no key."""
    session: str | None = None
    """The session that holds it, None when it is vacant."""
    value: LockValue | None = None

    @property
    def term(self) -> str | None:
        """Name of this one holding of the lock, unique also when Consul lost its memory."""
        return None if self.session is None else f"{self.session}/{self.lock_index}"

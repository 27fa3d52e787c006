"""What everything of a pair is called: in Kubernetes, in Kafka and in Consul."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, NamedTuple

from outcry_operator.custom_object import CustomObject, meta_of
from outcry_operator.models.status import TradingPairStatus
from outcry_operator.models.tradingpair import GROUP, KIND, TradingPairSpec

PAIR_LABEL = f"{GROUP}/pair"
ROLE_LABEL = f"{GROUP}/role"
TEMPLATE_ANNOTATION = f"{GROUP}/template"
CANCEL_ALL_ANNOTATION = f"{GROUP}/cancel-all"
SPREAD_ANNOTATION = f"{GROUP}/spread"

REPLICAS = 2


class Key(NamedTuple):
    """Names a pair for as long as the operator runs; the object behind it may come and go."""

    namespace: str
    name: str

    @property
    def symbol(self) -> str:
        """Upper-case name of the pair."""
        return self.name.upper()


@dataclass(frozen=True, kw_only=True)
class Pair(CustomObject):
    """A `TradingPair` as it was read, e.g. btc-usdt."""

    kind: ClassVar[str] = KIND
    created: datetime
    cancel_all: str
    """A person's request to cancel all orders; empty: none."""
    spec: TradingPairSpec
    status: TradingPairStatus

    @classmethod
    def read(cls, body: dict[str, Any]) -> Pair:
        """The pair in an API object; raises pydantic's ValidationError when the spec makes no sense."""
        meta = body["metadata"]
        return cls(
            **meta_of(body),
            created=datetime.fromisoformat(meta["creationTimestamp"]),
            cancel_all=meta.get("annotations", {}).get(CANCEL_ALL_ANNOTATION, "").strip(),
            spec=TradingPairSpec.model_validate(body["spec"]),
            status=TradingPairStatus.model_validate(body.get("status", {})),
        )

    @property
    def key(self) -> Key:
        """Its name for as long as the operator runs."""
        return Key(self.namespace, self.name)

    @property
    def symbol(self) -> str:
        """Upper-case name of the pair, e.g. BTC-USDT."""
        return self.key.symbol

    @property
    def engine(self) -> str:
        """Name of the Kubernetes objects, of the Consul service and of the prepared query."""
        return engine_of(self.name)

    @property
    def incarnation(self) -> int:
        """Of the operator as a source of commands: the object's creation in Unix seconds."""
        return int(self.created.timestamp())

    @property
    def matching(self) -> str:
        """The input topic."""
        return f"matching.{self.symbol}"

    @property
    def events(self) -> str:
        """The output topic."""
        return f"events.{self.symbol}"

    @property
    def book(self) -> str:
        """The topic of snapshots."""
        return f"book.{self.symbol}"

    @property
    def topics(self) -> tuple[str, str, str]:
        """The pair's own topics."""
        return (self.matching, self.events, self.book)

    @property
    def settings_key(self) -> str:
        """Consul key of the pair's settings."""
        return f"{SETTINGS_PREFIX}{self.symbol}"

    @property
    def lock_key(self) -> str:
        """Consul key of the lock that the engines hold."""
        return f"{LOCKS_PREFIX}{self.symbol}/lock"

    @property
    def retained_key(self) -> str:
        """Consul key of what a deleted pair left behind."""
        return f"outcry/retained/{self.symbol}"

    @property
    def selector(self) -> dict[str, str]:
        """Labels that only this pair's engines carry."""
        return {"app.kubernetes.io/name": "outcry-engine", PAIR_LABEL: self.name}

    @property
    def labels(self) -> dict[str, str]:
        """Labels of all objects of the pair."""
        return self.owned_labels(self.selector, self.name)

    @property
    def replicas(self) -> tuple[str, ...]:
        """Names of the engine pods, which are the replicas' names in Consul too."""
        return tuple(f"{self.engine}-{ordinal}" for ordinal in range(REPLICAS))


SETTINGS_PREFIX = "outcry/pairs/"
LOCKS_PREFIX = "outcry/engines/"
SERVICE_PREFIX = "engine-"


def engine_of(name: str) -> str:
    """Name of the engines of the pair `name`."""
    return f"{SERVICE_PREFIX}{name}"


def selector_text(labels: dict[str, str]) -> str:
    """Labels as the API's query string wants them."""
    return ",".join(f"{key}={value}" for key, value in labels.items())

"""Makes the topics that are missing, and changes none that is there: its owner may have tuned it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient, NewTopic

from outcry_services.common.errors import ConflictError, RefusedError, UnavailableError
from outcry_services.topics.plan import TopicPlan, planned

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["EnsuredTopic", "ensure_topics"]

_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class EnsuredTopic:
    """A topic that is there now."""

    name: str
    partitions: int
    made: bool
    """By this call."""


def ensure_topics(bootstrap: str, *, partitions: int, replication: int) -> Iterator[EnsuredTopic]:
    """Each topic once it is there.

    Raises `UnavailableError` when Kafka doesn't answer within half a minute, `RefusedError` when it won't
    make a topic, and `ConflictError` for one whose number of partitions can't be worked with.
    """
    admin = AdminClient({"bootstrap.servers": bootstrap, "client.id": "outcry-topics"})
    found = _partitions(admin, bootstrap)
    for plan in planned(partitions=partitions, replication=replication):
        made = plan.name not in found and _make(admin, plan, replication=replication)
        number = plan.partitions if made else found.get(plan.name) or _partitions(admin, bootstrap)[plan.name]
        if plan.fixed and number != plan.partitions:
            raise ConflictError(
                f"topic {plan.name} has {number} partitions, and its readers know of {plan.partitions}: "
                "delete it if nothing in it is needed, and run this again"
            )
        yield EnsuredTopic(name=plan.name, partitions=number, made=made)


def _partitions(admin: AdminClient, bootstrap: str) -> dict[str, int]:
    try:
        topics = admin.list_topics(timeout=_SECONDS).topics
    except KafkaException as error:
        raise UnavailableError(f"Kafka at {bootstrap} doesn't answer: {error.args[0].str()}") from error
    return {name: len(topic.partitions) for name, topic in topics.items()}


def _make(admin: AdminClient, plan: TopicPlan, *, replication: int) -> bool:
    """Whether this call made it: another one may have been quicker."""
    new = NewTopic(
        plan.name,
        num_partitions=plan.partitions,
        replication_factor=replication,
        config=dict(plan.config),
    )
    future = admin.create_topics([new], operation_timeout=_SECONDS, request_timeout=_SECONDS)[plan.name]
    try:
        future.result(_SECONDS)
    except KafkaException as error:
        if error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        raise RefusedError(f"Kafka doesn't make topic {plan.name}: {error.args[0].str()}") from error
    return True

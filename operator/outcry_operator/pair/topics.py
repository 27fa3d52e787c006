"""Topics: made once, watched for ever.

A topic is remembered by its id in `status.topics` before anything rests on it. Two races are guarded
against: an operator that is killed between making a topic and remembering it finds the topic and remembers
it then; a topic that was remembered and is missing is never made again, because an empty log under a living
pair would contradict every checkpoint and every consumer. A broker that has just started may not know a
topic yet, so a loss counts only when a second look finds it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem
from outcry_operator.models.status import TopicRecord
from outcry_operator.pair.conditions import PENDING, condition_of
from outcry_operator.pair.status import patch_status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.clients.kafka import Topic
    from outcry_operator.models.tradingpair import Kafka as KafkaSpec
    from outcry_operator.pair.names import Pair
    from outcry_operator.world import World

MISSING = "TopicMissing"
LOST = "TopicLost"
WRONG_PARTITIONS = "WrongPartitionCount"
RUNBOOK = "docs/operations/topic-lost.md"
LOOK_AGAIN_SECONDS = 3.0
PENDING_SECONDS = 0.3

DEAD_LETTER = "dead-letter"
SHARED = ("orders", "order-events", DEAD_LETTER)

_FOREVER = "-1"
_BOOK_RETENTION_MS = 3_600_000
_HOURS = {"h": 1, "d": 24}


@dataclass(frozen=True, kw_only=True)
class TopicsPlan:
    """What is to be done about a pair's topics, in this order."""

    record: tuple[TopicRecord, ...] = ()
    """All records, old and new, when they changed; empty: nothing to write."""
    create: tuple[str, ...] = ()
    configure: Mapping[str, dict[str, str]] = field(default_factory=dict)
    problem: Problem | None = None


def plan(
    pair: Pair, found: Mapping[str, Topic | None], configs: Mapping[str, Mapping[str, str]]
) -> TopicsPlan:
    """Compare what Kafka has with what the pair remembers and wants."""
    remembered = {record.name: record.id for record in pair.status.topics}
    problem = _lost(pair, remembered, found) or _wrong_partitions(pair, found)
    if problem is not None:
        return TopicsPlan(problem=problem)
    new = [
        TopicRecord(name=name, id=topic.id)
        for name in pair.topics
        if name not in remembered and (topic := found[name]) is not None
    ]
    return TopicsPlan(
        record=(*pair.status.topics, *new) if new else (),
        create=tuple(name for name in (*pair.topics, *SHARED) if found[name] is None),
        configure=drift(pair, configs),
    )


def drift(pair: Pair, configs: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """What must change in the configuration of the topics that are there."""
    differing = {}
    for name in pair.topics:
        if name in configs:
            wanted = desired_config(pair, name)
            changes = {key: value for key, value in wanted.items() if configs[name].get(key) != value}
            if changes:
                differing[name] = changes
    return differing


def desired_config(pair: Pair, name: str) -> dict[str, str]:
    """Configuration of one of the pair's topics.

    Input and events are never deleted by time: Kafka would take the last event with the rest, and the
    numbering with it. `book` carries the broker's own time, by which an engine finds that its clock is wrong.
    """
    of_book = {"message.timestamp.type": "LogAppendTime", "retention.ms": str(_BOOK_RETENTION_MS)}
    return {
        **shared_config(pair.spec.kafka),
        "cleanup.policy": "delete",
        "retention.bytes": _FOREVER,
        **pair.spec.kafka.config,
        **(of_book if name == pair.book else {"retention.ms": _FOREVER}),
    }


def shared_config(spec: KafkaSpec) -> dict[str, str]:
    """Configuration that every topic gets: what was acknowledged survives a broker's death."""
    config = {"unclean.leader.election.enable": "false"}
    return config | ({"min.insync.replicas": "2"} if spec.replication_factor >= 3 else {})


def retention_seconds(spec: KafkaSpec) -> int:
    """How long events are kept."""
    return int(spec.retention[:-1]) * _HOURS[spec.retention[-1]] * 3600


async def ensure(pair: Pair, world: World) -> tuple[Pair, Problem | None]:
    """Make what was never there, mend configuration; the pair with its new records, and what is wrong."""
    pair, problem = await _once(pair, world)
    if problem is None and len(pair.status.topics) < len(pair.topics):
        # Made just now: seen and remembered before anything rests on them.
        pair, problem = await _once(pair, world)
    if problem is None and len(pair.status.topics) < len(pair.topics):
        problem = Problem(
            reason=PENDING,
            message="topics made a moment ago are not to be seen yet",
            status="Unknown",
            retry_seconds=PENDING_SECONDS,
        )
    return pair, problem


async def _once(pair: Pair, world: World) -> tuple[Pair, Problem | None]:
    kafka = world.kafka
    found = await kafka.topics((*pair.topics, *SHARED))
    configs = await kafka.config([name for name in pair.topics if found[name] is not None])
    todo = plan(pair, found, configs)
    if todo.record:
        pair = await patch_status(
            pair, world, {"topics": [record.model_dump(by_alias=True) for record in todo.record]}
        )
    for name in todo.create:
        own = name in pair.topics
        await kafka.create(
            name,
            partitions=1 if own or name == DEAD_LETTER else world.settings.shared_partitions,
            replication=pair.spec.kafka.replication_factor,
            config=desired_config(pair, name) if own else shared_config(pair.spec.kafka),
        )
    for name, changes in todo.configure.items():
        await kafka.configure(name, changes)
    return pair, todo.problem


def _lost(pair: Pair, remembered: Mapping[str, str], found: Mapping[str, Topic | None]) -> Problem | None:
    missing = [name for name in remembered if name in found and found[name] is None]
    other = [
        name
        for name, identity in remembered.items()
        if (topic := found.get(name)) is not None and topic.id != identity
    ]
    if not missing and not other:
        return None
    before = condition_of(pair.status, "TopicsReady")
    if not other and (before is None or before.reason not in (MISSING, LOST)):
        return Problem(
            reason=MISSING,
            message=f"Kafka doesn't know {', '.join(missing)}: looking again",
            status="Unknown",
            retry_seconds=LOOK_AGAIN_SECONDS,
        )
    words = [f"{name} is gone" for name in missing]
    words += [f"{name} was deleted and made again (id {remembered[name]} is gone)" for name in other]
    return Problem(
        reason=LOST,
        message=f"{'; '.join(words)}. It is not made again under a living pair; engines are kept out; "
        f"see the runbook {RUNBOOK}",
    )


def _wrong_partitions(pair: Pair, found: Mapping[str, Topic | None]) -> Problem | None:
    wrong = [topic for name in pair.topics if (topic := found[name]) is not None and topic.partitions != 1]
    if not wrong:
        return None
    words = ", ".join(f"{topic.name} has {topic.partitions} partitions" for topic in wrong)
    return Problem(
        reason=WRONG_PARTITIONS,
        message=f"{words}: a pair's total order needs exactly one, and records are never moved by guessing. "
        "Delete that topic if it holds nothing, or give the pair another symbol",
    )

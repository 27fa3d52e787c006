"""Which topics there are, and how each is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["TopicPlan", "planned"]

_FOREVER = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}


@dataclass(frozen=True, kw_only=True)
class TopicPlan:
    """One topic as it should be made."""

    name: str
    partitions: int
    config: Mapping[str, str]
    fixed: bool = False
    """Whether another number of partitions would be wrong, and not just another choice."""


def planned(*, partitions: int, replication: int) -> tuple[TopicPlan, ...]:
    """All topics that no pair owns.

    `orders` and `order-events` are kept whole: everything that services know is rebuilt from them. `journal`
    is what Redis did, for people and for the reconciler; the ledger never reads it.
    """
    safe = {"unclean.leader.election.enable": "false"} | (
        {"min.insync.replicas": "2"} if replication >= 3 else {}
    )
    kept_whole = safe | _FOREVER
    return (
        TopicPlan(name="orders", partitions=partitions, config=kept_whole),
        TopicPlan(name="order-events", partitions=partitions, config=kept_whole),
        TopicPlan(name="journal", partitions=partitions, config=safe | _days(30)),
        # The latest state of a stage counts for seconds.
        TopicPlan(name="pressure", partitions=1, config=safe | _minutes(10) | _SMALL_SEGMENTS, fixed=True),
        TopicPlan(
            name="risk-settings", partitions=1, config=safe | {"cleanup.policy": "compact"}, fixed=True
        ),
        # The last three checkpoints of risk's view.
        TopicPlan(
            name="risk-view",
            partitions=1,
            config=safe | {"cleanup.policy": "compact"} | _SMALL_SEGMENTS,
            fixed=True,
        ),
        TopicPlan(name="dead-letter", partitions=1, config=kept_whole, fixed=True),
    )


# Retention deletes whole segments, so it is no finer than they are.
_SMALL_SEGMENTS = {"segment.ms": "600000", "segment.bytes": "16777216"}


def _days(number: int) -> dict[str, str]:
    return _minutes(number * 24 * 60)


def _minutes(number: int) -> dict[str, str]:
    return {"cleanup.policy": "delete", "retention.ms": str(number * 60_000)}

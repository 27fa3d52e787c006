"""The status of a `TradingPair`: what the operator answers."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from outcry_operator.models.base import Model


class Condition(Model):
    """One answer of the operator, in the shape of Kubernetes' own conditions."""

    type: str = Field(max_length=64)
    status: Literal["True", "False", "Unknown"]
    reason: str = Field(max_length=128)
    message: str = Field(default="", max_length=4096)
    last_transition_time: str = Field(json_schema_extra={"format": "date-time"})
    observed_generation: int = 0


class LastFailover(Model):
    """The last time that another replica became hot."""

    time: str = Field(json_schema_extra={"format": "date-time"})
    reason: str = Field(description="takeover: the hot one was lost. switchover: it was asked to hand over.")
    from_: str = Field(default="", alias="from")
    to: str


class TopicRecord(Model):
    """A topic that exists, or existed: never made again while the pair lives."""

    name: str
    id: str = Field(
        description="Kafka's topic id: a topic of the same name with another id is another topic."
    )


class CommandRecord(Model):
    """A command of the operator in the matching log, and what the core answered."""

    offset: int = Field(default=-1, description="Where in the matching partition it stands.")
    number: int = Field(default=0, description="Number of the command among the operator's own.")
    answer_offset: int = Field(
        default=-1, description="Where in the events to look for the answer; -1: nowhere."
    )
    answer: str = Field(
        default="", description="Accepted, or the core's reason for a rejection; empty: none was seen yet."
    )


class SettingsRecord(CommandRecord):
    """The settings that the matching log last got from the operator."""

    generation: int = Field(description="Generation of the object.")
    digest: str = Field(description="Digest of the command's content.")
    rules_version: int = Field(default=1, description="Matching rules that it asks for.")


class CancelAllRecord(CommandRecord):
    """The last request, by annotation, to cancel all orders of the pair."""

    request: str = Field(default="", max_length=256, description="The annotation's value.")
    orders: int = Field(default=0, description="How many orders it ended.")


class TradingPairStatus(Model):
    """How the market is."""

    observed_generation: int = Field(default=0, description="Generation of the spec that this answers.")
    symbol: str = Field(default="", description="Upper-case name of the pair.")
    conditions: list[Condition] = Field(
        default=[],
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    )
    hot: str = Field(default="", description="The replica that holds the lock and publishes.")
    warm: str = Field(default="", description="The replica that follows, ready to take over.")
    epoch: int = Field(default=0, description="Number under which the hot replica publishes; rises.")
    last_failover: LastFailover | None = None
    failovers: int = Field(default=0, description="How many times another replica became hot.")
    topics: list[TopicRecord] = Field(
        default=[],
        description="The topics that were seen.",
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]},
    )
    settings: SettingsRecord | None = None
    cancel_all: CancelAllRecord | None = None
    rollout: str = Field(default="", description="What a rolling change waits for; empty when there is none.")

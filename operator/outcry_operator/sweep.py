"""The process-wide sweep: Kafka's topics and Consul's entries, of which no watch tells.

A few requests whatever the number of pairs; only pairs that drifted are queued.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from outcry_operator.errors import OperatorError
from outcry_operator.models.tradingpair import KIND
from outcry_operator.models.wallet import KIND as WALLET
from outcry_operator.pair import market_settings, query, topics
from outcry_operator.pair.conditions import condition_of
from outcry_operator.pair.names import SETTINGS_PREFIX, Key, Pair
from outcry_operator.wallet.names import WalletKey

if TYPE_CHECKING:
    from collections.abc import Mapping

    from outcry_operator.clients.kafka import Topic
    from outcry_operator.world import World

log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What is outside Kubernetes; None: it didn't say."""

    topics: Mapping[str, Topic | None] | None = None
    configs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    queries: list[dict[str, Any]] | None = None
    keys: Mapping[str, bytes] = field(default_factory=dict)


async def find_drifted(world: World) -> set[Key]:
    """The pairs that need a run; raises what Kubernetes' API can't answer."""
    pairs = await list_pairs(world)
    if not pairs:
        return set()
    outside = await look_outside(pairs, world)
    return {pair.key for pair in pairs if drifted(pair, outside)}


async def list_pairs(world: World) -> list[Pair]:
    """All pairs that this operator looks after."""
    namespaces = world.settings.watch_namespaces or (None,)
    return [
        Pair.read(body)
        for namespace in namespaces
        for body in await world.kube.list(KIND, namespace=namespace)
    ]


async def list_wallets(world: World) -> list[WalletKey]:
    """All wallets that this operator looks after."""
    namespaces = world.settings.watch_namespaces or (None,)
    return [
        WalletKey(body["metadata"]["namespace"], body["metadata"]["name"])
        for namespace in namespaces
        for body in await world.kube.list(WALLET, namespace=namespace)
    ]


async def look_outside(pairs: list[Pair], world: World) -> Outside:
    """Ask Kafka and Consul about all pairs."""
    found: dict[str, Any] = {}
    try:
        names = [name for pair in pairs for name in pair.topics]
        found["topics"] = await world.kafka.topics((*names, *topics.SHARED))
        present = [name for name in names if found["topics"][name] is not None]
        found["configs"] = await world.kafka.config(present)
    except OperatorError as error:
        log.warning("sweep without Kafka", extra={"error": str(error)})
        found.pop("topics", None)
    try:
        found["queries"] = await world.consul.queries()
        found["keys"] = await world.consul.keys(SETTINGS_PREFIX)
    except OperatorError as error:
        log.warning("sweep without Consul", extra={"error": str(error)})
        found.pop("queries", None)
    return Outside(**found)


def drifted(pair: Pair, outside: Outside) -> bool:
    """Whether the pair needs a run."""
    if pair.deleting or pair.status.observed_generation != pair.generation:
        return True
    if pair.spec.paused:
        return False
    ready = condition_of(pair.status, "Ready")
    if ready is None or ready.status != "True":
        return True
    return _topics_drifted(pair, outside) or _consul_drifted(pair, outside)


def _topics_drifted(pair: Pair, outside: Outside) -> bool:
    if outside.topics is None:
        # A condition that still says all is well must hear of it.
        return True
    plan = topics.plan(pair, outside.topics, outside.configs)
    return bool(plan.problem or plan.create or plan.configure or plan.record)


def _consul_drifted(pair: Pair, outside: Outside) -> bool:
    if outside.queries is None:
        return True
    if outside.keys.get(pair.settings_key) != market_settings.key_value(pair.spec):
        return True
    return query.plan(pair.engine, outside.queries) != query.QueryPlan()

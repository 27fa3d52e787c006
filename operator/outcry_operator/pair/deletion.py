"""Taking a pair down, in the order in which nothing can go wrong.

First nobody is led to it any more (prepared query), then its engines end, by themselves and in order, and
only when no pod is left go lock, settings and, with `Delete`, the data: an engine must never lose its lock
or its log while it may still publish. The finalizer goes last. Each step looks before it acts, so a run
that was killed, or that met a Kafka or Consul that didn't answer, is simply run again.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem, Verdict, merge
from outcry_operator.custom_object import FINALIZER, OWNED
from outcry_operator.errors import OperatorError
from outcry_operator.models.tradingpair import KIND
from outcry_operator.notes import Note, post, utc_now
from outcry_operator.outcome import Outcome
from outcry_operator.pair import objects, query, retained
from outcry_operator.pair.conditions import TYPES
from outcry_operator.pair.names import PAIR_LABEL, Pair
from outcry_operator.pair.status import write_status
from outcry_operator.pair.view import look_at_pods

if TYPE_CHECKING:
    from outcry_operator.world import World

PODS_SECONDS = 5.0


async def run(pair: Pair, world: World) -> Outcome:
    """One run; `gone` once the finalizer is off."""
    if FINALIZER not in pair.finalizers:
        return Outcome(gone=True)
    try:
        waiting = await _take_down(pair, world)
    except OperatorError as error:
        problem = Problem.of(error)
        message = f"deleting: {problem.message}"
        await _tell(pair, world, replace(problem, message=message).verdict)
        return Outcome(failed=(problem.reason,), back_off=True)
    if waiting is not None:
        await _tell(pair, world, waiting.verdict)
        return Outcome(failed=(waiting.reason,), again_seconds=waiting.retry_seconds)
    await _let_go(pair, world)
    return Outcome(gone=True)


async def _take_down(pair: Pair, world: World) -> Problem | None:
    """All steps as far as they go; what is waited for."""
    await query.remove(pair, world)
    await world.kube.delete("StatefulSet", pair.engine, namespace=pair.namespace)
    waiting = await _engines_left(pair, world)
    if waiting is not None:
        return waiting
    await _leave_consul(pair, world)
    for body in objects.around(pair, world.settings):
        await world.kube.delete(body["kind"], pair.engine, namespace=pair.namespace)
    if pair.spec.deletion_policy == "Delete":
        await _delete_data(pair, world)
    else:
        await retained.remember(pair, world)
    return _too_young(pair)


async def _engines_left(pair: Pair, world: World) -> Problem | None:
    pods = await look_at_pods(pair, world, selector=f"{PAIR_LABEL}={pair.name},{OWNED}")
    held = await world.kube.get("StatefulSet", pair.engine, namespace=pair.namespace)
    if not pods and held is None:
        return None
    words = ", ".join(pod.name for pod in pods) or pair.engine
    return Problem(reason="Deleting", message=f"waiting until {words} ended", retry_seconds=PODS_SECONDS)


async def _leave_consul(pair: Pair, world: World) -> None:
    for instance in await world.consul.instances(pair.engine):
        # An engine that ended in order took its entry away itself.
        await world.consul.deregister(instance)
    await world.consul.delete_key(pair.settings_key)
    await world.consul.delete_key(pair.lock_key)


async def _delete_data(pair: Pair, world: World) -> None:
    """Topics and volumes, for good. A topic that somebody else made under the name stays."""
    remembered = {record.name: record.id for record in pair.status.topics}
    found = await world.kafka.topics(pair.topics)
    ours = [
        name
        for name, topic in found.items()
        if topic is not None and remembered.get(name, topic.id) == topic.id
    ]
    if ours:
        await world.kafka.delete(ours)
    for claim in await world.kube.list(
        "PersistentVolumeClaim", namespace=pair.namespace, labels=f"{PAIR_LABEL}={pair.name}"
    ):
        await world.kube.delete("PersistentVolumeClaim", claim["metadata"]["name"], namespace=pair.namespace)
    await retained.forget(pair, world)


def _too_young(pair: Pair) -> Problem | None:
    """The next object of the name must have a later creation time: the core tells the two apart by it."""
    left = pair.incarnation + 1 - time.time()
    if left <= 0 or left > 1:
        return None
    return Problem(reason="Deleting", message="waiting for the second to end", retry_seconds=left)


async def _let_go(pair: Pair, world: World) -> None:
    finalizers = [name for name in pair.finalizers if name != FINALIZER]
    words = {
        "Delete": "topics and volumes are deleted",
        "Retain": "topics and volumes are kept; the same pair applied again goes on where it was",
    }[pair.spec.deletion_policy]
    await post(pair, world.kube, Note(reason="Deleted", message=words, cause="deletion"))
    body = await world.kube.get(KIND, pair.name, namespace=pair.namespace)
    if body is None or body["metadata"]["uid"] != pair.uid:
        return
    meta = {"resourceVersion": body["metadata"]["resourceVersion"], "finalizers": finalizers}
    await world.kube.merge(KIND, pair.name, namespace=pair.namespace, body={"metadata": meta})


async def _tell(pair: Pair, world: World, verdict: Verdict) -> None:
    verdict = replace(verdict, status="False")
    conditions = merge(
        pair.status.conditions, {"Ready": verdict}, types=TYPES, generation=pair.generation, now=utc_now()
    )
    status = pair.status.model_copy(update={"conditions": conditions})
    before = next((entry for entry in pair.status.conditions if entry.type == "Ready"), None)
    notes = []
    if before is None or before.reason != verdict.reason:
        since = before.last_transition_time if before else ""
        kind = "Normal" if verdict.reason == "Deleting" else "Warning"
        notes.append(
            Note(reason=verdict.reason, message=verdict.message, cause=f"deletion {since}", kind=kind)  # type: ignore[arg-type]
        )
    await write_status(pair, world, status, notes)

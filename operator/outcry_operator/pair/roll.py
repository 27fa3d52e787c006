"""Carrying out what `rollout` decides, and the pods' role labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.conditions import Problem
from outcry_operator.errors import OperatorError
from outcry_operator.notes import Note, post
from outcry_operator.pair import pod, rollout
from outcry_operator.pair.names import ROLE_LABEL, TEMPLATE_ANNOTATION, Pair

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_operator.pair.view import Engines, Pod
    from outcry_operator.world import World

# A step that must not depend on an event alone: a switchover's effect is seen in Consul.
LOOK_AGAIN_SECONDS = 5.0


def step_of(stateful_set: dict[str, Any], pods: Sequence[Pod], engines: Engines) -> rollout.Step:
    """What is due, from the StatefulSet as it is."""
    meta, status = stateful_set["metadata"], stateful_set.get("status", {})
    return rollout.plan(
        template=stateful_set["spec"]["template"]["metadata"]["annotations"][TEMPLATE_ANNOTATION],
        observed=status.get("observedGeneration", 0) >= meta["generation"],
        pods=pods,
        engines=engines,
    )


async def advance(pair: Pair, world: World, step: rollout.Step) -> tuple[str, Problem | None]:
    """Do the step; what the rolling change is at in words, and what stands against it."""
    match step:
        case rollout.Done(words=words) | rollout.Wait(words=words):
            return words, None
        case rollout.Replace(pod=old, words=words):
            await post(pair, world.kube, Note(reason="Rollout", message=words, cause=old.uid))
            await world.kube.delete("Pod", old.name, namespace=pair.namespace, uid=old.uid)
            return words, None
        case rollout.SwitchOver(replica=hot, words=words):
            return await _switch_over(pair, world, f"{hot.address}:{hot.port}", words)


async def _switch_over(pair: Pair, world: World, address: str, words: str) -> tuple[str, Problem | None]:
    try:
        await world.engines.switchover(address, reason=f"rolling change of {pair.name}")
    except OperatorError as error:
        # RefusedError or not, the pair trades on; what is there next time decides anew.
        message = f"{words}: {error}"
        return message, Problem(reason=error.reason, message=message, transient=True)
    return words, None


async def label_roles(pair: Pair, world: World, pods: Sequence[Pod], engines: Engines) -> None:
    """Make the pods' labels say who is hot and who is warm."""
    for one in pods:
        role = role_of(one.name, engines)
        if one.labels.get(ROLE_LABEL, "") != role and not one.deleting:
            await world.kube.merge("Pod", one.name, namespace=pair.namespace, body=pod.role_patch(role))


def role_of(name: str, engines: Engines) -> str:
    """`hot`, `warm`, or nothing."""
    if engines.hot is not None and engines.hot.name == name:
        return "hot"
    return "warm" if engines.replica(name).role == "warm" else ""

"""Changing the pods of a living market: warm first, wait until caught up, switch over, then the other.

Nothing is remembered from step to step. Which pods are outdated is read off the pods, who leads is read off
Consul; a run that comes after any interruption finds the step that is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_operator.pair.names import REPLICAS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_operator.pair.view import Engines, Pod, Replica


@dataclass(frozen=True, kw_only=True)
class Done:
    """All pods are as they should be, or on their way there."""

    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Something must happen first; `words` says what."""

    words: str


@dataclass(frozen=True, kw_only=True)
class Replace:
    """Delete this pod: the StatefulSet makes it again from the new template."""

    pod: Pod
    words: str


@dataclass(frozen=True, kw_only=True)
class SwitchOver:
    """Ask the hot replica to hand over."""

    replica: Replica
    words: str


Step = Done | Wait | Replace | SwitchOver


def plan(  # noqa: PLR0911 - one line a rule
    *, template: str, observed: bool, pods: Sequence[Pod], engines: Engines
) -> Step:
    """The one step that is due.

    `template` is the digest of the pods that are wanted, `observed` whether the StatefulSet's controller has
    seen it: a pod deleted before that comes back as it was.
    """
    outdated = [pod for pod in pods if pod.template != template]
    if not outdated:
        return Done()
    if not observed:
        return Wait(words="waiting for Kubernetes to take up the new pod template")
    leaving = next((pod for pod in pods if pod.deleting), None)
    if leaving is not None:
        return Wait(words=f"waiting until the old {leaving.name} has ended")
    if len(pods) < REPLICAS:
        return Wait(words="waiting until both pods are there")
    hot = engines.hot
    followers = [pod for pod in outdated if hot is None or pod.name != hot.name]
    if hot is None:
        return _without_hot(followers, engines)
    current = [pod for pod in pods if pod.template == template and pod.name != hot.name]
    if followers:
        return _replace_follower(followers[0], hot)
    return _move_on(hot, current[0], engines)


def _without_hot(outdated: Sequence[Pod], engines: Engines) -> Step:
    """Nobody leads: a healthy one is about to; else what doesn't work is replaced."""
    if any(replica.fit or replica.role == "taking_over" for replica in engines.replicas):
        return Wait(words="waiting until a replica is hot")
    broken = outdated[0]
    return Replace(pod=broken, words=f"replacing {broken.name}: no replica is hot")


def _replace_follower(pod: Pod, hot: Replica) -> Step:
    return Replace(pod=pod, words=f"replacing {pod.name} while {hot.name} is hot")


def _move_on(hot: Replica, follower: Pod, engines: Engines) -> Step:
    """The follower is new: once it could take over, it does."""
    replica = engines.replica(follower.name)
    # Its registration may still be that of the pod before it.
    same = replica.address == follower.address
    if not (replica.role == "warm" and replica.caught_up and follower.ready and same):
        why = follower.trouble or replica.reason or ("catching up" if replica.role else "not registered yet")
        return Wait(words=f"waiting until {follower.name} is caught up: {why}")
    return SwitchOver(replica=hot, words=f"switching over from {hot.name} to {follower.name}")

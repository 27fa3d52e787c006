"""From what was found to what `status` says and which Events tell of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem, Verdict, merge
from outcry_operator.models.status import Condition, LastFailover, TradingPairStatus
from outcry_operator.notes import Note
from outcry_operator.pair.conditions import AWAITING, PENDING, TYPES, condition_of, ready

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_operator.pair.names import Pair
    from outcry_operator.pair.view import Engines, Pod, Replica

FAILOVERS = ("takeover", "switchover")


@dataclass(frozen=True, kw_only=True)
class Findings:
    """All that one run learned."""

    engines: Engines | None
    """None: Consul didn't say."""
    pods: Sequence[Pod] = ()
    looked: Problem | None = None
    """Why Consul or Kubernetes didn't say."""
    topics: Verdict | None = None
    """None: not looked at this time; the condition stays what it was."""
    settings: Verdict | None = None
    """What became of the settings; None: nothing is known of any."""
    registered: Problem | None = None
    """What is wrong with the entries that the operator keeps in Consul."""
    blocking: Problem | None = None
    """Anything else that keeps the pair from being what its spec says."""
    rollout: str = ""
    complete: bool = field(default=True)
    """Whether this run got to its end: only then the generation counts as answered."""


def status_of(pair: Pair, found: Findings, *, now: str) -> TradingPairStatus:
    """The whole status."""
    verdicts = _verdicts(pair, found)
    if found.topics is not None:
        verdicts["TopicsReady"] = found.topics
    if found.settings is not None:
        verdicts["SettingsApplied"] = found.settings
    known = {entry.type: entry for entry in pair.status.conditions}
    everything = {
        kind: Verdict(status=entry.status, reason=entry.reason, message=entry.message)
        for kind, entry in known.items()
        if kind not in verdicts
    } | verdicts
    verdicts["Ready"] = ready(everything, blocking=found.blocking)
    if pair.spec.paused:
        verdicts["Ready"] = _told_paused(verdicts["Ready"])
    conditions = merge(pair.status.conditions, verdicts, types=TYPES, generation=pair.generation, now=now)
    return pair.status.model_copy(
        update={
            "observed_generation": pair.generation if found.complete else pair.status.observed_generation,
            "symbol": pair.symbol,
            "conditions": conditions,
            "rollout": found.rollout,
            **_roles(pair, found.engines),
        }
    )


def notes_of(old: TradingPairStatus, new: TradingPairStatus) -> list[Note]:
    """What is worth an Event: who leads, who follows, and conditions that turned."""
    return [*_role_notes(old, new), *_condition_notes(old, new)]


def _roles(pair: Pair, engines: Engines | None) -> dict[str, object]:
    """Who is what; where Consul doesn't say, the last that is known."""
    if engines is None:
        return {}
    old, lock, hot = pair.status, engines.lock, engines.hot
    found: dict[str, object] = {
        "hot": hot.name if hot else "",
        "warm": engines.warm.name if engines.warm else "",
    }
    if hot is None:
        return found
    found["epoch"] = lock.epoch
    last = old.last_failover
    if lock.reason in FAILOVERS and lock.since and (last is None or last.time != lock.since):
        failover = {"time": lock.since, "reason": lock.reason, "from": lock.previous, "to": lock.replica}
        found["last_failover"] = LastFailover.model_validate(failover)
        found["failovers"] = old.failovers + 1
    return found


def _verdicts(pair: Pair, found: Findings) -> dict[str, Verdict]:
    if found.engines is None:
        unknown = (found.looked or Problem(reason="Unknown", message="", status="Unknown")).verdict
        kinds = ("HotReady", "WarmReady", "CaughtUp", "FailoverRegistered")
        return dict.fromkeys(kinds, unknown)
    engines = found.engines
    return {
        "HotReady": _hot(pair, engines, found.pods),
        "WarmReady": _warm(pair, engines, found.pods),
        "CaughtUp": _caught_up(pair, engines),
        "Pinned": _pinned(pair, engines),
        "FailoverRegistered": _registered(pair, engines, found.registered),
    }


def _hot(pair: Pair, engines: Engines, pods: Sequence[Pod]) -> Verdict:
    hot = engines.hot
    if hot is not None:
        words = f"{hot.name} publishes under epoch {engines.lock.epoch}"
        return Verdict(status="True", reason="Hot", message=words)
    if engines.lock.held:
        holder = engines.replica(engines.lock.replica)
        words = f"{holder.name} holds the lock and is {holder.role or 'not registered'}"
        return Verdict(status="False", reason="TakingOver", message=words)
    words = "; ".join(_why(name, engines, pods) for name in pair.replicas)
    return Verdict(status="False", reason="NoHot", message=f"nobody holds the lock: {words}")


def _warm(pair: Pair, engines: Engines, pods: Sequence[Pod]) -> Verdict:
    warm, hot = engines.warm, engines.hot
    if warm is not None:
        return Verdict(status="True", reason="Warm", message=f"{warm.name} follows")
    others = [name for name in pair.replicas if hot is None or name != hot.name]
    words = "; ".join(_why(name, engines, pods) for name in others)
    return Verdict(status="False", reason="NoWarm", message=words)


def _caught_up(pair: Pair, engines: Engines) -> Verdict:
    behind = [name for name in pair.replicas if not engines.replica(name).fit]
    if not behind:
        return Verdict(status="True", reason="CaughtUp", message="both replicas are at the end of the input")
    return Verdict(status="False", reason="CatchingUp", message=f"not yet: {', '.join(behind)}")


def _pinned(pair: Pair, engines: Engines) -> Verdict:
    if pair.spec.engine.cpu_policy == "Shared":
        return Verdict(status="False", reason="SharedCPU", message="cpuPolicy is Shared: nothing is pinned")
    running = [replica for replica in engines.replicas if replica.role]
    if not running:
        return Verdict(status="Unknown", reason="NotRunning", message="no engine has said yet")
    loose = [replica for replica in running if not replica.pinned]
    if loose:
        words = "; ".join(f"{replica.name}: {replica.pinned_reason}" for replica in loose)
        return Verdict(status="False", reason="NotPinned", message=words)
    words = ", ".join(replica.name for replica in running)
    return Verdict(status="True", reason="Pinned", message=f"{words}: a CPU of its own each")


def _registered(pair: Pair, engines: Engines, problem: Problem | None) -> Verdict:
    if problem is not None:
        return problem.verdict
    hot = engines.hot
    if hot is None:
        words = f"prepared query {pair.engine} resolves to nobody: no replica is hot"
        return Verdict(status="False", reason="NoHot", message=words)
    words = f"prepared query {pair.engine} resolves to {hot.name} at {hot.address}:{hot.port}"
    return Verdict(status="True", reason="Registered", message=words)


def _why(name: str, engines: Engines, pods: Sequence[Pod]) -> str:
    replica: Replica = engines.replica(name)
    pod = next((pod for pod in pods if pod.name == name), None)
    if replica.role:
        return f"{name} is {replica.role}" + (f" ({replica.reason})" if replica.reason else "")
    if pod is None:
        return f"{name} has no pod"
    if pod.deleting:
        return f"{name} is ending"
    return f"{name} isn't registered" + (f" ({pod.trouble})" if pod.trouble else "")


def _told_paused(verdict: Verdict) -> Verdict:
    words = f"paused: nothing is put right; {verdict.message}"
    return Verdict(status=verdict.status, reason=verdict.reason, message=words)


def _role_notes(old: TradingPairStatus, new: TradingPairStatus) -> list[Note]:
    notes = []
    last = new.last_failover
    if last is not None and last != old.last_failover:
        origin = f" from {last.from_}" if last.from_ else ""
        notes.append(
            Note(
                reason="Switchover" if last.reason == "switchover" else "Failover",
                message=f"{last.to} is hot under epoch {new.epoch}: {last.reason}{origin} at {last.time}",
                cause=last.time,
                kind="Normal" if last.reason == "switchover" else "Warning",
            )
        )
    elif new.hot and new.hot != old.hot:
        notes.append(
            Note(reason="Hot", message=f"{new.hot} is hot under epoch {new.epoch}", cause=f"{new.epoch}")
        )
    if new.warm and new.warm != old.warm:
        notes.append(
            Note(reason="Warm", message=f"{new.warm} follows as warm", cause=f"{new.warm} {new.epoch}")
        )
    return notes


def _condition_notes(old: TradingPairStatus, new: TradingPairStatus) -> list[Note]:
    notes = []
    for entry in new.conditions:
        before = condition_of(old, entry.type)
        if _worth_telling(before, entry):
            since = before.last_transition_time if before else "the beginning"
            notes.append(
                Note(
                    reason=entry.reason if entry.status != "True" else entry.type,
                    message=f"{entry.type} is {entry.status}: {entry.message}",
                    cause=f"{entry.type} {entry.status} {since}",
                    kind="Normal" if entry.status == "True" else "Warning",
                )
            )
    return notes


def _worth_telling(before: Condition | None, now: Condition) -> bool:
    """A turn to True always; another turn, or another reason, only where it wasn't so from the start."""
    if now.reason in (PENDING, AWAITING):
        return False
    if before is None:
        return now.status == "True" or now.type == "TopicsReady"
    if before.status != now.status:
        return True
    return now.status != "True" and before.reason != now.reason and now.type in ("Ready", "TopicsReady")

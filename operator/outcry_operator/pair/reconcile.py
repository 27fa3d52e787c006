"""One run over one pair: look, decide, do, tell.

The order guards the data: nothing is made before the topics are known to be good, so that engines never
meet a log that isn't theirs; and who is hot is told before Kafka is asked anything, because a Kafka that
doesn't answer takes seconds and a failover must be seen at once.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from outcry_operator.conditions import Problem, Verdict
from outcry_operator.custom_object import FINALIZER, OWNED
from outcry_operator.errors import OperatorError
from outcry_operator.models.tradingpair import KIND
from outcry_operator.notes import utc_now
from outcry_operator.outcome import Outcome
from outcry_operator.pair import (
    answers,
    cancel_all,
    children,
    claim,
    deletion,
    market_settings,
    query,
    report,
    retained,
    roll,
    topics,
)
from outcry_operator.pair.conditions import AWAITING, condition_of
from outcry_operator.pair.names import PAIR_LABEL, Key, Pair
from outcry_operator.pair.report import Findings
from outcry_operator.pair.status import write_status
from outcry_operator.pair.view import Engines, look, look_at_pods

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outcry_operator.world import World


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A run on its way: the pair as last written, what was found, and what went wrong."""

    pair: Pair
    found: Findings
    problems: tuple[Problem, ...] = ()

    def having(self, *problems: Problem | None) -> Progress:
        """The same with more problems."""
        return replace(self, problems=(*self.problems, *(problem for problem in problems if problem)))


async def reconcile(key: Key, world: World) -> Outcome:
    """Bring the pair one run nearer to its spec; raises what Kubernetes refuses or can't answer."""
    body = await world.kube.get(KIND, key.name, namespace=key.namespace)
    if body is None:
        return Outcome(gone=True)
    pair = Pair.read(body)
    if pair.deleting and not pair.spec.paused:
        return await deletion.run(pair, world)
    taken = await claim.check(pair, world)
    if taken is not None:
        # Whatever Consul says under this name is of the other pair.
        found = Findings(engines=Engines(), topics=taken.verdict, blocking=taken)
        return await _tell(Progress(pair=pair, found=found).having(taken), world)
    progress = await _look(pair, world)
    if not pair.spec.paused:
        progress = await _put_right(await _tell_roles(progress, world), world)
    return await _tell(progress, world)


async def _look(pair: Pair, world: World) -> Progress:
    pods = await look_at_pods(pair, world, selector=f"{PAIR_LABEL}={pair.name},{OWNED}")
    try:
        found = Findings(engines=await look(pair, world), pods=pods)
    except OperatorError as error:
        problem = Problem.of(error)
        return Progress(pair=pair, found=Findings(engines=None, pods=pods, looked=problem)).having(problem)
    return Progress(pair=pair, found=found)


async def _tell_roles(progress: Progress, world: World) -> Progress:
    """Write who is hot, if that changed, before anything else is done."""
    pair = progress.pair
    early = report.status_of(
        pair, replace(progress.found, complete=False, rollout=pair.status.rollout), now=utc_now()
    )
    if (early.hot, early.last_failover) == (pair.status.hot, pair.status.last_failover):
        return progress
    written = await write_status(pair, world, early, report.notes_of(pair.status, early))
    return replace(progress, pair=written)


async def _put_right(progress: Progress, world: World) -> Progress:
    progress = replace(progress, pair=await _hold(progress.pair, world))
    progress = await _ensure_topics(progress, world)
    stateful_set = await world.kube.get(
        "StatefulSet", progress.pair.engine, namespace=progress.pair.namespace
    )
    verdict = progress.found.topics
    good = verdict is not None and verdict.status == "True"
    if not good and stateful_set is None:
        return progress
    if good:
        progress = await _send_commands(progress, world)
    progress = await _ensure_objects(progress, world, stateful_set, good=good)
    progress = await _register(progress, world)
    return await _label(progress, world)


async def _hold(pair: Pair, world: World) -> Pair:
    """Put the finalizer on: what lives outside Kubernetes must not be forgotten."""
    if FINALIZER in pair.finalizers or pair.deleting:
        return pair
    meta = {"resourceVersion": pair.resource_version, "finalizers": [*pair.finalizers, FINALIZER]}
    body = await world.kube.merge(KIND, pair.name, namespace=pair.namespace, body={"metadata": meta})
    return Pair.read(body)


async def _ensure_topics(progress: Progress, world: World) -> Progress:
    pair = progress.pair
    try:
        pair, problem = await topics.ensure(await retained.recall(pair, world), world)
    except OperatorError as error:
        problem = Problem.of(error)
    if problem is None:
        words = f"{', '.join(pair.topics)}: one partition each"
        verdict = Verdict(status="True", reason="TopicsReady", message=words)
    else:
        verdict = problem.verdict
    found = replace(progress.found, topics=verdict)
    return replace(progress, pair=pair, found=found).having(problem)


async def _send_commands(progress: Progress, world: World) -> Progress:
    """The settings, a request to cancel all orders, and what the core answered to them."""
    pair, found = progress.pair, progress.found
    opened = pair.status.settings is not None
    todo = market_settings.plan(pair, found.engines)
    try:
        pair = await market_settings.ensure_command(pair, world, todo)
        pair = await cancel_all.ensure(pair, world, opened=opened)
        pair = await answers.hear(pair, world)
    except OperatorError as error:
        problem = Problem.of(error)
        found = replace(found, settings=problem.verdict, blocking=found.blocking or problem)
        return replace(progress, pair=pair, found=found).having(problem)
    found = replace(found, settings=market_settings.verdict(pair, todo.waiting))
    return replace(progress, pair=pair, found=found).having(todo.waiting)


async def _ensure_objects(
    progress: Progress, world: World, stateful_set: dict[str, Any] | None, *, good: bool
) -> Progress:
    """The pair's objects, then the step of a rolling change that is due."""
    pair, found = progress.pair, progress.found
    # While nobody knows whether the topics are good, engines that run go on, and those kept out stay out.
    kept_out = not good and (
        _lost(found.topics) or (stateful_set is not None and stateful_set["spec"].get("replicas") == 0)
    )
    try:
        await children.ensure_around(pair, world)
        now = await children.ensure_engines(pair, world, kept_out=kept_out)
        if found.engines is None or kept_out:
            return progress
        step = roll.step_of(now, found.pods, found.engines)
        words, problem = await roll.advance(pair, world, step)
    except OperatorError as error:
        problem, words = Problem.of(error), ""
        found = replace(found, blocking=found.blocking or problem)
    return replace(progress, found=replace(found, rollout=words)).having(problem)


def _lost(verdict: Verdict | None) -> bool:
    return verdict is not None and verdict.reason == topics.LOST


async def _register(progress: Progress, world: World) -> Progress:
    """Consul: the settings for the services, the query for everybody."""
    problem = await _tried([market_settings.ensure_key, query.ensure], progress.pair, world)
    return replace(progress, found=replace(progress.found, registered=problem)).having(problem)


async def _label(progress: Progress, world: World) -> Progress:
    found = progress.found
    if found.engines is None:
        return progress
    try:
        await roll.label_roles(progress.pair, world, found.pods, found.engines)
    except OperatorError as error:
        return progress.having(Problem.of(error))
    return progress


async def _tried(
    steps: Sequence[Callable[[Pair, World], Awaitable[None]]], pair: Pair, world: World
) -> Problem | None:
    for step in steps:
        try:
            await step(pair, world)
        except OperatorError as error:
            return Problem.of(error)
    return None


def _answer_is_due(found: Findings) -> bool:
    """Nobody tells when the events hold the answer, so it is looked for again, later each time."""
    awaited = found.settings is not None and found.settings.reason == AWAITING
    return awaited and found.engines is not None and found.engines.hot is not None


async def _tell(progress: Progress, world: World) -> Outcome:
    pair, found, problems = progress.pair, progress.found, progress.problems
    status = report.status_of(pair, found, now=utc_now())
    pair = await write_status(pair, world, status, report.notes_of(pair.status, status))
    ready = condition_of(pair.status, "Ready")
    waits = [problem.retry_seconds for problem in problems if problem.retry_seconds is not None]
    return Outcome(
        ready=ready.status if ready else "Unknown",
        failed=tuple(problem.reason for problem in problems),
        back_off=any(problem.transient for problem in problems) or _answer_is_due(found),
        again_seconds=min(waits, default=None),
    )

"""One run over one wallet: look, decide, do, tell.

The order guards the keys. A signer's storage key is there before its disk is; an identity is pinned, for
good, before any signer is told of it; a ceremony begins when all three run with the same pins. Steps
remember nothing: whatever a killed operator left behind, the next run sees it and goes on from there.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from outcry_operator import drift
from outcry_operator.conditions import Problem
from outcry_operator.custom_object import FINALIZER
from outcry_operator.errors import KubeError, OperatorError
from outcry_operator.models.wallet import KIND
from outcry_operator.notes import utc_now
from outcry_operator.outcome import Outcome
from outcry_operator.wallet import ceremony, deletion, objects, pins, register, report, requests, roll
from outcry_operator.wallet.names import SIGNERS, Wallet, WalletKey
from outcry_operator.wallet.report import Findings
from outcry_operator.wallet.secret_objects import ensure_certificates, ensure_storage_keys
from outcry_operator.wallet.status import tell_reconciled, write_status
from outcry_operator.wallet.view import look

if TYPE_CHECKING:
    from outcry_operator.wallet.ceremony import Kept
    from outcry_operator.wallet.pins import Pins
    from outcry_operator.wallet.secret_objects import Certificates
    from outcry_operator.world import World

FORBIDDEN = 403


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A run on its way: the wallet, what is kept of it, what was found, and what went wrong."""

    wallet: Wallet
    pins: Pins
    kept: Kept
    found: Findings

    def having(self, *problems: Problem | None, **found: object) -> Progress:
        """The same with more problems, and with more found."""
        more = tuple(problem for problem in problems if problem is not None)
        findings = replace(self.found, problems=(*self.found.problems, *more), **found)  # type: ignore[arg-type]
        return replace(self, found=findings)


async def reconcile(key: WalletKey, world: World) -> Outcome:
    """Bring the wallet one run nearer to its spec; raises what Kubernetes can't answer."""
    body = await world.kube.get(KIND, key.name, namespace=key.namespace)
    if body is None:
        return Outcome(gone=True)
    wallet = Wallet.read(body)
    if wallet.deleting:
        return await deletion.run(wallet, world)
    wallet = await _hold(wallet, world)
    try:
        progress = await _look(wallet, world)
    except KubeError as error:
        if error.status == FORBIDDEN:
            return await _stay_out(wallet, world, error)
        raise
    try:
        progress = await _put_right(progress, world)
    except OperatorError as error:
        progress = progress.having(Problem.of(error))
    progress = await _register(progress, world)
    progress = await _read_numbers(progress, world)
    return await _tell(progress, world)


async def _hold(wallet: Wallet, world: World) -> Wallet:
    """Put the finalizer on: the entries in Consul must not be forgotten."""
    if FINALIZER in wallet.finalizers:
        return wallet
    meta = {"resourceVersion": wallet.resource_version, "finalizers": [*wallet.finalizers, FINALIZER]}
    body = await world.kube.merge(KIND, wallet.name, namespace=wallet.namespace, body={"metadata": meta})
    return Wallet.read(body)


async def _stay_out(wallet: Wallet, world: World, error: KubeError) -> Outcome:
    """The chart gave no rights in this namespace: say so where a person looks."""
    words = (
        f"the operator has no rights here: add {wallet.namespace} to the chart's wallets.namespaces; {error}"
    )
    problem = Problem(reason=error.reason, message=words)
    await tell_reconciled(wallet, world, problem)
    return Outcome(failed=(problem.reason,), back_off=True)


async def _look(wallet: Wallet, world: World) -> Progress:
    seen = await look(wallet, world)
    known, kept = await pins.load(wallet, world), await ceremony.load(wallet, world)
    found = Findings(seen=seen, identities=known.identities, key=kept.key, ceremony=wallet.status.ceremony)
    return Progress(wallet=wallet, pins=known, kept=kept, found=found)


async def _put_right(progress: Progress, world: World) -> Progress:
    wallet = progress.wallet
    for body in objects.around(wallet, world.settings):
        await drift.ensure(body, world.kube)
    lost = await ensure_storage_keys(wallet, world, pinned=progress.pins.identities)
    progress = progress.having(lost, **({"quorum": lost} if lost else {}))
    certificates = await ensure_certificates(wallet, world, now=datetime.datetime.now(datetime.UTC))
    until = certificates.until.strftime("%Y-%m-%dT%H:%M:%SZ")
    progress = await _pin(progress.having(certificates_until=until), world)
    progress = await _run_signers(progress, world, certificates)
    progress = await _hold_ceremony(progress, world)
    return await _run_service(progress, world, certificates)


async def _pin(progress: Progress, world: World) -> Progress:
    """Whom the signers are told to believe one another to be."""
    wallet, kept = progress.wallet, progress.kept
    request = requests.parse(wallet.request) if ceremony.is_open(wallet) else None
    # A replacement ends with a new epoch, so that the same words later are another request.
    token = f"{wallet.uid} {wallet.request} {ceremony.epoch_of(wallet, kept)}"
    told = progress.found.seen.identities
    plan = pins.plan(progress.pins, told, request, generated=kept.key is not None, token=token)
    if plan.pins.complete:
        await pins.ensure(progress.wallet, world, plan.pins)
    progress = replace(progress, pins=plan.pins).having(identities=plan.pins.identities)
    if plan.problem is None:
        return progress
    # That a first start takes a moment is nobody's problem.
    problems = [plan.problem] if plan.problem.status == "False" else []
    return progress.having(*problems, quorum=plan.problem)


async def _run_signers(progress: Progress, world: World, certificates: Certificates) -> Progress:
    """What each signer is told, and their StatefulSets as far as it is their turn."""
    wallet, pinned = progress.wallet, progress.pins.identities
    signers = {}
    for index in SIGNERS:
        await drift.ensure(objects.signer_map(wallet, index, pinned), world.kube)
        config = objects.signer_config(wallet, index, pinned, certificates.serials[f"signer-{index}"])
        body = drift.stamped(objects.stateful_set(wallet, world.settings, index, config=config))
        found = await world.kube.get("StatefulSet", wallet.signer(index), namespace=wallet.namespace)
        signers[index] = roll.Signer(found=found, wanted=body, pod=progress.found.seen.signers.get(index))
    step = roll.step_of(signers, generated=progress.kept.key is not None)
    for index in step.write:
        await world.kube.apply(signers[index].wanted)
    ready = {index: signer.ready for index, signer in signers.items()}
    return progress.having(ready=ready, rollout=step.waiting)


async def _hold_ceremony(progress: Progress, world: World) -> Progress:
    """The ceremony that is asked for, as far as it goes now."""
    wallet = progress.wallet
    ready = {index: good and progress.pins.complete for index, good in progress.found.ready.items()}
    state = ceremony.due(wallet, progress.kept, ready=ready)
    if state is None:
        return progress
    state, kept = await ceremony.carry_out(wallet, world, state, progress.kept, progress.pins)
    return replace(progress, kept=kept).having(ceremony=state, key=kept.key)


async def _run_service(progress: Progress, world: World, certificates: Certificates) -> Progress:
    """The wallet service: without a key it looks at its nodes, and waits."""
    wallet = progress.wallet
    await drift.ensure(objects.service_map(wallet), world.kube)
    body = objects.deployment(wallet, world.settings, serial=certificates.serials["wallet"])
    await drift.ensure(body, world.kube)
    return progress


async def _register(progress: Progress, world: World) -> Progress:
    try:
        await register.ensure(progress.wallet, world, progress.kept.key)
    except OperatorError as error:
        return progress.having(Problem.of(error))
    return progress


async def _read_numbers(progress: Progress, world: World) -> Progress:
    """What the wallet service says of itself; that it doesn't is told, and hinders nothing."""
    pod = progress.found.seen.service
    if pod is None or not pod.address:
        words = f"the wallet service doesn't run{f': {pod.trouble}' if pod and pod.trouble else ''}"
        return progress.having(unsaid=Problem(reason="NotRunning", message=words, status="Unknown"))
    try:
        return progress.having(numbers=await world.wallets.read(pod.page))
    except OperatorError as error:
        return progress.having(unsaid=Problem.of(error))


async def _tell(progress: Progress, world: World) -> Outcome:
    wallet, problems = progress.wallet, progress.found.problems
    status = report.status_of(wallet, progress.found, now=utc_now())
    wallet = await write_status(wallet, world, status, report.notes_of(wallet.status, status))
    quorum = report.condition_of(wallet.status, "QuorumReady")
    return Outcome(
        ready=quorum.status if quorum else "Unknown",
        failed=tuple(problem.reason for problem in problems),
        back_off=any(problem.transient for problem in problems),
    )

"""Taking a wallet down: the service first, then the signers, then the entries in Consul. Keys stay.

What is never deleted: the signers' disks, the keys under which they are encrypted, the pinned identities,
and the ceremonies' record. The same wallet applied again goes on with them. Everything else is owned by the
wallet, and Kubernetes removes it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem
from outcry_operator.custom_object import FINALIZER
from outcry_operator.errors import OperatorError
from outcry_operator.models.wallet import KIND
from outcry_operator.notes import Note, post
from outcry_operator.outcome import Outcome
from outcry_operator.wallet import register
from outcry_operator.wallet.names import SIGNERS, WALLET_LABEL, Wallet
from outcry_operator.wallet.status import tell_reconciled

if TYPE_CHECKING:
    from outcry_operator.world import World

PODS_SECONDS = 5.0


async def run(wallet: Wallet, world: World) -> Outcome:
    """One run; `gone` once the finalizer is off."""
    if FINALIZER not in wallet.finalizers:
        return Outcome(gone=True)
    try:
        waiting = await _take_down(wallet, world)
    except OperatorError as error:
        problem = Problem.of(error)
        await tell_reconciled(wallet, world, replace(problem, message=f"deleting: {problem.message}"))
        return Outcome(failed=(problem.reason,), back_off=True)
    if waiting is not None:
        await tell_reconciled(wallet, world, waiting)
        return Outcome(failed=(waiting.reason,), again_seconds=waiting.retry_seconds)
    await _let_go(wallet, world)
    return Outcome(gone=True)


async def _take_down(wallet: Wallet, world: World) -> Problem | None:
    """All steps as far as they go; what is waited for."""
    await register.remove(wallet, world)
    await world.kube.delete("Deployment", wallet.base, namespace=wallet.namespace)
    for job in await world.kube.list(
        "Job", namespace=wallet.namespace, labels=f"{WALLET_LABEL}={wallet.name}"
    ):
        await world.kube.delete("Job", job["metadata"]["name"], namespace=wallet.namespace)
    for index in SIGNERS:
        await world.kube.delete("StatefulSet", wallet.signer(index), namespace=wallet.namespace)
    pods = await world.kube.list("Pod", namespace=wallet.namespace, labels=f"{WALLET_LABEL}={wallet.name}")
    if not pods:
        return None
    words = ", ".join(sorted(pod["metadata"]["name"] for pod in pods))
    return Problem(reason="Deleting", message=f"waiting until {words} ended", retry_seconds=PODS_SECONDS)


async def _let_go(wallet: Wallet, world: World) -> None:
    words = (
        "the signers' disks, their storage keys, identities and the ceremonies' record are kept; the same "
        "wallet applied again goes on with them"
    )
    await post(wallet, world.kube, Note(reason="Deleted", message=words, cause="deletion"))
    body = await world.kube.get(KIND, wallet.name, namespace=wallet.namespace)
    if body is None or body["metadata"]["uid"] != wallet.uid:
        return
    finalizers = [name for name in wallet.finalizers if name != FINALIZER]
    meta = {"resourceVersion": body["metadata"]["resourceVersion"], "finalizers": finalizers}
    await world.kube.merge(KIND, wallet.name, namespace=wallet.namespace, body={"metadata": meta})

"""Writing a wallet's `status`, after the Events about what changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from outcry_operator.conditions import Problem, merge
from outcry_operator.models.wallet import KIND
from outcry_operator.models.wallet_status import WalletStatus
from outcry_operator.notes import Note, changes, post, utc_now
from outcry_operator.wallet.report import TYPES, condition_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_operator.wallet.names import Wallet
    from outcry_operator.world import World


async def write_status(wallet: Wallet, world: World, status: WalletStatus, notes: Iterable[Note]) -> Wallet:
    """Say what changed, then write it, to this very object alone; nothing where nothing changed."""
    for note in notes:
        await post(wallet, world.kube, note)
    patch = changes(wallet.status, status)
    if not patch:
        return wallet
    answer = await world.kube.merge(
        KIND,
        wallet.name,
        namespace=wallet.namespace,
        body={"metadata": {"uid": wallet.uid}, "status": patch},
        subresource="status",
    )
    written = WalletStatus.model_validate(answer.get("status", {}))
    return replace(wallet, status=written, resource_version=answer["metadata"]["resourceVersion"])


async def tell_reconciled(wallet: Wallet, world: World, problem: Problem) -> None:
    """Say in `Reconciled` alone what keeps the wallet from its spec; all else stays as it was."""
    verdict = replace(problem.verdict, status="False")
    conditions = merge(
        wallet.status.conditions,
        {"Reconciled": verdict},
        types=TYPES,
        generation=wallet.generation,
        now=utc_now(),
    )
    before = condition_of(wallet.status, "Reconciled")
    notes = []
    if before is None or before.reason != verdict.reason:
        cause = f"{verdict.reason} {before.last_transition_time if before else ''}"
        kind: Literal["Normal", "Warning"] = "Normal" if verdict.reason == "Deleting" else "Warning"
        notes = [Note(reason=verdict.reason, message=verdict.message, cause=cause, kind=kind)]
    status = wallet.status.model_copy(update={"conditions": conditions})
    await write_status(wallet, world, status, notes)

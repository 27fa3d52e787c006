"""Writing a wallet's `status`, after the Events about what changed in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from outcry_operator.models.wallet import KIND
from outcry_operator.models.wallet_status import WalletStatus
from outcry_operator.notes import Note, changes, post

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

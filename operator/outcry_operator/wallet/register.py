"""Consul: what others may know of a wallet, and where its service is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from outcry_operator.wallet.names import GRPC_PORT, METRICS_PORT

if TYPE_CHECKING:
    from outcry_operator.models.wallet_status import KeyRecord
    from outcry_operator.wallet.names import Wallet
    from outcry_operator.world import World

CHECK_INTERVAL = "10s"


def key_value(wallet: Wallet, key: KeyRecord | None) -> bytes:
    """The entry: what a service or a person asks for. No limit, no node, no secret."""
    spec = wallet.spec
    told = {
        "name": wallet.name,
        "namespace": wallet.namespace,
        "chain": spec.chain,
        "network": spec.network,
        "paused": spec.paused,
        "grpc": f"{wallet.base}.{wallet.namespace}.svc:{GRPC_PORT}",
        "publicKey": key.public_key if key else "",
        "epoch": key.epoch if key else 0,
        "assets": [
            {
                "asset": asset.asset,
                "type": asset.type,
                "contract": asset.contract,
                "scale": asset.scale,
                "chainScale": asset.chain_scale,
                "confirmations": asset.confirmations,
            }
            for asset in spec.assets
        ],
    }
    return json.dumps(told, sort_keys=True).encode()


def entry(wallet: Wallet) -> dict[str, Any]:
    """The service's registration; Consul asks the service itself whether it is ready."""
    host = f"{wallet.base}.{wallet.namespace}.svc"
    return {
        "ID": f"{wallet.base}.{wallet.namespace}",
        "Name": wallet.base,
        "Address": host,
        "Port": GRPC_PORT,
        "Tags": [wallet.spec.chain, wallet.spec.network],
        "Meta": {"namespace": wallet.namespace, "chain": wallet.spec.chain, "network": wallet.spec.network},
        "Check": {
            "CheckID": f"{wallet.base}.{wallet.namespace}-ready",
            "Name": "ready",
            "HTTP": f"http://{host}:{METRICS_PORT}/readyz",
            "Interval": CHECK_INTERVAL,
            "Timeout": "2s",
        },
    }


async def ensure(wallet: Wallet, world: World, key: KeyRecord | None) -> None:
    """Put both entries into Consul, where they are missing or other."""
    wanted = key_value(wallet, key)
    found = await world.consul.get_key(wallet.settings_key)
    if found is None or found.value != wanted:
        await world.consul.put_key(wallet.settings_key, wanted)
    body = entry(wallet)
    instances = await world.consul.instances(wallet.base)
    ours = [instance for instance in instances if instance.id == body["ID"]]
    if not ours or (ours[0].address, ours[0].meta) != (body["Address"], body["Meta"]):
        await world.consul.register(body)


async def remove(wallet: Wallet, world: World) -> None:
    """Take both away."""
    for instance in await world.consul.instances(wallet.base):
        if instance.id == entry(wallet)["ID"]:
            await world.consul.deregister(instance)
    await world.consul.delete_key(wallet.settings_key)

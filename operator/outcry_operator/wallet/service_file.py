"""`wallet.json`: what the wallet service is told (docs/services/wallet.md). Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.wallet.names import SIGNERS
from outcry_operator.wallet.units import chain_units, coin_units, seconds

if TYPE_CHECKING:
    from outcry_operator.models.wallet import Node
    from outcry_operator.wallet.names import Wallet

FOLDER, FILE = "/etc/outcry/wallet", "wallet.json"
RATE_UNITS = {"ethereum": 10**9}
"""A unit of `fees.maxRate` in the service's: gwei in wei."""

TLS_DIR, NODES_DIR = "/secrets/tls", "/secrets/nodes"


def service_file(wallet: Wallet) -> dict[str, Any]:
    """The file's content. It holds no secret: where one is needed, it names the file."""
    spec = wallet.spec
    fees = {
        "target_blocks": spec.fees.target_blocks,
        "max_fee_per_withdrawal": coin_units(wallet, spec.fees.max_per_withdrawal),
        "bump_after_seconds": seconds(spec.fees.bump_after),
    }
    if spec.fees.max_rate is not None:
        fees["max_rate"] = spec.fees.max_rate * RATE_UNITS.get(spec.chain, 1)
    if spec.chain == "ethereum":
        fees["gas_top_up"] = coin_units(wallet, spec.fees.gas_top_up)
    return {
        "name": wallet.name,
        "chain": spec.chain,
        "network": spec.network,
        "nodes": pool_settings(wallet),
        "assets": [
            {
                "asset": asset.asset,
                "contract": asset.contract or None,
                "scale": asset.scale,
                "chain_scale": asset.chain_scale,
                "confirmations": asset.confirmations,
                "dust": chain_units(asset.dust, asset.chain_scale),
            }
            for asset in spec.assets
            # Of Solana's tokens the signers know already, and the service can't pay them yet.
            if spec.chain != "solana" or asset.type == "Native"
        ],
        "signers": {str(index): wallet.address(index) for index in SIGNERS},
        "tls": {
            "authority_file": f"{TLS_DIR}/ca.crt",
            "certificate_file": f"{TLS_DIR}/tls.crt",
            "key_file": f"{TLS_DIR}/tls.key",
        },
        "fees": fees,
        "hot": {
            "minimum": coin_units(wallet, spec.hot.minimum),
            "target": coin_units(wallet, spec.hot.target),
            "maximum": coin_units(wallet, spec.hot.maximum),
        },
        "cold": list(spec.cold),
        "batch": {"most": spec.batch.most, "seconds": seconds(spec.batch.interval)},
        "nonces": list(spec.nonce_accounts),
        "paused": spec.paused,
    }


def pool_settings(wallet: Wallet) -> dict[str, Any]:
    """The node pool's part; what isn't set is left to the chain's own defaults."""
    spec, pool = wallet.spec, wallet.spec.pool
    settings: dict[str, Any] = {
        "chain": spec.chain,
        "network": spec.network,
        "nodes": [_node(node) for node in spec.nodes],
        "min_peers": pool.min_peers,
        "probe_seconds": seconds(pool.probe_interval),
        "timeout": seconds(pool.timeout),
    }
    optional = {
        "chain_id": spec.chain_id,
        "genesis": spec.genesis or None,
        "max_lag": pool.max_lag,
        "settled": pool.settled,
    }
    return settings | {name: value for name, value in optional.items() if value is not None}


def _node(node: Node) -> dict[str, Any]:
    told: dict[str, Any] = {"name": node.name, "url": node.url, "weight": node.weight}
    folder = f"{NODES_DIR}/{node.name}"
    if node.credentials is not None:
        told |= {
            "credentials_file": f"{folder}/credentials",
            "credentials": node.credentials.scheme.lower(),
        }
    if node.authority is not None:
        told["authority_file"] = f"{folder}/authority"
    return told

"""A wallet of Ethereum: its settings, its signers' policy, and accounts to pay to."""

from __future__ import annotations

import itertools
import secrets
import uuid

from outcry_services.common.addresses.ethereum import checksummed
from outcry_services.wallet.settings import WalletFile

from e2e.backends import GethServer

ETHER = 10**18
TOKEN = "0x00000000000000000000000000000000000c0de0"
"""Where tests put a token's code."""
GAS_TOP_UP = 10**15
_names = itertools.count()


def ether_policy_of(risk):
    """What signers allow."""
    plenty = str(10**24)
    return {
        "risk_keys": {"risk-1": risk.public_key},
        "ethereum": {
            "chain_id": GethServer.chain_id,
            "max_fee": str(10**17),
            "max_fee_per_day": str(10**20),
            "gas_top_up": str(GAS_TOP_UP),
            "cold": [],
            "assets": {
                asset: {"per_withdrawal": plenty, "per_day": plenty, "per_address_per_day": plenty}
                for asset in ("ETH", f"USDT@{TOKEN}")
            },
        },
    }


def ether_file(node, quorum, **changes):
    """A wallet's settings over one node."""
    return WalletFile.model_validate(ether_fields(node, quorum) | changes)


def ether_fields(node, quorum):
    """The same as the operator writes it."""
    genesis = node.rpc("eth_getBlockByNumber", "0x0", False)["hash"]
    pool = {
        "chain": "ethereum",
        "network": "dev",
        "chain_id": GethServer.chain_id,
        "genesis": genesis,
        "min_peers": 0,
        "timeout": 30,
        "nodes": [{"name": "node", "url": node.url}],
    }
    asset = {"asset": "ETH", "scale": 8, "chain_scale": 18, "confirmations": 2, "dust": "10000000000"}
    token = {"asset": "USDT", "contract": TOKEN, "scale": 8, "chain_scale": 6, "confirmations": 2}
    return {
        "name": f"e{next(_names)}-{uuid.uuid4().hex[:8]}",
        "chain": "ethereum",
        "network": "dev",
        "nodes": pool,
        "assets": [asset, token],
        "signers": quorum.targets,
        "tls": quorum.tls,
        "fees": {
            "max_fee_per_withdrawal": str(10**16),
            "max_rate": 10**11,
            # More than signers allow.
            "gas_top_up": str(10 * GAS_TOP_UP),
            "bump_after_seconds": 600,
        },
        "batch": {"most": 50, "seconds": 0},
    }


def token_code(*, reverts=False):
    """A token of which everybody has 10^12 units: `transfer` tells of what it moves, or undoes it."""
    events = bytes.fromhex(
        "602435600052600435337fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60206000a300"
    )
    moved = bytes.fromhex("60006000fd") if reverts else events
    # CALLDATASIZE is 36 for balanceOf(address): JUMPI to the constant behind the rest.
    asked = bytes.fromhex("36602414") + bytes([0x60, 7 + len(moved), 0x57])
    constant = bytes.fromhex("5b64e8d4a5100060005260206000f3")
    return f"0x{(asked + moved + constant).hex()}"


def somebody():
    """An address that has nothing."""
    return checksummed(secrets.token_bytes(20))


def balance(node, address):
    """Wei."""
    return int(node.rpc("eth_getBalance", address, "latest"), 16)

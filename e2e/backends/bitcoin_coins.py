"""Coins of a regtest whose blocks pay to anybody (P2WSH of OP_TRUE, BIP-141), spent without a key."""

from __future__ import annotations

import struct
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

__all__ = ["OP_TRUE", "P2WSH_OP_TRUE", "Output", "pay_from_coinbases", "spend"]

OP_TRUE = b"\x51"
P2WSH_OP_TRUE = b"\x00\x20" + sha256(OP_TRUE).digest()
MATURE = 100
"""Blocks on top of a new coin before it may be spent."""
FEE = 1_000
"""Satoshi: some times what any node asks for."""
DUST = 1_000

Output = tuple[bytes, int]
"""What it pays to, and satoshi."""


def spend(coins: Sequence[str], outputs: Sequence[Output]) -> tuple[str, str]:
    """A transaction of the first outputs of `coins` (ids): raw hex and id."""
    spent = bytes([len(coins)])
    for coin in coins:
        spent += bytes.fromhex(coin)[::-1] + struct.pack("<I", 0) + b"\x00" + b"\xfd\xff\xff\xff"
    paid = bytes([len(outputs)])
    for script, satoshi in outputs:
        paid += struct.pack("<q", satoshi) + bytes([len(script)]) + script
    version, lock = struct.pack("<i", 2), struct.pack("<I", 0)
    witness = (b"\x01" + bytes([len(OP_TRUE)]) + OP_TRUE) * len(coins)
    txid = sha256(sha256(version + spent + paid + lock).digest()).digest()[::-1].hex()
    return (version + b"\x00\x01" + spent + paid + witness + lock).hex(), txid


def pay_from_coinbases(rpc: Callable[..., Any], outputs: Sequence[Output]) -> str:
    """Send a transaction that pays from new coins that nobody has spent yet; its id.

    Makes blocks where no coin is ripe. Raises what `rpc` raises.
    """
    total = sum(satoshi for _, satoshi in outputs) + FEE
    coins: list[str] = []
    had, height = 0, 0
    while had < total:
        height += 1
        lacking = height + MATURE - int(rpc("getblockcount"))
        if lacking > 0:
            rpc("generate", lacking)
        coin = rpc("getblock", rpc("getblockhash", height), 1)["tx"][0]
        found = rpc("gettxout", coin, 0)
        if found is not None:
            coins.append(str(coin))
            had += round(found["value"] * 1e8)
    rest = had - total
    raw, txid = spend(coins, [*outputs, (P2WSH_OP_TRUE, rest)] if rest > DUST else outputs)
    rpc("sendrawtransaction", raw)
    return txid

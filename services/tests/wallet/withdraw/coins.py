"""Coins of a regtest node that anybody can spend, paid to whom a test wants."""

from __future__ import annotations

from e2e.backends.bitcoin_coins import P2WSH_OP_TRUE, spend

COINBASE = 50 * 10**8
MATURE = 100


class Faucet:
    """Pays from coinbases of `node`, each once."""

    def __init__(self, node):
        self._node = node
        self._next = 1

    def pay(self, *outputs, fee=10_000):
        """A transaction to scripts (script, satoshi), in a block of its own; its id."""
        total = sum(satoshi for _, satoshi in outputs) + fee
        coins = []
        while len(coins) * COINBASE < total:
            while self._node.tip()[0] < self._next + MATURE:
                self._node.mine(20)
            block = self._node.rpc("getblock", self._node.rpc("getblockhash", self._next), 1)
            coins.append(block["tx"][0])
            self._next += 1
        rest = len(coins) * COINBASE - total
        raw, txid = spend(coins, [*outputs, (P2WSH_OP_TRUE, rest)] if rest > 1000 else outputs)
        self._node.rpc("sendrawtransaction", raw)
        self._node.mine()
        return txid

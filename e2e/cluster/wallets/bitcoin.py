"""Bitcoin on regtest, as somebody outside of the exchange sees it: blocks on demand, coins, transactions."""

from __future__ import annotations

import secrets
import ssl
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from embit.networks import NETWORKS
from embit.script import Script
from outcry_services.common.addresses import parse_address

from e2e.backends.bitcoin_coins import pay_from_coinbases
from e2e.backends.json_rpc import RpcError, json_rpc
from e2e.cluster.helm import BACKENDS
from e2e.cluster.platform import credentials_of
from e2e.cluster.waiting import wait_for
from e2e.cluster.wallets.forward import forwarded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.cluster.provider import Provider

__all__ = ["BitcoinChain", "bitcoin_of"]

PORT = 18334
SECONDS = 60.0
SATOSHI = Decimal(10) ** 8


class BitcoinChain:
    """A node, asked by JSON-RPC; raises RpcError, and OSError where it doesn't answer."""

    name, asset, network = "bitcoin", "BTC", "regtest"
    confirmations = 3

    def __init__(self, url: str, *, login: str, trust: ssl.SSLContext) -> None:
        self._url, self._login, self._trust = url, login, trust

    @staticmethod
    def stranger() -> str:
        """An address outside of the exchange, another one each time; nobody knows its key."""
        return str(Script(b"\x00\x14" + secrets.token_bytes(20)).address(NETWORKS["regtest"]))

    def rpc(self, method: str, *params: object) -> Any:  # noqa: ANN401 - any JSON
        """The result of a call."""
        return json_rpc(self._url, method, *params, login=self._login, trust=self._trust)

    def mine(self, blocks: int = 1) -> None:
        """Make blocks on its tip."""
        self.rpc("generate", blocks)

    def pay(self, address: str, amount: Decimal) -> str:
        """New coins to an address, in a block of their own; the transaction's id."""
        satoshi = int(amount * SATOSHI)
        script = parse_address(self.name, self.network, address).script
        txid = pay_from_coinbases(self.rpc, [(script, satoshi)])
        self.mine()
        return txid

    def wait_known(self, txid: str) -> None:
        """Until the node has a transaction, in a block or waiting for one; raises ClusterError."""
        wait_for(
            f"transaction {txid}",
            lambda: self.rpc("getrawtransaction", txid, 1),
            seconds=SECONDS,
            error=RpcError,
        )

    def received(self, txid: str, address: str) -> Decimal:
        """What a transaction pays to an address."""
        outputs = self.rpc("getrawtransaction", txid, 1)["vout"]
        return sum((_amount(it) for it in outputs if _address(it) == address), Decimal(0))

    def fee(self, txid: str) -> Decimal:
        """What its miner got: its inputs less its outputs."""
        whole = self.rpc("getrawtransaction", txid, 1)
        spent = Decimal(0)
        for coin in whole["vin"]:
            before = self.rpc("getrawtransaction", coin["txid"], 1)
            spent += _amount(before["vout"][coin["vout"]])
        return spent - sum((_amount(it) for it in whole["vout"]), Decimal(0))


def _amount(output: dict[str, Any]) -> Decimal:
    # The node tells a number with at most eight decimals, which a float of this size keeps.
    return Decimal(str(round(output["value"] * 1e8))) / SATOSHI


def _address(output: dict[str, Any]) -> str:
    key: dict[str, Any] = output["scriptPubKey"]
    return str(key.get("address") or next(iter(key.get("addresses", ())), ""))


@contextmanager
def bitcoin_of(provider: Provider) -> Iterator[BitcoinChain]:
    """The cluster's node, while the block runs."""
    credentials = credentials_of(provider)
    trust = ssl.create_default_context(cafile=str(credentials.node_authority))
    with forwarded("svc/btcd", PORT, namespace=BACKENDS.namespace, kubectl=provider.kubectl) as place:
        yield BitcoinChain(f"https://{place}/", login=credentials.btcd_login(), trust=trust)

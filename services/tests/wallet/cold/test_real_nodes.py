"""What the cold wallet signs is taken by real nodes: btcd on regtest, anvil."""

import pytest
from embit.script import Script, Witness
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from outcry_services.wallet.cold import images
from outcry_services.wallet.cold.bitcoin import BitcoinAsked
from outcry_services.wallet.cold.ethereum import EthereumAsked
from outcry_services.wallet.cold.ur import Collector

from e2e.backends import wait_until
from e2e.backends.anvil_server import AnvilServer
from e2e.backends.btcd_server import BtcdServer
from services.tests.wallet.cold import transactions as made

pytestmark = pytest.mark.integration
FEE = 10_000


def signed(cold, asked, directory) -> str:
    """The transaction to be broadcast."""
    images.write(asked.message().frames(), directory)
    answer = cold.json("sign", directory, "--yes")["answer"]
    collector = Collector()
    for text in answer["frames"]:
        collector.take(text)
    accepted = asked.accept(collector.finish())
    assert accepted.complete
    return accepted.transaction


def paid_to_cold(node: BtcdServer) -> list[tuple[bytes, int, int]]:
    """Two outputs of cold addresses 0 and 1, in a block: transaction, place, satoshi."""
    first = node.mine(101)[0]
    (coinbase,) = node.rpc("getblock", first, 1)["tx"]
    raw = Transaction.from_string(node.rpc("getrawtransaction", coinbase))
    half = (raw.vout[0].value - FEE) // 2
    outputs = [TransactionOutput(half, made.own_script(made.path(0, index))) for index in (0, 1)]
    spent = TransactionInput(bytes.fromhex(coinbase), 0, witness=Witness([b"\x51"]))
    funding = Transaction(vin=[spent], vout=outputs)
    node.rpc("sendrawtransaction", funding.serialize().hex())
    node.mine()
    return [(funding.txid(), place, half) for place in (0, 1)]


def test_btcd_takes_a_refill(cold, tmp_path):
    with BtcdServer() as node:
        coins = paid_to_cold(node)
        unsigned = made.psbt(
            inputs=tuple((place, value) for _, place, value in coins),
            outpoints=[(txid, place) for txid, place, _ in coins],
            pay=3_000_000_000,
        )
        asked = BitcoinAsked.read(made.bitcoin_file(unsigned))
        txid = node.rpc("sendrawtransaction", signed(cold, asked, tmp_path / "frames"))
        node.mine()
        out = node.rpc("gettxout", txid, 0)
        assert Script(bytes.fromhex(out["scriptPubKey"]["hex"])) == unsigned.tx.vout[0].script_pubkey
        assert out["confirmations"] == 1


def test_anvil_takes_a_refill(cold, tmp_path):
    with AnvilServer() as node:
        node.send(made.ETHEREUM, 2 * 10**18)
        asked = EthereumAsked.read(made.ethereum_file(), made.ETHEREUM)
        txid = node.rpc("eth_sendRawTransaction", signed(cold, asked, tmp_path / "frames"))
        # The node answers when it has the transaction, and makes its block behind that.
        wait_until(
            lambda: node.rpc("eth_getTransactionReceipt", txid) is not None, seconds=30, what="the receipt"
        )
        receipt = node.rpc("eth_getTransactionReceipt", txid)
        assert (receipt["status"], receipt["from"]) == ("0x1", made.ETHEREUM.lower())
        assert int(node.rpc("eth_getBalance", made.SOMEBODY, "latest"), 16) == 10**18

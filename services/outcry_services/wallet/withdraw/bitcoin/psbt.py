"""A transaction as signers read it: a PSBT (BIP-174) that shows every output it spends (BIP-371)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embit.psbt import PSBT, DerivationPath
from embit.script import Script
from embit.transaction import Transaction, TransactionInput, TransactionOutput

from outcry_services.wallet.withdraw.bitcoin.keys import steps_of
from outcry_services.wallet.withdraw.errors import WithdrawalError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from outcry_services.wallet.withdraw.bitcoin.keys import GroupKey
    from outcry_services.wallet.withdraw.coin_rows import Coin

__all__ = ["Output", "check_signed", "unsigned"]

REPLACEABLE = 0xFFFF_FFFD
"""BIP-125: a higher fee may replace it."""
NO_FINGERPRINT = bytes(4)


@dataclass(frozen=True, slots=True)
class Output:
    """An output; `path`: where its key lies, for our own."""

    script: bytes
    units: int
    path: str = ""


def unsigned(key: GroupKey, coins: Sequence[Coin], outputs: Sequence[Output]) -> tuple[str, bytes]:
    """The transaction's id, which signatures don't change, and the PSBT."""
    spent = [_input(coin.outpoint) for coin in coins]
    paid = [TransactionOutput(output.units, Script(output.script)) for output in outputs]
    transaction = Transaction(version=2, vin=spent, vout=paid, locktime=0)
    psbt = PSBT(transaction)
    for scope, coin in zip(psbt.inputs, coins, strict=True):
        scope.witness_utxo = TransactionOutput(coin.units, Script(coin.script))
        _claim(scope, key, coin.path)
    for scope, output in zip(psbt.outputs, outputs, strict=True):
        if output.path:
            _claim(scope, key, output.path)
    return str(transaction.txid().hex()), bytes(psbt.serialize())


def check_signed(raw: bytes, *, txid: str) -> None:
    """Whether these bytes are the transaction that was asked for; raises `WithdrawalError`.

    The signatures are verified by the signer, and by every node.
    """
    try:
        found = str(Transaction.parse(raw).txid().hex())
    except Exception as error:  # its parser raises whatever the bytes lead it to
        raise WithdrawalError(f"signers gave {len(raw)} bytes that are no transaction: {error}") from error
    if found != txid:
        raise WithdrawalError(f"signers were asked for {txid} and gave {found}; suspect tampering")


def _input(outpoint: str) -> TransactionInput:
    txid, _, vout = outpoint.partition(":")
    return TransactionInput(bytes.fromhex(txid), int(vout), sequence=REPLACEABLE)


def _claim(scope: PSBT, key: GroupKey, path: str) -> None:
    public = key.public_key(path)
    scope.taproot_internal_key = public
    scope.taproot_bip32_derivations[public] = ([], DerivationPath(NO_FINGERPRINT, steps_of(path)))

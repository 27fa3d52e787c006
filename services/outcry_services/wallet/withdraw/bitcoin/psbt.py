"""A transaction as signers read it: a PSBT (BIP-174) that shows every output it spends (BIP-371)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from embit.ec import PublicKey, SchnorrSig
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
SIGNATURE, SIGHASH_DEFAULT = 64, 0


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


def check_signed(raw: bytes, *, psbt: bytes) -> None:
    """Whether these bytes are the transaction that was asked for, each input signed by its key (BIP-341).

    Raises `WithdrawalError`.
    """
    try:
        given = Transaction.parse(raw)
    except Exception as error:  # its parser raises whatever the bytes lead it to
        raise WithdrawalError(f"signers gave {len(raw)} bytes that are no transaction: {error}") from error
    asked = PSBT.parse(psbt)
    if given.txid() != asked.tx.txid():
        raise WithdrawalError(
            f"signers were asked for {asked.tx.txid().hex()} and gave {given.txid().hex()}; suspect tampering"
        )
    for index, spent in enumerate(given.vin):
        if not _is_signed(asked, index, list(spent.witness.items)):
            raise WithdrawalError(f"input {index} of {given.txid().hex()} is not signed by its key")


def _is_signed(asked: PSBT, index: int, witness: list[bytes]) -> bool:
    if len(witness) != 1 or len(witness[0]) != SIGNATURE:
        return False
    key = PublicKey.from_xonly(asked.inputs[index].utxo.script_pubkey.data[2:])
    digest = asked.sighash(index, sighash=SIGHASH_DEFAULT)
    return bool(key.schnorr_verify(SchnorrSig(witness[0]), digest))


def _input(outpoint: str) -> TransactionInput:
    txid, _, vout = outpoint.partition(":")
    return TransactionInput(bytes.fromhex(txid), int(vout), sequence=REPLACEABLE)


def _claim(scope: PSBT, key: GroupKey, path: str) -> None:
    public = key.public_key(path)
    scope.taproot_internal_key = public
    scope.taproot_bip32_derivations[public] = ([], DerivationPath(NO_FINGERPRINT, steps_of(path)))

"""Unsigned transactions of the key that everybody knows, made by libraries that the cold wallet lacks."""

from __future__ import annotations

import base64
import json

from embit import bip32, bip39, ec, script
from embit.networks import NETWORKS
from embit.psbt import PSBT, DerivationPath
from embit.transaction import Transaction, TransactionInput, TransactionOutput
from eth_account import Account
from solders.hash import Hash
from solders.keypair import Keypair
from solders.message import Message
from solders.pubkey import Pubkey
from solders.system_program import TransferParams, transfer

from services.tests.wallet.cold.program import WORDS

HARD = 0x8000_0000
SEED = bip39.mnemonic_to_seed(WORDS)
ROOT = bip32.HDKey.from_seed(SEED)
PAYEE = "bcrt1qft5p2uhsdcdc3l2ua4ap5qqfg4pjaqlp250x7us7a8qqhrxrxfsqseac85"

Account.enable_unaudited_hdwallet_features()
ETHEREUM = Account.from_mnemonic(WORDS).address
SOLANA = str(Keypair.from_seed_and_derivation_path(SEED, "m/44'/501'/0'/0'").pubkey())
SOMEBODY = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


def path(branch: int, index: int, coin: int = 1) -> list[int]:
    """BIP-86."""
    return [86 + HARD, coin + HARD, HARD, branch, index]


def internal(at: list[int]) -> ec.PublicKey:
    """The key before its tweak."""
    return ec.PublicKey.from_xonly(ROOT.derive(at).key.xonly())


def own_script(at: list[int]) -> script.Script:
    """What pays to it."""
    return script.p2tr(internal(at))


def claim(scope, at: list[int], key: ec.PublicKey | None = None, fingerprint: bytes | None = None) -> None:
    """Say of an input or output that it is the cold key's."""
    key = key or internal(at)
    origin = DerivationPath(fingerprint or ROOT.my_fingerprint, at)
    scope.taproot_internal_key = key
    scope.taproot_bip32_derivations[key] = ([], origin)


def psbt(
    *,
    inputs: tuple[tuple[int, int], ...] = ((0, 150_000_000), (3, 50_000_000)),
    pay: int = 120_000_000,
    fee: int = 20_000,
    coin: int = 1,
    to: str = PAYEE,
    outpoints: list[tuple[bytes, int]] | None = None,
) -> PSBT:
    """From receiving addresses (index, satoshi) to a payee, the rest to change m/…/1/0."""
    given = outpoints or [(bytes([7] * 31 + [index]), index) for index, _ in inputs]
    rest = sum(value for _, value in inputs) - pay - fee
    change = path(1, 0, coin)
    payee = script.address_to_scriptpubkey(to)
    outputs = [TransactionOutput(pay, payee), TransactionOutput(rest, own_script(change))]
    spent = [TransactionInput(txid, vout, sequence=0xFFFFFFFD) for txid, vout in given]
    made = PSBT(Transaction(vin=spent, vout=outputs))
    for scope, (index, value) in zip(made.inputs, inputs, strict=True):
        at = path(0, index, coin)
        scope.witness_utxo = TransactionOutput(value, own_script(at))
        claim(scope, at)
    claim(made.outputs[1], change)
    return made


def bitcoin_file(made: PSBT) -> bytes:
    """As `outcry cold request bitcoin` reads it."""
    return base64.b64encode(made.serialize())


def cold_address(index: int = 0) -> str:
    """On regtest."""
    return own_script(path(0, index)).address(NETWORKS["regtest"])


def ethereum_file(**changed: object) -> bytes:
    """One ether to somebody."""
    fields = {
        "chainId": 31337,
        "nonce": 0,
        "maxPriorityFeePerGas": 1_000_000_000,
        "maxFeePerGas": 30_000_000_000,
        "gas": 21_000,
        "to": SOMEBODY,
        "value": 10**18,
    }
    return json.dumps(fields | changed).encode()


def token_call(amount: int, to: str = SOMEBODY) -> str:
    """ERC-20's transfer."""
    return f"0xa9059cbb{'00' * 12}{to[2:].lower()}{amount:064x}"


def solana_message(*, lamports: int = 1_500_000_000, blockhash: Hash | None = None, more=()) -> Message:
    """SOL to somebody."""
    own, payee = Pubkey.from_string(SOLANA), Pubkey.from_bytes(bytes([9] * 32))
    moved = transfer(TransferParams(from_pubkey=own, to_pubkey=payee, lamports=lamports))
    return Message.new_with_blockhash([moved, *more], own, blockhash or Hash.new_unique())


def solana_file(message: Message) -> bytes:
    """As `outcry cold request solana` reads it."""
    return base64.b64encode(bytes(message))

"""Solana's JSON-RPC methods, those that a wallet asks (Solana documentation, "RPC HTTP Methods").

Amounts are lamports. A block is `confirmed` at once, and `finalized` with 31 on top of it, which is what is
shown where nothing else is asked for; balances and accounts are those of the newest block always.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING, Any

from solders.pubkey import Pubkey
from solders.signature import Signature
from solders.transaction import VersionedTransaction
from solders.transaction_metadata import FailedTransactionMetadata

from e2e.backends.svm.chain import Chain, RefusedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.backends.svm.chain import Block, Done, Tokens

__all__ = ["CallError", "Methods"]

ROOTED = 31
MOST_SIGNATURES = 1000
Json = Any


class CallError(Exception):
    """What the caller gets: a number of JSON-RPC's or Solana's, words, and data."""

    def __init__(self, code: int, message: str, data: Json = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data


class Methods:
    """One method each, called with the parameters of the call, in order."""

    def __init__(self) -> None:
        self.chain = Chain()

    def call(self, method: str, params: list[Json]) -> Json:
        """The result. Raises `CallError`."""
        known = getattr(self, method, None) if method.startswith(("get", "send", "request", "svm_")) else None
        if known is None:
            raise CallError(-32601, "Method not found")
        try:
            return known(*params)
        except RefusedError as error:
            words = f"Transaction simulation failed: {error}"
            raise CallError(-32002, words, {"err": error.error, "logs": error.logs}) from error
        except (TypeError, ValueError, KeyError) as error:
            raise CallError(-32602, f"Invalid params: {error}") from error

    def getHealth(self) -> str:  # noqa: N802 - the names are Solana's
        """It answers, so it is well."""
        return "ok"

    def getVersion(self) -> Json:  # noqa: N802
        """No validator's."""
        return {"solana-core": "0.0.0-litesvm", "feature-set": 0}

    def getGenesisHash(self) -> str:  # noqa: N802
        """Of block 0."""
        return str(self.chain.blocks[0].hash)

    def getSlot(self, options: Json = None) -> int:  # noqa: N802
        """Of the newest block."""
        return self._newest(options)

    def getBlocks(self, first: int, last: int, options: Json = None) -> list[int]:  # noqa: N802
        """Slots that have a block."""
        slots = range(max(first, 0), min(last, self._newest(options)) + 1)
        return [slot for slot in slots if self.chain.block(slot)]

    def getLatestBlockhash(self, _options: Json = None) -> Json:  # noqa: N802
        """The only one that is taken."""
        newest = self.chain.blocks[-1]
        return self._at({"blockhash": str(newest.hash), "lastValidBlockHeight": newest.height})

    def getBalance(self, account: str, _options: Json = None) -> Json:  # noqa: N802
        """Lamports."""
        return self._at(self.chain.lamports(Pubkey.from_string(account)))

    def getAccountInfo(self, account: str, _options: Json = None) -> Json:  # noqa: N802
        """Data is base64, whatever was asked for."""
        found = self.chain.svm.get_account(Pubkey.from_string(account))
        if found is None:
            return self._at(None)
        return self._at(
            {
                "lamports": found.lamports,
                "owner": str(found.owner),
                "data": [b64encode(bytes(found.data)).decode(), "base64"],
                "executable": found.executable,
                "rentEpoch": found.rent_epoch,
                "space": len(found.data),
            }
        )

    def getMinimumBalanceForRentExemption(self, size: int, _options: Json = None) -> int:  # noqa: N802
        """Of an account of so many bytes."""
        return int(self.chain.svm.minimum_balance_for_rent_exemption(size))

    def getRecentPrioritizationFees(self, _accounts: Json = None) -> Json:  # noqa: N802
        """Nobody needs to pay more here."""
        return [{"slot": self.chain.slot, "prioritizationFee": 0}]

    def requestAirdrop(self, account: str, lamports: int, _options: Json = None) -> str:  # noqa: N802
        """Coins from nowhere, in a block of their own."""
        receiver = Pubkey.from_string(account)
        made = self.chain.svm.airdrop(receiver, lamports)
        if isinstance(made, FailedTransactionMetadata):
            raise CallError(-32603, f"no coins: {made.err()}")
        self.chain.make_slots(1)
        return str(made.signature())

    def sendTransaction(self, encoded: str, options: Json = None) -> str:  # noqa: N802
        """Base64 alone. A block holds it when the answer is there."""
        options = options or {}
        if options.get("encoding") != "base64":
            raise CallError(-32602, "only base64 is taken here")
        transaction = VersionedTransaction.from_bytes(b64decode(encoded, validate=True))
        preflight = not options.get("skipPreflight", False)
        try:
            return str(self.chain.send(transaction, preflight=preflight).signature)
        except RefusedError:
            if preflight:
                raise
            # As a node that looks at nothing does: it forwards, and no block ever holds it.
            return str(transaction.signatures[0])

    def getSignatureStatuses(self, signatures: list[str], _options: Json = None) -> Json:  # noqa: N802
        """Of each: None where no block holds it."""
        return self._at([self._status(self.chain.done.get(Signature.from_string(one))) for one in signatures])

    def getSignaturesForAddress(self, account: str, options: Json = None) -> Json:  # noqa: N802
        """Newest first; `until` and `before` leave out what they name."""
        options = options or {}
        key, found = Pubkey.from_string(account), []
        seen = "before" not in options
        for done in reversed(self.chain.done.values()):
            name = str(done.signature)
            if name == options.get("until"):
                break
            shown = seen and done.slot <= self._newest(options)
            if shown and key in done.transaction.message.account_keys:
                found.append(self._line(done))
            seen = seen or name == options.get("before")
        return found[: options.get("limit", MOST_SIGNATURES)]

    def getTransaction(self, signature: str, options: Json = None) -> Json:  # noqa: N802
        """Base64, whatever was asked for; None where no block holds it."""
        done = self.chain.done.get(Signature.from_string(signature))
        if done is None or done.slot > self._newest(options):
            return None
        return {"slot": done.slot, "blockTime": self._time(done), **_whole(done)}

    def getBlock(self, slot: int, options: Json = None) -> Json:  # noqa: N802
        """With its transactions in base64, with their accounts alone (`accounts`), or without (`none`)."""
        if not 0 <= slot <= self._newest(options):
            raise CallError(-32004, f"Block not available for slot {slot}")
        block = self.chain.block(slot)
        if block is None:
            raise CallError(
                -32007, f"Slot {slot} was skipped, or missing due to ledger jump to recent snapshot"
            )
        details = (options or {}).get("transactionDetails", "full")
        if details not in SHAPES:
            raise CallError(-32602, f"transactionDetails is one of {', '.join(SHAPES)} here")
        shape = SHAPES[details]
        told = {} if shape is None else {"transactions": [shape(done) for done in block.transactions]}
        return _block(block) | told

    def svm_makeSlots(self, count: int) -> int:  # noqa: N802
        """For tests: so many empty blocks; the slot of the last one."""
        self.chain.make_slots(count)
        return self.chain.slot

    def svm_skipSlots(self, count: int) -> int:  # noqa: N802
        """For tests: so many slots whose leader makes no block, and a block behind them; its slot."""
        self.chain.make_slots(1, skipped=count)
        return self.chain.slot

    def _newest(self, options: Json) -> int:
        if (options or {}).get("commitment", "finalized") == "finalized":
            return self.chain.newest(max(self.chain.slot - ROOTED, 0)).slot
        return self.chain.slot

    def _time(self, done: Done) -> int:
        return self.chain.newest(done.slot).unix_seconds

    def _at(self, value: Json) -> Json:
        return {"context": {"slot": self.chain.slot}, "value": value}

    def _line(self, done: Done) -> Json:
        status = self._status(done)
        named = ("slot", "err", "confirmationStatus")
        line = {name: status[name] for name in named}
        return line | {
            "signature": str(done.signature),
            "memo": None,
            "blockTime": self._time(done),
        }

    def _status(self, done: Done | None) -> Json:
        if done is None:
            return None
        on_top = self.chain.slot - done.slot
        rooted = on_top >= ROOTED
        return {
            "slot": done.slot,
            "confirmations": None if rooted else on_top,
            "err": done.error,
            "status": {"Ok": None} if done.error is None else {"Err": done.error},
            "confirmationStatus": "finalized" if rooted else "confirmed",
        }


def _whole(done: Done) -> Json:
    return {
        "transaction": [b64encode(bytes(done.transaction)).decode(), "base64"],
        "meta": _meta(done),
        "version": "legacy",
    }


def _accounts(done: Done) -> Json:
    """As `accounts` shapes it: who was there, and in which part."""
    message, header = done.transaction.message, done.transaction.message.header
    keys, signers = message.account_keys, header.num_required_signatures
    read_only = {
        *range(signers - header.num_readonly_signed_accounts, signers),
        *range(len(keys) - header.num_readonly_unsigned_accounts, len(keys)),
    }
    told = [
        {"pubkey": str(key), "signer": at < signers, "writable": at not in read_only, "source": "transaction"}
        for at, key in enumerate(keys)
    ]
    signatures = [str(one) for one in done.transaction.signatures]
    return {
        "transaction": {"accountKeys": told, "signatures": signatures},
        "meta": _meta(done),
        "version": "legacy",
    }


def _meta(done: Done) -> Json:
    return {
        "err": done.error,
        "status": {"Ok": None} if done.error is None else {"Err": done.error},
        "fee": done.fee,
        "preBalances": done.before,
        "postBalances": done.after,
        "preTokenBalances": _tokens(done.tokens_before),
        "postTokenBalances": _tokens(done.tokens_after),
    }


def _tokens(held: dict[int, Tokens]) -> Json:
    return [
        {
            "accountIndex": at,
            "mint": str(tokens.mint),
            "owner": str(tokens.owner),
            "programId": str(tokens.program),
            "uiTokenAmount": {"amount": str(tokens.amount), "decimals": tokens.decimals},
        }
        for at, tokens in held.items()
    ]


SHAPES: dict[str, Callable[[Done], Json] | None] = {"full": _whole, "accounts": _accounts, "none": None}


def _block(block: Block) -> Json:
    return {
        "blockhash": str(block.hash),
        "previousBlockhash": str(block.parent),
        "parentSlot": block.parent_slot,
        "blockHeight": block.height,
        "blockTime": block.unix_seconds,
    }

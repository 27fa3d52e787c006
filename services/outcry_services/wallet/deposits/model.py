"""What arrives, and what is kept aside."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Aside", "Decision", "Payment", "Reason"]


class Reason(StrEnum):
    """Why something that arrived is not credited."""

    DUST = "DUST"
    """Below what the wallet takes, or below one ledger unit."""
    UNSUPPORTED = "UNSUPPORTED"
    """The exchange doesn't have that asset."""
    TOO_LARGE = "TOO_LARGE"
    """More than the ledger can hold: of an asset whose contract isn't what it should be."""
    OWN = "OWN"
    """Sent by the hot wallet itself, as ether that pays for moving tokens is."""


class Decision(StrEnum):
    """An administrator's, on something that was kept aside."""

    CREDIT = "CREDIT"
    DISMISS = "DISMISS"


@dataclass(frozen=True, slots=True)
class Payment:
    """Something that a block pays to an address of ours."""

    txid: str
    output: int
    """An output of Bitcoin; on Ethereum 0 for the transaction's own ether, 1 + n for its event n; on Solana
    the place of the account that has more, among those of the transaction."""
    owner: bytes
    """The script or account that it pays to."""
    contract: str | None
    """Of a token, Ethereum's in lower case; None: the chain's own coin."""
    units: int
    """Chain units; a stranger's token may say any number."""
    own: bool = False
    """The hot wallet sent it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Aside:
    """Something that arrived and is not credited."""

    id: str
    user_id: int
    asset: str
    """As the ledger names it; a contract for what the exchange doesn't have."""
    units: int
    reason: Reason

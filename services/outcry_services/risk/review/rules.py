"""What passes by itself, what needs people, what doesn't pass: as the operator writes it. One JSON file.

    {"new_address_seconds": 86400, "approval_seconds": 3600,
     "assets": {"BTC": {
        "on": [{"chain": "bitcoin", "network": "mainnet", "asset": "BTC", "scale": 8}],
        "automatic": "0.1", "one_admin": "1", "most": "10",
        "per_day": {"count": 10, "amount": "2"}}}}

Amounts are decimal text of the asset. An asset, or a chain of it, that isn't named is not reviewed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from outcry_services.common.errors import ConfigError
from outcry_services.common.money import parse

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["AssetRules", "OnChain", "Rules", "Tier", "read_rules"]

Amount = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,20}(\.[0-9]{1,18})?$")]


class Tier(StrEnum):
    """How many administrators an amount takes."""

    AUTOMATIC = "automatic"
    ONE_ADMIN = "one-admin"
    TWO_ADMINS = "two-admins"

    @property
    def needed(self) -> int:
        """Different administrators who must say yes."""
        return list(Tier).index(self)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OnChain(_Strict):
    """What an asset is called on a chain, as approvals and the signers' policy write it."""

    chain: str
    network: str
    asset: str
    scale: int = Field(ge=0, le=77)
    """Decimals of the chain's unit."""
    names: tuple[str, ...] = ()
    """How users call this network; empty: by chain or network. Of several networks of one chain each has its
    own."""

    def is_meant_by(self, network: str) -> bool:
        """Whether a user who wrote this meant it; who wrote nothing meant the only one."""
        usual = (self.chain, self.network, f"{self.chain}-{self.network}")
        return not network or network in (self.names or usual)


class PerDay(_Strict):
    """The most that one user may ask for within 24 hours."""

    count: int = Field(ge=1)
    amount: Amount


class AssetRules(_Strict):
    """Of one asset of the ledger."""

    on: tuple[OnChain, ...]
    automatic: Amount = "0"
    """Up to this, nobody need look."""
    one_admin: Amount
    """Up to this one administrator, above it two."""
    most: Amount
    """More is rejected."""
    per_day: PerDay

    def tier(self, amount: int, *, scale: int) -> Tier:
        """Of an amount in ledger units."""
        if amount <= parse(self.automatic, scale=scale):
            return Tier.AUTOMATIC
        return Tier.ONE_ADMIN if amount <= parse(self.one_admin, scale=scale) else Tier.TWO_ADMINS


class Rules(_Strict):
    """Everything that the file says."""

    new_address_seconds: int = Field(default=86_400, ge=0, le=30 * 86_400)
    """How long a user's first withdrawal to an address waits; 0: not at all."""
    approval_seconds: int = Field(default=3_600, ge=60, le=604_800)
    """How long an approval is in force; not longer than the signers' `approval_validity_seconds`."""
    assets: dict[str, AssetRules] = Field(default_factory=dict)


def read_rules(path: Path) -> Rules:
    """The file; raises `ConfigError` that says which field is wrong."""
    try:
        return Rules.model_validate_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"the rules of withdrawals in {path} can't be read: {error}") from error
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors(include_url=False)
        )
        raise ConfigError(f"the rules of withdrawals in {path} make no sense: {faults}") from None

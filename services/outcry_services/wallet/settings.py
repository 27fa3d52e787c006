"""Settings of the wallet: where its neighbours are from the environment, what it is from the operator's file.

The file is JSON, written from a `Wallet` object; docs/services/wallet.md has every field. Amounts in it are
text, in the chain's units (satoshi, wei, lamports).
"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads the annotation
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)

from outcry_services.common.config import ServiceSettings
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql import MySqlAddress
from outcry_services.wallet.nodes.settings import PoolSettings  # noqa: TC001 - likewise

__all__ = [
    "AssetSettings",
    "BatchSettings",
    "CoinSettings",
    "FeeSettings",
    "HotSettings",
    "TlsFiles",
    "WalletFile",
    "WalletSettings",
]

UNITS_MOST = 10**38


def _units(value: object) -> object:
    """Text alone: a JSON number may have lost its last digits on the way."""
    if not isinstance(value, str) or not value.isascii() or not value.isdecimal():
        raise ValueError("an amount is text of digits, in the chain's units")
    return int(value)


Units = Annotated[int, BeforeValidator(_units), Field(ge=0, le=UNITS_MOST)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,39}[a-z0-9])?$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class AssetSettings(_Strict):
    """An asset of the ledger on this chain."""

    asset: Annotated[str, Field(pattern=r"^[A-Z0-9]{1,32}$")]
    contract: str | None = None
    """Of a token; None: the chain's own coin."""
    scale: int = Field(ge=0, le=18)
    """Decimals of the ledger's unit."""
    chain_scale: int = Field(ge=0, le=38)
    """Decimals of the chain's unit."""
    confirmations: int = Field(ge=1)
    """How deep a block must be before what it holds counts."""
    dust: Units = 0
    """Below it nothing is paid out."""

    @property
    def chain_name(self) -> str:
        """As approvals and the signers' policies write it."""
        return f"{self.asset}@{self.contract}" if self.contract else self.asset


class TlsFiles(_Strict):
    """One end of mutual TLS with the signers, all PEM."""

    authority_file: Path
    certificate_file: Path
    key_file: Path


class FeeSettings(_Strict):
    """What the chain is paid.

    Rates are satoshi a virtual byte, wei a unit of gas, or millionths of a lamport a unit of computing.
    """

    target_blocks: int = Field(default=6, ge=1, le=1008)
    """Within how many blocks a transaction should be confirmed."""
    max_fee_per_withdrawal: Units
    """Asked of risk with every withdrawal; together they bound a transaction's fee, raised or not."""
    max_rate: int = Field(default=10**12, ge=1)
    """However much nodes estimate. Solana may leave it out: a fee is bounded by what was approved."""
    fallback_rate: int = Field(default=2, ge=1)
    """Where nodes can't estimate: a young or quiet chain."""
    gas_top_up: Units = 0
    """Ethereum: ether that a deposit address may be sent at a time for the gas of its tokens; 0: none."""
    bump_after_seconds: float = Field(default=1800, gt=0)
    """A transaction that is in no block for so long is replaced by one with a higher fee."""


class HotSettings(_Strict):
    """What the hot wallet should have of the chain's own coin."""

    maximum: Units | None = None
    minimum: Units | None = None
    target: Units | None = None


class BatchSettings(_Strict):
    """How many withdrawals share a transaction, and how long the first of them waits for others."""

    most: int = Field(default=50, ge=1, le=200)
    seconds: float = Field(default=5.0, ge=0)


class CoinSettings(_Strict):
    """Into how many coins of Bitcoin change is divided: each waits for its block before it is spent."""

    spare: int = Field(default=4, ge=1, le=100)
    """So many should be free; more let more transactions go out between two blocks, and cost fees."""
    least: Units = 1_000_000
    """Change is not divided into coins smaller than that."""


class WalletFile(_Strict):
    """One wallet: a chain, a quorum, assets."""

    name: Name
    chain: Literal["bitcoin", "ethereum", "solana"]
    network: Name
    nodes: PoolSettings
    assets: list[AssetSettings] = Field(min_length=1)
    signers: dict[Literal["1", "2", "3"], str] = Field(min_length=3)
    """`host:port` by the signer's number."""
    tls: TlsFiles
    fees: FeeSettings
    hot: HotSettings = HotSettings()
    cold: list[str] = []
    batch: BatchSettings = BatchSettings()
    coins: CoinSettings = CoinSettings()
    nonces: list[str] = []
    """Solana's nonce accounts, of which the quorum's account is the authority: so many payments at a time."""
    scan_from: int | None = Field(default=None, ge=0)
    """The height after which blocks are looked through; None: the chain's at the first start."""
    paused: bool = False

    @classmethod
    def load(cls, file: Path) -> Self:
        """Read it; raises `ConfigError` naming every field that is wrong, never its value."""
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError as error:
            raise ConfigError(
                f"OUTCRY_WALLET_FILE={file} can't be read: {error.strerror}; the operator writes it"
            ) from None
        except ValidationError as error:
            faults = (
                f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}"
                for fault in error.errors(include_input=False, include_url=False, include_context=False)
            )
            raise ConfigError(f"the wallet's file {file} is wrong: {'; '.join(faults)}") from None

    @property
    def approval_network(self) -> str:
        """The network as approvals and signers name it: Ethereum's is the chain id."""
        return self.network if self.nodes.chain_id is None else str(self.nodes.chain_id)

    @property
    def database(self) -> str:
        """Of this wallet alone."""
        return f"wallet_{self.name.replace('-', '_')}"

    def asset(self, name: str) -> AssetSettings | None:
        """The settings of an asset of the ledger, where this wallet has it."""
        return next((asset for asset in self.assets if asset.asset == name), None)

    @property
    def native(self) -> AssetSettings:
        """The chain's own coin."""
        return next(asset for asset in self.assets if asset.contract is None)

    @model_validator(mode="after")
    def _is_of_one_chain(self) -> Self:
        if (self.nodes.chain, self.nodes.network) != (self.chain, self.network):
            raise ValueError("nodes.chain and nodes.network must be the wallet's own")
        names = [asset.asset for asset in self.assets]
        if len(set(names)) < len(names):
            raise ValueError("each asset stands in assets once")
        if [asset.contract for asset in self.assets].count(None) != 1:
            raise ValueError("the chain's own coin, which has no contract, stands in assets once")
        if self.chain == "bitcoin" and (names != ["BTC"] or self.assets[0].contract):
            raise ValueError("the asset of bitcoin is BTC alone")
        if self.chain != "solana" and "max_rate" not in self.fees.model_fields_set:
            raise ValueError("fees.max_rate must be set")
        if self.chain == "solana" and (names != ["SOL"] or self.assets[0].contract):
            raise ValueError("the asset of solana is SOL alone")
        if (self.nonces and self.chain != "solana") or len(set(self.nonces)) < len(self.nonces):
            raise ValueError("nonces are accounts of solana alone, each of them once")
        return self


class WalletSettings(ServiceSettings):
    """From the environment: field `wallet_file` is `OUTCRY_WALLET_FILE`."""

    wallet_file: Path
    """What the operator made of the `Wallet` object."""

    order: str = "order:7080"
    """The order service, which has the books of withdrawals."""

    risk: str = "risk:7080"

    mysql: str = "mysql://mysql:3306"
    """`mysql://host:port` of the server that has this wallet's database."""

    mysql_user: str = "wallet"

    mysql_password: SecretStr = SecretStr("")

    tick_seconds: float = Field(default=1.0, gt=0, le=60)
    """The longest time between two looks at what is open: at chain, reviews and signers that were down."""

    def address(self) -> MySqlAddress:
        """Of the database's server; raises `ConfigError`."""
        parts = urlsplit(self.mysql)
        if parts.scheme != "mysql" or not parts.hostname or parts.username or parts.password:
            raise ConfigError("OUTCRY_MYSQL is not like mysql://host:3306; the user is OUTCRY_MYSQL_USER")
        return MySqlAddress(
            host=parts.hostname, port=parts.port or 3306, user=self.mysql_user, password=self.mysql_password
        )

"""`Wallet`: one chain's hot wallet, its nodes, its signers and its limits, as an SRE writes it.

Amounts are decimals in the asset's own unit ("0.5" is half a bitcoin), and become chain units exactly.
Nothing secret stands in a Wallet: credentials are Secrets that it names, keys are made by the signers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from outcry_operator.models import wallet_rules
from outcry_operator.models.base import Model, checked
from outcry_operator.models.tradingpair import IMAGE, LABEL_VALUE, STORAGE_CLASS, Duration, Quantity

KIND = "Wallet"
PLURAL = "wallets"

AMOUNT = r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"
WORD = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"
NODE_URL = r"^https?://[^\s/]+(/[^\s]*)?$"
KEY = r"^[-._a-zA-Z0-9]+$"

Amount = Annotated[str, Field(pattern=AMOUNT, max_length=37)]
"""At most 18 digits on either side of the point."""

Word = Annotated[str, Field(pattern=WORD, max_length=63)]


class SecretKey(Model):
    """One key of a Secret in the Wallet's namespace."""

    name: Word = Field(description="Name of the Secret.")
    key: str = Field(pattern=KEY, max_length=253, description="Key in it.")


class Credentials(SecretKey):
    """What a node asks of us: `user:password`, or a bearer token."""

    scheme: Literal["Basic", "Bearer"] = Field(
        default="Basic", description="Basic: the key holds user:password. Bearer: it holds a token."
    )


class Node(Model):
    """One node of the pool."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.NODE))

    name: str = Field(pattern=WORD, max_length=50, description="What conditions, logs and metrics call it.")
    url: str = Field(
        pattern=NODE_URL,
        max_length=512,
        description="Its JSON-RPC, http:// or https://, without credentials.",
    )
    weight: int = Field(default=1, ge=1, le=100, description="Share of the reads beside the other nodes.")
    credentials: Credentials | None = Field(
        default=None, description="Secret with what the node asks of us; none: it asks for nothing."
    )
    authority: SecretKey | None = Field(
        default=None, description="Secret with certificates (PEM) to trust instead of the system's."
    )


class Pool(Model):
    """How the nodes are judged (docs/services/wallet.md)."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.POOL))

    min_peers: int = Field(
        default=1, ge=0, le=1000, description="Fewer peers quarantine a node; 0 for chains of one node."
    )
    max_lag: int | None = Field(
        default=None, ge=1, le=1000, description="More blocks behind quarantine it; empty: the chain's own."
    )
    settled: int | None = Field(
        default=None,
        ge=1,
        le=1000,
        description="Blocks from which on honest nodes agree; empty: the chain's own.",
    )
    probe_interval: Duration = Field(default="2s", description="Time between two probes, 100ms to 5m.")
    timeout: Duration = Field(default="5s", description="How long a call may take, 100ms to 5m.")


class Approvers(Model):
    """A step of the approvals by hand."""

    amount: Amount = Field(description="From this amount on …")
    approvers: int = Field(ge=1, le=5, description="… so many different administrators must approve by hand.")


class Limits(Model):
    """How much of an asset each signer lets go, by its own clock and its own record."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.LIMITS))

    per_withdrawal: Amount = Field(description="At most this in one withdrawal.")
    per_day: Amount = Field(description="At most this in 24 hours.")
    per_address_per_day: Amount = Field(description="At most this to one address in 24 hours.")
    approvers: list[Approvers] = Field(
        default=[], max_length=5, description="From which amounts on how many people must approve."
    )


class Asset(Model):
    """An asset of the chain that is taken in and paid out."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.ASSET))

    asset: str = Field(pattern="^[A-Z0-9]{2,10}$", max_length=10, description="Ticker, e.g. BTC.")
    type: Literal["Native", "ERC20", "SPL"] = Field(
        default="Native", description="Native: the chain's own coin. ERC20, SPL: a token of a contract."
    )
    contract: str = Field(
        default="",
        max_length=44,
        description="Of a token: 0x and 40 hex digits, or the mint in base58. Immutable.",
    )
    scale: int = Field(ge=0, le=18, description="Decimals of the ledger's unit. Immutable.")
    chain_scale: int = Field(ge=0, le=18, description="Decimals of the chain's unit. Immutable.")
    confirmations: int = Field(
        ge=1, le=100_000, description="Blocks that a deposit must be deep before it is credited."
    )
    dust: Amount = Field(default="0", description="Deposits below are kept aside.")
    limits: Limits


class Fees(Model):
    """What may be paid to the chain, in its own coin. The signers hold every transaction against it."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.FEES))

    target_blocks: int = Field(
        default=6, ge=1, le=1008, description="A transaction is to be mined within so many blocks."
    )
    max_per_withdrawal: Amount = Field(description="At most this for one withdrawal.")
    max_per_transaction: Amount = Field(description="At most this for one transaction.")
    max_per_day: Amount = Field(description="At most this in 24 hours.")
    max_rate: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        description="However much nodes estimate: satoshi a virtual byte on Bitcoin, gwei a unit of gas on "
        "Ethereum; both need it, and Solana has none.",
    )
    gas_top_up: Amount = Field(
        default="0",
        description="Ethereum alone: what a deposit address may get at once for the gas of moving tokens.",
    )
    bump_after: Duration = Field(
        default="30m", description="A transaction that isn't mined by then gets a higher fee."
    )


class Hot(Model):
    """How much of the chain's own coin the hot wallet is to hold."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.HOT))

    minimum: Amount = Field(description="Below this a refill from cold is asked for.")
    target: Amount = Field(description="What a sweep or a refill leaves.")
    maximum: Amount = Field(description="Above this the surplus is swept to cold.")


class Batch(Model):
    """Withdrawals that share a transaction, where the chain allows it."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.BATCH))

    most: int = Field(default=50, ge=1, le=200, description="At most so many.")
    interval: Duration = Field(default="5s", description="How long the first one waits, up to 10m.")


class RiskKey(Model):
    """A public key by which risk signs its approvals."""

    name: Word = Field(description="Its id, as approvals name it.")
    public_key: str = Field(
        pattern="^[0-9a-f]{64}$", max_length=64, description="Ed25519, 64 hex digits in lower case."
    )


class Approvals(Model):
    """Whose word a withdrawal needs."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.APPROVALS))

    risk_keys: list[RiskKey] = Field(
        min_length=1, max_length=4, description="Public keys of the risk service; one of them must sign."
    )
    validity_seconds: int = Field(
        default=604_800, ge=60, le=2_592_000, description="The longest time between review and expiry."
    )


class SignerStorage(Model):
    """The volume of each signer: its shares and its journal, encrypted."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.STORAGE))

    size: Quantity = Field(default="1Gi", description="Size of the volume. Immutable.")
    class_name: str = Field(
        default="",
        pattern=STORAGE_CLASS,
        max_length=253,
        description="StorageClass; empty means the cluster's default. Immutable.",
    )


class Quorum(Model):
    """The three signers, of whom two must agree."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.QUORUM))

    signers: int = Field(default=3, ge=1, le=99, description="How many hold a share: three.")
    threshold: int = Field(default=2, ge=1, le=99, description="How many must agree: two.")
    zones: list[Annotated[str, Field(pattern=LABEL_VALUE, max_length=63)]] = Field(
        default=[],
        max_length=3,
        description="Zones (topology.kubernetes.io/zone) for the signers: none, two or three. Three: one "
        "each. Two: the first holds two signers. Empty: different ones where the cluster has them.",
    )
    image: str = Field(
        default="",
        pattern=IMAGE,
        max_length=512,
        description="Image of the signers; empty means the operator's default.",
    )
    memory: Quantity = Field(default="128Mi", description="Memory request and limit of each signer.")
    storage: SignerStorage = Field(default_factory=SignerStorage)


class Service(Model):
    """The wallet service's pod: it scans, builds and relays, and can sign nothing alone."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.SERVICE))

    image: str = Field(
        default="",
        pattern=IMAGE,
        max_length=512,
        description="Image of the services; empty means the operator's default.",
    )
    memory: Quantity = Field(default="512Mi", description="Memory limit, from 128Mi on.")


class WalletSpec(Model):
    """What the wallet is to be."""

    model_config = ConfigDict(json_schema_extra=checked(*wallet_rules.SPEC))

    chain: Literal["bitcoin", "ethereum", "solana"] = Field(description="Which chain. Immutable.")
    network: Word = Field(
        description="bitcoin: mainnet, testnet4, signet, regtest. solana: mainnet-beta, testnet, devnet, "
        "localnet. ethereum: any word; chainId and genesis say which. Immutable."
    )
    chain_id: int | None = Field(
        default=None, ge=1, le=2**53 - 1, description="Ethereum alone (EIP-155). Immutable."
    )
    genesis: str = Field(
        default="",
        max_length=66,
        description="Hash of the first block. Ethereum and Solana need it; Bitcoin's networks have their "
        "own. Immutable.",
    )
    nonce_accounts: list[Annotated[str, Field(min_length=32, max_length=44)]] = Field(
        default=[],
        max_length=32,
        description="Solana alone: durable nonce accounts whose authority is the quorum's account. So many "
        "payments can be on their way at a time; without any, withdrawals are queued.",
    )
    assets: list[Asset] = Field(
        min_length=1, max_length=16, description="The chain's coin, and the tokens that are known."
    )
    nodes: list[Node] = Field(
        min_length=1, max_length=32, description="The node pool: more than half must agree."
    )
    pool: Pool = Field(default_factory=Pool)
    quorum: Quorum = Field(default_factory=Quorum)
    approvals: Approvals
    fees: Fees
    hot: Hot
    cold: list[Annotated[str, Field(min_length=1, max_length=256)]] = Field(
        min_length=1,
        max_length=8,
        description="Addresses of the cold wallet, and on Bitcoin wpkh(xpub/0/*) and tr(xpub/0/*) "
        "descriptors. Public keys alone.",
    )
    batch: Batch = Field(default_factory=Batch)
    service: Service = Field(default_factory=Service)
    paused: bool = Field(
        default=False,
        description="Nothing is built, signed or broadcast any more. Deposits are credited on.",
    )
    deletion_policy: Literal["Retain"] = Field(
        default="Retain",
        description="Key material is never deleted by the operator: volumes, storage keys, identities and "
        "the ceremony's record stay, and the same Wallet applied again goes on with them.",
    )

"""`TradingPair`: what an SRE writes, and what the operator answers.

The models are the single source: the CustomResourceDefinition is generated from them, defaults,
descriptions and rules included, and the operator reads objects with them. Decimals are strings, because a
JSON number loses digits. The API server checks everything before it is stored (patterns here, rules in
`rules`), so that the operator meets only pairs that make sense.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from outcry_operator.models import rules
from outcry_operator.models.base import Decimal18, Model, checked
from outcry_operator.models.filters import Filters

# So few digits that no number of minutes overflows the API server's durations.
DURATION = r"^[1-9][0-9]{0,5}(ms|s|m)$"
IMAGE = r"^([a-zA-Z0-9][a-zA-Z0-9._:/@-]*)?$"
STORAGE_CLASS = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$"
INTERFACE = r"^([A-Za-z0-9][A-Za-z0-9._-]*)?$"
LABEL_VALUE = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"

GROUP = "outcry.trade"
VERSION = "v1alpha1"
KIND = "TradingPair"
PLURAL = "tradingpairs"


Duration = Annotated[str, Field(pattern=DURATION, max_length=8)]
Quantity = Annotated[
    str, Field(pattern=r"^[0-9]+(\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$", min_length=1, max_length=20)
]


class BaseAsset(Model):
    """The asset that is bought and sold."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.ASSET))

    asset: str = Field(pattern="^[A-Z0-9]{2,10}$", max_length=10, description="Ticker, e.g. BTC. Immutable.")
    scale: int = Field(ge=0, le=18, description="Decimals of its ledger unit: 8 means 0.00000001. Immutable.")


class QuoteAsset(BaseAsset):
    """The asset in which prices are stated."""


class PriceBand(Model):
    """Orders outside are rejected, nothing executes outside. Both prices are whole multiples of tickSize."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.PRICE_BAND))

    lower: Decimal18 = Field(description="Lowest price, inclusive, in the quote asset.")
    upper: Decimal18 = Field(description="Highest price, inclusive, in the quote asset.")


class Fees(Model):
    """What each side of a trade pays of what it receives, in basis points (1 is 0.01 %)."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.FEES))

    maker_bps: str = Field(
        default="0",
        pattern=r"^-?(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$",
        max_length=7,
        description="Fee of the resting order; negative is a rebate, never larger than the taker's fee.",
    )
    taker_bps: str = Field(
        default="0",
        pattern=r"^(0|[1-9][0-9]{0,2})(\.[0-9]{1,2})?$",
        max_length=6,
        description="Fee of the order that takes.",
    )


class Storage(Model):
    """The volume of each replica, for its checkpoints."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.STORAGE))

    size: Quantity = Field(default="10Gi", description="Size of the volume. Immutable.")
    class_name: str = Field(
        default="",
        pattern=STORAGE_CLASS,
        max_length=253,
        description="StorageClass; empty means the cluster's default. Immutable.",
    )


class Engine(Model):
    """The two engine pods."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.ENGINE))

    image: str = Field(
        default="",
        pattern=IMAGE,
        max_length=512,
        description="Image of the engine; empty means the operator's default.",
    )
    cpus: int | str = Field(
        default=1,
        description="CPUs of each pod: a whole number with cpuPolicy Exclusive, else any amount, e.g. 250m.",
        json_schema_extra={
            "x-kubernetes-int-or-string": True,
            "pattern": r"^([0-9]{1,3}(\.[0-9]{1,3})?|[0-9]{1,6}m)$",
            "maxLength": 8,
            "anyOf": [{"type": "integer"}, {"type": "string"}],
        },
    )
    cpu_policy: Literal["Exclusive", "Shared"] = Field(
        default="Exclusive",
        description="Exclusive: Guaranteed QoS and whole CPUs, which the static CPU manager gives to the pod "
        "alone. Shared: a small request, no pinning.",
    )
    memory: Quantity = Field(default="1Gi", description="Memory request and limit of each pod.")
    checkpoint_interval: Duration = Field(
        default="100ms", description="Time between two checkpoints, 10ms to 60s."
    )
    storage: Storage = Field(default_factory=Storage)
    zones: list[Annotated[str, Field(pattern=LABEL_VALUE, max_length=63)]] = Field(
        default=[],
        max_length=8,
        description="Zones (topology.kubernetes.io/zone) for the pods, none or at least two: hot and warm "
        "never share one. Empty: any zones, different ones where the cluster has them.",
    )


class Kafka(Model):
    """The pair's topics."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.KAFKA))

    replication_factor: int = Field(default=3, ge=1, le=9, description="Copies of each partition.")
    retention: str = Field(
        default="9999d",
        pattern="^[1-9][0-9]*(h|d)$",
        max_length=6,
        description="How long events are kept, at least 1h. Ledger, positions and their repairs are made of "
        "them from the first one on: shorten it for a market without users alone. The last event stays for "
        "ever; input is never deleted by time.",
    )
    config: dict[str, Annotated[str, Field(max_length=256)]] = Field(
        default={},
        description="More topic configuration, e.g. min.insync.replicas.",
        json_schema_extra={"maxProperties": 32},
    )


class Failover(Model):
    """How the warm replica takes over."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.FAILOVER))

    detection_time: Duration = Field(
        default="1s",
        description="Silence or unacknowledged publishing for so long makes the hot replica lose its lock; "
        "300ms (three heart-beats) to 60s.",
    )
    consul_tags: list[Annotated[str, Field(pattern="^[a-z0-9]([a-z0-9-]*[a-z0-9])?$", max_length=63)]] = (
        Field(default=[], max_length=16, description="More tags of the engines' Consul registrations.")
    )


class BackPressure(Model):
    """How far the services and the engine may be behind this pair's orders: at 80 % no new ones are taken."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.BACK_PRESSURE))

    max_records: int = Field(
        default=50_000, ge=100, le=100_000_000, description="Orders and cancels that may wait at a stage."
    )
    max_delay: Duration = Field(
        default="5s", description="How long the oldest of them may wait, 100ms to 10m."
    )


class LineB(Model):
    """The feed's second line, which carries the same packets another way."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.LINE))

    multicast_group: str = Field(
        max_length=15, description="IPv4 group of the organisation-local range 239.0.0.0/8."
    )
    port: int = Field(ge=1024, le=65535, description="UDP port.")


class MarketData(Model):
    """The UDP multicast feed."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.MARKET_DATA))

    multicast_group: str = Field(
        max_length=15, description="IPv4 group of the organisation-local range 239.0.0.0/8."
    )
    port: int = Field(ge=1024, le=65535, description="UDP port.")
    line_b: LineB | None = None
    interface: str = Field(
        default="",
        pattern=INTERFACE,
        max_length=15,
        description="Network interface of the pods that carries the feed; empty: as the pods' routes say.",
    )


class TradingPairSpec(Model):
    """What the market is to be."""

    model_config = ConfigDict(json_schema_extra=checked(*rules.SPEC))

    base: BaseAsset
    quote: QuoteAsset
    tick_size: Decimal18 = Field(
        description="Smallest price step, in the quote asset. Immutable.",
        json_schema_extra=checked(*rules.TICK_SIZE),
    )
    lot_size: Decimal18 = Field(
        description="Smallest quantity step, in the base asset. Immutable.",
        json_schema_extra=checked(*rules.LOT_SIZE),
    )
    min_notional: Decimal18 = Field(
        default="0", description="Smallest price x quantity of an order, in the quote asset."
    )
    price_band: PriceBand
    fees: Fees = Field(default_factory=Fees)
    trading_status: Literal["TRADING", "HALT", "CANCEL_ONLY", "POST_ONLY", "LIMIT_ONLY", "AUCTION"] = Field(
        default="TRADING",
        description="TRADING: all orders. CANCEL_ONLY: cancels alone. HALT: nothing. With rulesVersion 2 "
        "also POST_ONLY: orders that rest alone. LIMIT_ONLY: no order without a price. AUCTION: a call "
        "auction, in which orders rest crossed until TRADING, POST_ONLY or LIMIT_ONLY uncrosses them.",
    )
    # Not 2: a default is filled into pairs that exist too, and would change the rules of living markets.
    rules_version: Literal[1, 2] = Field(
        default=1,
        description="Matching rules. From 1 to 2 once both engines carry 2 out; never back from there.",
    )
    self_trade_prevention: Literal["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT"] = (
        Field(
            default="NONE",
            description="What happens when an order meets one of the same account or trade group, unless it "
            "names a mode itself. Needs rulesVersion 2.",
        )
    )
    reference_price: Decimal18 = Field(
        default="0",
        description="What stands for the last price before the first trade, in the quote asset; 0: nothing. "
        "Needs rulesVersion 2.",
    )
    filters: Filters = Field(default_factory=Filters)
    engine: Engine = Field(default_factory=Engine)
    kafka: Kafka = Field(default_factory=Kafka)
    failover: Failover = Field(default_factory=Failover)
    back_pressure: BackPressure = Field(default_factory=BackPressure)
    market_data: MarketData | None = None
    deletion_policy: Literal["Retain", "Delete"] = Field(
        default="Retain",
        description="What happens to topics and checkpoints when the pair is deleted. Retain: they stay, and "
        "the same pair applied again goes on where it was. Delete: they go, for good.",
    )
    paused: bool = Field(
        default=False,
        description="The operator keeps its hands off: nothing is made, changed or put back. The market "
        "itself trades on.",
    )

    @property
    def symbol(self) -> str:
        """Upper-case name of the pair, e.g. BTC-USDT."""
        return f"{self.base.asset}-{self.quote.asset}"

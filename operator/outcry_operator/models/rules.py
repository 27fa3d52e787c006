"""The CEL rules of `TradingPair`, by the part of the schema at which they stand.

Messages are what a person reads from `kubectl apply`: each says what is wrong, in words.
"""

from __future__ import annotations

from outcry_operator.models import filter_rules
from outcry_operator.models.cel import (
    decimals,
    digits,
    duration_between,
    fits,
    immutable,
    is_decimal,
    less,
    multiple,
    positive,
    product_has_decimals,
    quantity_at_least,
    rule,
    when,
)

# Set by the operator: the log's safety rests on them.
OWNED_TOPIC_CONFIG = ("retention.ms", "retention.bytes", "cleanup.policy", "unclean.leader.election.enable")

_TICK, _LOT = "self.tickSize", "self.lotSize"
_BAND = "self.priceBand"


def _is_short(text: str) -> str:
    """At most 9 significant digits: the product of two still fits a CEL integer."""
    return f"{digits(text)} < 1000000000"


ASSET = [immutable("an asset with its scale")]

TICK_SIZE = [
    immutable("tickSize"),
    rule(positive("self"), "tickSize must be greater than 0"),
    rule(when(is_decimal("self"), _is_short("self")), "tickSize must have at most 9 significant digits"),
]

LOT_SIZE = [
    immutable("lotSize"),
    rule(positive("self"), "lotSize must be greater than 0"),
    rule(when(is_decimal("self"), _is_short("self")), "lotSize must have at most 9 significant digits"),
]

PRICE_BAND = [
    rule(positive("self.lower"), "priceBand.lower must be greater than 0"),
    rule(less("self.lower", "self.upper"), "priceBand.lower must be less than priceBand.upper"),
]

FEES = [
    rule(
        when(
            "isQuantity(self.makerBps) && isQuantity(self.takerBps) && !self.takerBps.startsWith('-')",
            "quantity(self.makerBps).add(quantity(self.takerBps)).compareTo(quantity('0')) >= 0",
        ),
        "the maker's rebate must not be larger than the taker's fee: each trade would cost the house money",
    ),
]

STORAGE = [
    immutable("engine.storage", because="Kubernetes never changes the volume claims of a StatefulSet"),
    rule(quantity_at_least("self.size", "0", more=True), "engine.storage.size must be greater than 0"),
]

ENGINE = [
    rule(
        "self.cpuPolicy != 'Exclusive' || (type(self.cpus) == int ? self.cpus >= 1 : "
        "self.cpus.matches('^[1-9][0-9]*$'))",
        "cpus must be a whole number of at least 1 with cpuPolicy Exclusive: "
        "a part of a CPU cannot be pinned",
    ),
    rule(
        "type(self.cpus) == int ? self.cpus >= 1 : self.cpus.matches('[1-9]')", "cpus must be greater than 0"
    ),
    rule(quantity_at_least("self.memory", "64Mi"), "memory must be at least 64Mi"),
    rule(
        duration_between("self.checkpointInterval", "10ms", "60s"),
        "checkpointInterval must be between 10ms and 60s",
    ),
    rule(
        "self.zones.size() != 1",
        "zones must be empty or name at least two: the hot and the warm replica never share a zone",
    ),
    rule("self.zones.all(z, self.zones.exists_one(x, x == z))", "zones must be distinct"),
]

KAFKA = [
    rule(
        when(
            "'min.insync.replicas' in self.config",
            "self.config['min.insync.replicas'].matches('^[1-9]$') && "
            "int(self.config['min.insync.replicas']) <= self.replicationFactor",
        ),
        "min.insync.replicas must be a number from 1 to replicationFactor: with more nothing can be written",
    ),
    rule(
        f"self.config.all(k, !(k in [{', '.join(repr(k) for k in OWNED_TOPIC_CONFIG)}]))",
        f"config must not set {', '.join(OWNED_TOPIC_CONFIG)}: "
        "the operator sets them, the log's safety rests on them",
    ),
]

FAILOVER = [
    rule(
        duration_between("self.detectionTime", "300ms", "60s"),
        "detectionTime must be between 300ms (three heart-beats) and 60s",
    ),
    rule("self.consulTags.all(t, self.consulTags.exists_one(x, x == t))", "consulTags must be distinct"),
    rule("!('hot' in self.consulTags) && !('warm' in self.consulTags)", "consulTags must not be hot or warm"),
]

BACK_PRESSURE = [
    rule(duration_between("self.maxDelay", "100ms", "10m"), "maxDelay must be between 100ms and 10m"),
]

LINE = [
    rule(
        "isIP(self.multicastGroup) && cidr('239.0.0.0/8').containsIP(self.multicastGroup)",
        "multicastGroup must be an IPv4 address in 239.0.0.0/8 (organisation-local multicast)",
    ),
]

MARKET_DATA = [
    *LINE,
    rule(
        "!has(self.lineB) || self.lineB.multicastGroup != self.multicastGroup "
        "|| self.lineB.port != self.port",
        "lineB must be another group or port: the same one twice carries every packet twice",
    ),
]

SPEC = [
    rule("self.base.asset != self.quote.asset", "base and quote must be different assets"),
    rule(
        f"{decimals(_LOT)} <= self.base.scale",
        "lotSize has more decimals than base.scale: "
        "one lot would be a fraction of the base asset's ledger unit",
    ),
    rule(
        when(
            f"{is_decimal(_TICK)} && {is_decimal(_LOT)} && {_is_short(_TICK)} && {_is_short(_LOT)}",
            product_has_decimals(_TICK, _LOT, "self.quote.scale"),
        ),
        "lotSize x tickSize is not representable in quote.scale: one tick on one lot would be a fraction of "
        "the quote asset's ledger unit. Make lotSize or tickSize coarser, or quote.scale finer",
    ),
    rule(
        f"{decimals('self.minNotional')} <= self.quote.scale",
        "minNotional has more decimals than quote.scale",
    ),
    rule(
        f"{fits(_BAND + '.lower', _TICK)} && {fits(_BAND + '.upper', _TICK)}",
        "priceBand leaves the range of prices: in ticks it must have at most 18 digits",
    ),
    rule(
        multiple(_BAND + ".lower", _TICK),
        "priceBand.lower must be a whole multiple of tickSize",
    ),
    rule(
        multiple(_BAND + ".upper", _TICK),
        "priceBand.upper must be a whole multiple of tickSize",
    ),
    rule(
        "has(self.marketData) == has(oldSelf.marketData) || !has(oldSelf.marketData)",
        "marketData cannot be removed from a pair: its subscribers would wait for packets for ever",
    ),
    *filter_rules.SPEC,
]

OBJECT = [
    rule(
        "self.metadata.name == (self.spec.base.asset + '-' + self.spec.quote.asset).lowerAscii()",
        "metadata.name must be the symbol in lower case, base.asset-quote.asset, "
        "e.g. btc-usdt for BTC and USDT",
    ),
    *filter_rules.OBJECT,
]

"""The CEL rules of rules version 2: trading statuses, self-trade prevention, reference price and filters."""

from __future__ import annotations

from outcry_operator.models.cel import decimals, fits, is_off, less, multiple, rule, when

_TICK, _LOT = "self.tickSize", "self.lotSize"
_FILTERS = "self.filters"
_MULTIPLIERS = ("bidMultiplierUp", "bidMultiplierDown", "askMultiplierUp", "askMultiplierDown")
_IN_TICKS = ("filters.price.min", "filters.price.max", "referencePrice")
_IN_LOTS = ("filters.quantity.min", "filters.quantity.max")


def _not_below(upper: str, lower: str) -> str:
    """The upper limit is off, or not below the lower one."""
    return f"{is_off(upper)} || !({less(upper, lower)})"


def _needs_rules_2(absent: str, message: str) -> dict[str, str]:
    return rule(f"self.rulesVersion >= 2 || ({absent})", message)


def _in_steps(field: str, step: str, name: str, unit: str) -> list[dict[str, str]]:
    value = f"self.{field}"
    return [
        rule(
            fits(value, step),
            f"{field} leaves the range of the core: in {unit} it must have at most 18 digits",
        ),
        rule(multiple(value, step), f"{field} must be a whole multiple of {name}"),
    ]


PRICE = [
    rule(_not_below("self.max", "self.min"), "filters.price.max must not be less than filters.price.min"),
]

QUANTITY = [
    rule(
        _not_below("self.max", "self.min"), "filters.quantity.max must not be less than filters.quantity.min"
    ),
]

PERCENT_PRICE = [
    rule(
        _not_below(f"self.{side}MultiplierUp", f"self.{side}MultiplierDown"),
        f"percentPriceBySide.{side}MultiplierUp must not be less than {side}MultiplierDown",
    )
    for side in ("bid", "ask")
]

_LIMITS = [
    *(f"{_FILTERS}.{name}" for name in ("price.min", "price.max", "quantity.min", "quantity.max")),
    f"{_FILTERS}.notional.max",
    *(f"{_FILTERS}.percentPriceBySide.{name}" for name in _MULTIPLIERS),
]

SPEC = [
    _needs_rules_2(
        "!(self.tradingStatus in ['POST_ONLY', 'LIMIT_ONLY', 'AUCTION'])",
        "tradingStatus POST_ONLY, LIMIT_ONLY and AUCTION need rulesVersion 2",
    ),
    _needs_rules_2("self.selfTradePrevention == 'NONE'", "selfTradePrevention needs rulesVersion 2"),
    _needs_rules_2(is_off("self.referencePrice"), "referencePrice needs rulesVersion 2"),
    _needs_rules_2(
        " && ".join(
            [
                *map(is_off, _LIMITS),
                f"{_FILTERS}.maxOpenOrders == 0",
                f"!{_FILTERS}.notional.appliesToMarket",
            ]
        ),
        "filters need rulesVersion 2",
    ),
    *(each for field in _IN_TICKS for each in _in_steps(field, _TICK, "tickSize", "ticks")),
    *(each for field in _IN_LOTS for each in _in_steps(field, _LOT, "lotSize", "lots")),
    rule(
        f"{decimals(_FILTERS + '.notional.max')} <= self.quote.scale",
        "filters.notional.max has more decimals than quote.scale",
    ),
    rule(
        _not_below(f"{_FILTERS}.notional.max", "self.minNotional"),
        "filters.notional.max must not be less than minNotional",
    ),
]

OBJECT = [
    rule(
        when(
            "oldSelf.spec.rulesVersion == 2 && has(self.status) && has(self.status.settings) && "
            "self.status.settings.rulesVersion == 2",
            "self.spec.rulesVersion == 2",
        ),
        "rulesVersion cannot go back to 1: the pair's log goes on under rules version 2. "
        "Make a new pair instead",
    ),
]

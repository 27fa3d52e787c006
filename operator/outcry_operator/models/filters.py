"""`spec.filters`: what an order must pass besides band, tick, lot and smallest notional.

Named after the filters of the exchanges' APIs. Every limit of 0 is off.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from outcry_operator.models import filter_rules
from outcry_operator.models.base import Decimal18, Model, checked

# Four decimals are basis points exactly, and the core counts them in 32 bits.
MULTIPLIER = r"^(0|[1-9][0-9]{0,3})(\.[0-9]{1,4})?$"

Multiplier = Annotated[str, Field(pattern=MULTIPLIER, max_length=9)]


class PriceFilter(Model):
    """PRICE_FILTER: the prices that an order may name, whole multiples of tickSize."""

    model_config = ConfigDict(json_schema_extra=checked(*filter_rules.PRICE))

    min: Decimal18 = Field(default="0", description="Lowest price, in the quote asset; 0: off.")
    max: Decimal18 = Field(default="0", description="Highest price, in the quote asset; 0: off.")


class QuantityFilter(Model):
    """LOT_SIZE: the quantities that an order may have, whole multiples of lotSize."""

    model_config = ConfigDict(json_schema_extra=checked(*filter_rules.QUANTITY))

    min: Decimal18 = Field(default="0", description="Smallest quantity, in the base asset; 0: off.")
    max: Decimal18 = Field(default="0", description="Largest quantity, in the base asset; 0: off.")


class NotionalFilter(Model):
    """NOTIONAL, with spec.minNotional: what price x quantity may be."""

    max: Decimal18 = Field(
        default="0", description="Largest price x quantity of an order, in the quote asset; 0: off."
    )
    applies_to_market: bool = Field(
        default=False,
        description="minNotional and max hold for orders without a price too, at the last price or, before "
        "the first trade, at referencePrice.",
    )


class PercentPriceFilter(Model):
    """PERCENT_PRICE_BY_SIDE: how far from the last price an order may be, as multiples of it.

    Before the first trade referencePrice stands for the last price.
    """

    model_config = ConfigDict(json_schema_extra=checked(*filter_rules.PERCENT_PRICE))

    bid_multiplier_up: Multiplier = Field(default="0", description="Of a buy, at most; 0: off.")
    bid_multiplier_down: Multiplier = Field(default="0", description="Of a buy, at least; 0: off.")
    ask_multiplier_up: Multiplier = Field(default="0", description="Of a sell, at most; 0: off.")
    ask_multiplier_down: Multiplier = Field(default="0", description="Of a sell, at least; 0: off.")


class Filters(Model):
    """What else an order must pass; 0 is off. Needs rulesVersion 2."""

    price: PriceFilter = Field(default_factory=PriceFilter)
    quantity: QuantityFilter = Field(default_factory=QuantityFilter)
    notional: NotionalFilter = Field(default_factory=NotionalFilter)
    percent_price_by_side: PercentPriceFilter = Field(default_factory=PercentPriceFilter)
    max_open_orders: int = Field(
        default=0,
        ge=0,
        le=1_000_000,
        description="Open orders that an account may have, waiting stops included (MAX_NUM_ORDERS); 0: off.",
    )

"""Settings of a story's pair: every trading status, bands that move, filters on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.fuzz.themes import I64_MAX
from e2e.oracle.commands import Filters, PairSettings

if TYPE_CHECKING:
    from e2e.fuzz.source import Choices
    from e2e.fuzz.themes import Theme

USUAL_STATUSES = {1: 66, 2: 5, 3: 5, 4: 6, 5: 7, 6: 11}
OLD_STATUSES = {1: 70, 2: 15, 3: 15}


def settings(
    choices: Choices, theme: Theme, *, rules: int, status: int | None, wrong: bool, opened: bool
) -> PairSettings:
    """Settings that make sense, unless they are to be `wrong`. `opened`: with the theme's whole band."""
    lower, upper = _band(choices, theme, whole=opened or choices.percent(80))
    usual = OLD_STATUSES if rules == 1 else {**USUAL_STATUSES, **theme.statuses}
    made = PairSettings(
        trading_status=status or choices.weighted(usual),
        rules_version=rules,
        price_band_lower=lower,
        price_band_upper=upper,
        min_notional=choices.pick((0, 0, 0, theme.centre * theme.lot)),
        maker_fee_ppm=choices.pick((-100, 0, 250)),
        taker_fee_ppm=choices.pick((750, 0, 1_000_000)),
        quote_units_per_tick_lot=1,
        base_units_per_lot=choices.pick((1, 10**8)),
        filters=_filters(choices, theme) if rules == 2 and choices.percent(70) else Filters(),
    )
    return _broken(choices, made) if wrong else made


def _band(choices: Choices, theme: Theme, *, whole: bool) -> tuple[int, int]:
    steps = (theme.band, theme.band) if whole else (choices.between(0, 4), choices.between(0, 4))
    return max(theme.centre - steps[0] * theme.step, 1), theme.centre + steps[1] * theme.step


def _filters(choices: Choices, theme: Theme) -> Filters:
    """Each filter is off most of the time, or the stories would be about rejects alone."""
    centre, step, lot = theme.centre, theme.step, theme.lot

    def seldom(value: int) -> int:
        return value if choices.percent(12) else 0

    return Filters(
        self_trade_prevention=choices.weighted({0: 40, 1: 5, 2: 10, 3: 15, 4: 10, 5: 20}),
        min_price=seldom(max(centre - (theme.spread - 1) * step, 1)),
        max_price=seldom(centre + (theme.spread - 1) * step),
        min_quantity=seldom(2 * lot),
        max_quantity=seldom(max(theme.largest - 1, 2) * lot),
        max_notional=seldom(min(centre * lot * theme.largest, I64_MAX)),
        notional_applies_to_market=choices.percent(50),
        reference_price=centre + step * choices.between(-1, 2) if choices.percent(50) else 0,
        bid_multiplier_up_bps=seldom(10_300),
        bid_multiplier_down_bps=seldom(9_600),
        ask_multiplier_up_bps=seldom(10_400),
        ask_multiplier_down_bps=seldom(9_700),
        max_open_orders=seldom(choices.pick((1, 3, 8))),
    )


def _broken(choices: Choices, made: PairSettings) -> PairSettings:
    """One thing is wrong with them, or at least odd."""
    if choices.percent(50):
        name, value = choices.pick(WRONG)
        return PairSettings(**{**made._asdict(), name: value})
    first, second = choices.pick(WRONG_FILTERS)
    if first == ("max_notional", 1):
        made = made._replace(min_notional=2)
    filters = Filters(**{**made.filters._asdict(), **dict((first, second))})
    return made._replace(filters=filters)


WRONG = (
    *(("trading_status", word) for word in (0, 7, -1)),
    *(("rules_version", rules) for rules in (0, 1, 3)),
    *(("price_band_lower", price) for price in (0, I64_MAX)),
    ("price_band_upper", I64_MAX),
    ("min_notional", -1),
    *(("maker_fee_ppm", ppm) for ppm in (-1_000_001, 1_000_001)),
    *(("taker_fee_ppm", ppm) for ppm in (-1, 1_000_001)),
    ("quote_units_per_tick_lot", 0),
    ("base_units_per_lot", -1),
)
_NEGATIVE = ("min_price", "max_price", "min_quantity", "max_quantity", "max_notional", "reference_price")
_SIDES = ("bid_multiplier", "ask_multiplier")
WRONG_FILTERS = (
    *((("self_trade_prevention", word), ("min_price", 0)) for word in (6, -1)),
    *(((name, -1), (name, -1)) for name in _NEGATIVE),
    (("min_price", 5), ("max_price", 4)),
    (("min_quantity", 5), ("max_quantity", 4)),
    (("max_notional", 1), ("min_price", 0)),
    *(((f"{side}_up_bps", 5), (f"{side}_down_bps", 6)) for side in _SIDES),
)

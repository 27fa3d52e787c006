"""Stories that once told the core and the oracle apart, shrunk; each is named for what it is about."""

from e2e.oracle.commands import (
    Command,
    Filters,
    NewOco,
    NewOrder,
    PairSettings,
)

EXAMPLES: dict[str, list[Command]] = {
    "the largest notional below the smallest": [
        Command(
            2048,
            7,
            40,
            1040,
            PairSettings(
                trading_status=1,
                rules_version=2,
                price_band_lower=1,
                price_band_upper=1,
                min_notional=2,
                quote_units_per_tick_lot=1,
                base_units_per_lot=1,
                filters=Filters(max_notional=1),
            ),
        ),
    ],
    "back to version 1 with a word of version 2": [
        Command(
            2048,
            2,
            66,
            1066,
            PairSettings(
                trading_status=1,
                rules_version=2,
                price_band_lower=1,
                price_band_upper=1,
                quote_units_per_tick_lot=1,
                base_units_per_lot=1,
            ),
        ),
        Command(2048, 2, 93, 1093, PairSettings(trading_status=4, rules_version=1)),
    ],
    "room for the limit leg alone": [
        Command(
            2048,
            2,
            99,
            1099,
            PairSettings(
                trading_status=1,
                rules_version=2,
                price_band_lower=1,
                price_band_upper=1,
                quote_units_per_tick_lot=1,
                base_units_per_lot=1,
                filters=Filters(max_open_orders=1),
            ),
        ),
        Command(2048, 2, 100, 1100, NewOco(user_id=1, limit_order_id=1, side=1, quantity=1, price=1)),
    ],
    "a field and a wrong word of version 2 under version 1": [
        Command(
            2048,
            2,
            33,
            1033,
            PairSettings(
                trading_status=1,
                rules_version=1,
                price_band_lower=1,
                price_band_upper=1,
                quote_units_per_tick_lot=1,
                base_units_per_lot=1,
            ),
        ),
        Command(2048, 2, 57, 1057, NewOrder(order_id=1, user_id=1, side=1, type=1, trade_group=1)),
    ],
    "an iceberg of more slices than one command may trade": [
        Command(
            1024,
            1,
            1,
            0,
            PairSettings(
                trading_status=1,
                rules_version=2,
                price_band_lower=1,
                price_band_upper=1,
                quote_units_per_tick_lot=1,
                base_units_per_lot=1,
            ),
        ),
        Command(
            2048,
            1,
            1,
            0,
            NewOrder(
                order_id=1,
                user_id=1,
                side=2,
                type=1,
                time_in_force=1,
                price=1,
                quantity=1 << 60,
                display_quantity=1,
            ),
        ),
        Command(
            2048,
            1,
            2,
            0,
            NewOrder(order_id=2, user_id=2, side=1, type=1, time_in_force=1, price=1, quantity=1 << 60),
        ),
    ],
}

"""How a recording becomes commands, on recordings of a few rows."""

from e2e.recorded.commands import records
from e2e.recorded.compare import BEFORE, REPRICED, ROUNDED, Trade, compare
from e2e.recorded.convert import FIRST_OWN_ID, Cancel, New, convert
from e2e.recorded.rows import Recording, Row, of_rows
from e2e.recorded.trades import by_recorded_order, oracle_trades


def recording(*rows: tuple[int, int, int, str, bool]) -> Recording:
    return of_rows(
        tuple(
            Row(at=at, order_id=order_id, timestamp=at, price=price, volume=volume, action=action, bid=bid)
            for at, (order_id, price, volume, action, bid) in enumerate(rows)
        )
    )


def told(source: Recording) -> list[str]:
    return [
        f"new {command.order_id} {command.price} {command.volume}"
        if isinstance(command, New)
        else f"cancel {command.order_id}"
        for command in convert(source).commands
    ]


def test_a_fill_is_no_command_and_a_deletion_with_volume_left_is_a_cancel():
    trade = recording(
        (1, 100, 50, "created", True),
        (2, 100, 20, "created", False),
        (1, 100, 30, "changed", True),
        (2, 100, 0, "deleted", False),
        (1, 100, 30, "deleted", True),
    )
    assert told(trade) == ["new 1 100 50", "new 2 100 20", "cancel 1"]


def test_an_order_that_rested_before_gets_its_size_from_the_other_side():
    trade = recording(
        (9, 100, 70, "created", False),
        (5, 100, 0, "deleted", True),
        (9, 100, 45, "changed", False),
    )
    assert told(trade) == ["new 5 100 25", "new 9 100 70"]


def test_an_order_that_rested_before_and_was_cancelled_has_its_recorded_size():
    assert told(recording((5, 100, 8, "deleted", True))) == ["new 5 100 8", "cancel 5"]


def test_a_new_price_is_a_cancel_and_a_new_order():
    repriced = recording(
        (1, 100, 50, "created", True),
        (1, 101, 49, "changed", True),
        (1, 101, 0, "deleted", True),
    )
    assert told(repriced) == ["new 1 100 50", "cancel 1", f"new {FIRST_OWN_ID} 101 49"]
    assert convert(repriced).recorded_ids[FIRST_OWN_ID] == 1


def test_an_order_received_after_its_own_end_is_left_out():
    assert told(recording((1, 100, 50, "deleted", True), (1, 100, 50, "created", True))) == ["cancel 1"]


def test_times_are_the_recorded_ones():
    commands = convert(recording((1, 100, 50, "created", True), (1, 100, 50, "deleted", True))).commands
    assert commands == (
        New(order_id=1, bid=True, price=100, volume=50, timestamp=0),
        Cancel(order_id=1, timestamp=1),
    )


def test_agreement_counts_orders_volume_and_causes():
    source = recording(
        (1, 100, 50, "created", True),
        (2, 100, 50, "created", False),
        (1, 100, 0, "deleted", True),
        (2, 100, 0, "deleted", False),
        (3, 100, 50, "created", True),
        (3, 100, 40, "changed", True),
        (4, 100, 9, "changed", False),
        (5, 100, 50, "created", True),
        (5, 101, 40, "changed", True),
        (5, 101, 30, "changed", True),
    )
    trades = [Trade(maker=1, taker=2, quantity=50), Trade(maker=3, taker=4, quantity=9)]
    agreement = compare(source, trades)
    assert (agreement.orders, agreement.agreeing_orders) == (5, 2)
    assert (agreement.volume, agreement.agreeing_volume) == (120, 100)
    assert {cause: counts["orders"] for cause, counts in agreement.causes.items()} == {
        ROUNDED: 1,
        BEFORE: 1,
        REPRICED: 1,
    }
    assert "2 of 5 recorded orders" in agreement.table()


def test_records_make_the_trades_of_the_recording():
    source = recording((1, 100, 50, "created", True), (2, 99, 20, "created", False))
    conversion = convert(source)
    made = list(records(conversion, symbol="X", source=2048))
    opened = [settings_record()]
    trades = list(by_recorded_order(oracle_trades([*opened, *made], "X"), conversion))
    assert trades == [Trade(maker=1, taker=2, quantity=20)]


def settings_record() -> bytes:
    from outcry_engine.cli.commands import default_settings, record  # noqa: PLC0415

    return record("X", [default_settings()])

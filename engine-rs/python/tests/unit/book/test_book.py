"""`outcry_engine.Book` in the caller's process: commands in, typed events out."""

import pickle
from collections.abc import Iterator

import pytest
from outcry.v1 import event_pb2
from outcry_engine import (
    AmendOrder,
    BatchError,
    Book,
    CancelOrder,
    CancelReplace,
    CancelReplaceMode,
    Event,
    Filters,
    MassCancel,
    MassCancelled,
    NewOco,
    NewOrder,
    OrderAccepted,
    OrderCancelled,
    OrderRejected,
    OrderType,
    OrderView,
    PairSettings,
    RejectReason,
    SetDisconnectTimer,
    SettingsChanged,
    SettingsError,
    Side,
    SnapshotError,
    Stage,
    Tick,
    TimeInForce,
    TradeExecuted,
)
from outcry_engine.cli.commands import default_settings, record
from outcry_engine.cli.event_text import events as decoded

RULES_1 = PairSettings(rules_version=1, maker_fee_ppm=-100, taker_fee_ppm=400)


@pytest.fixture
def book() -> Book:
    return Book(RULES_1)


def limit(order_id: int, side: Side, price: int = 100, quantity: int = 5) -> NewOrder:
    return NewOrder(
        order_id=order_id,
        user_id=order_id * 10,
        side=side,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        price=price,
        quantity=quantity,
    )


def test_a_trade_comes_out_as_a_typed_event(book: Book) -> None:
    book.submit(1, 10, Side.SELL, OrderType.LIMIT, price=100, quantity=5)
    accepted, trade = book.submit(2, 20, Side.BUY, OrderType.MARKET, 3)
    assert isinstance(accepted, OrderAccepted)
    assert (accepted.type, accepted.time_in_force) == (OrderType.MARKET, TimeInForce.IOC)
    assert isinstance(trade, TradeExecuted)
    assert (trade.price, trade.quantity, trade.maker_remaining) == (100, 3, 2)
    assert (trade.maker_fee_ppm, trade.taker_fee_ppm) == (-100, 400)
    assert trade.taker_side is Side.BUY


def test_events_match_by_position(book: Book) -> None:
    for event in book.submit(0, 10, Side.SELL, OrderType.LIMIT, price=100, quantity=5):
        match event:
            case OrderRejected(order_id, user_id, RejectReason.INVALID_ORDER_ID):
                assert (order_id, user_id) == (0, 10)
            case _:
                pytest.fail(f"{event!r}")


def test_events_are_values(book: Book) -> None:
    (event,) = book.submit(1, 10, Side.SELL, OrderType.LIMIT, 5, 100)
    (other,) = Book(RULES_1).submit(1, 10, Side.SELL, OrderType.LIMIT, 5, 100)
    assert event == other
    assert hash(event) == hash(other)
    assert pickle.loads(pickle.dumps(event)) == event
    assert "side=<Side.SELL: 2>" in repr(event)
    with pytest.raises(AttributeError):
        event.seq = 1  # type: ignore[misc]


def test_an_event_encodes_as_it_is_published(book: Book) -> None:
    (event,) = book.submit(1, 10, Side.SELL, OrderType.LIMIT, 5, 100)
    published = event_pb2.Event.FromString(event.encode())
    assert published.order_accepted.order_id == 1
    assert (published.seq, published.source, published.number) == (2, 2048, 1)


def test_a_word_that_is_none_is_refused_by_name(book: Book) -> None:
    order = NewOrder(order_id=1, user_id=2, side=9, type=OrderType.LIMIT)
    assert order.side == 9
    (event,) = book.batch([order])
    assert isinstance(event, OrderRejected)
    assert event.reason is RejectReason.INVALID_SIDE


def test_a_repeated_command_does_nothing(book: Book) -> None:
    order = limit(1, Side.BUY)
    assert len(book.apply(7, 1, 1, order)) == 1
    assert book.apply(7, 1, 1, order) == []
    (event,) = book.apply(7, 2, 1, limit(2, Side.BUY), time_unix_nanos=99)
    assert (event.source, event.incarnation, event.number, event.time_unix_nanos) == (7, 2, 1, 99)


def test_own_numbers_go_on_when_an_incarnation_has_no_more(book: Book) -> None:
    book.apply(2048, 3, 2**64 - 1, limit(1, Side.BUY))
    (event,) = book.cancel(1, 10)
    assert (event.incarnation, event.number) == (4, 1)


def test_own_numbers_go_on_behind_those_of_others(book: Book) -> None:
    book.apply(2048, 3, 50, limit(1, Side.BUY))
    (event,) = book.cancel(1, 10)
    assert isinstance(event, OrderCancelled)
    assert (event.incarnation, event.number) == (3, 51)


def test_a_batch_is_its_commands_one_by_one(book: Book) -> None:
    commands = [limit(1, Side.SELL), limit(2, Side.BUY, 101, 7), CancelOrder(order_id=2, user_id=20)]
    other = Book(RULES_1)
    one_by_one = [event for command in commands for event in other.batch([command])]
    assert book.batch(commands) == one_by_one
    assert book.snapshot() == other.snapshot()


def test_a_record_gives_the_published_bytes(book: Book) -> None:
    settings = record("BOOK", [default_settings()])
    empty = Book.empty()
    (event,) = decoded(empty.apply_record(settings))
    assert event.WhichOneof("body") == "settings_changed"
    with pytest.raises(BatchError, match="symbol"):
        empty.apply_record(record("OTHER", [default_settings()]))


def test_a_restored_book_goes_on(book: Book) -> None:
    book.batch([limit(1, Side.SELL), limit(2, Side.SELL, 101)])
    restored = Book.restore(book.snapshot())
    assert restored.snapshot() == book.snapshot()
    assert restored.submit(3, 30, Side.BUY, OrderType.MARKET, 7) == book.submit(
        3, 30, Side.BUY, OrderType.MARKET, 7
    )
    with pytest.raises(SnapshotError):
        Book.restore(book.snapshot()[:-1])


def test_depth_shows_the_best_levels(book: Book) -> None:
    book.batch([limit(1, Side.SELL, 101), limit(2, Side.SELL, 102), limit(3, Side.BUY, 99)])
    depth = book.depth(1)
    assert depth.asks == [(101, 5, 1)]
    assert depth.bids == [(99, 5, 1)]
    assert depth.resting_orders == 3


def test_settings_that_make_no_sense_open_no_book() -> None:
    with pytest.raises(SettingsError, match="INVALID_SETTINGS"):
        Book(PairSettings(rules_version=1, price_band_lower=0))


def test_settings_in_force_are_told() -> None:
    assert Book.empty().settings is None
    pair = PairSettings(maker_fee_ppm=-5, filters=Filters(max_price=7, self_trade_prevention=3))
    assert Book(pair).settings == pair
    assert Book(RULES_1).settings == RULES_1


def test_settings_change_as_the_operators_command(book: Book) -> None:
    (event,) = book.change_settings(PairSettings(rules_version=1, price_band_upper=200))
    assert isinstance(event, SettingsChanged)
    assert (event.source, event.price_band_upper) == (1024, 200)


def test_ticks_move_the_clock(book: Book) -> None:
    assert book.tick(5) == []
    assert book.batch([Tick(time_unix_nanos=4)]) == []
    assert book.clock_unix_nanos == 5


def test_an_empty_book_waits_for_settings() -> None:
    (event,) = Book.empty().submit(1, 10, Side.BUY, OrderType.LIMIT, 1, 1)
    assert isinstance(event, OrderRejected)
    assert event.reason is RejectReason.NO_SETTINGS


def test_what_is_no_command_is_a_type_error(book: Book) -> None:
    with pytest.raises(TypeError):
        book.batch([Event])  # type: ignore[list-item]
    with pytest.raises(TypeError):
        book.change_settings(limit(1, Side.BUY))  # type: ignore[arg-type]
    with pytest.raises(OverflowError):
        book.cancel(-1, 1)


def test_an_open_order_can_be_looked_at() -> None:
    book = Book()
    book.submit(1, 10, Side.SELL, OrderType.LIMIT, 50, 100, display_quantity=5)
    book.submit(2, 20, Side.SELL, OrderType.LIMIT, 7, 100)
    book.submit(3, 30, Side.BUY, OrderType.STOP_LOSS, 2, stop_price=101)
    order = book.order(1)
    assert order is not None
    assert (order.remaining, order.displayed, order.stage) == (50, 5, Stage.RESTING)
    assert [order.order_id for order in book.orders_at(Side.SELL, 100)] == [1, 2]
    match book.order(3):
        case OrderView(stage=Stage.WAITING, stop_price=101):
            pass
        case other:
            pytest.fail(f"{other!r}")
    assert book.order(4) is None
    totals = book.totals()
    assert (totals.open_orders, totals.resting, totals.waiting, totals.queued) == (3, 2, 1, 0)
    assert (totals.asks_displayed, totals.asks_hidden, totals.bids_displayed) == (12, 45, 0)
    with pytest.raises(ValueError, match="neither"):
        book.orders_at(3, 100)


def test_every_friendly_call_is_its_command() -> None:
    calls, commands = Book(), Book()
    commands.tick(5)
    calls.tick(5)
    stop = NewOrder(
        order_id=2, user_id=10, side=Side.BUY, type=OrderType.STOP_LOSS, quantity=3, trailing_delta=100
    )
    pairs = [
        (
            calls.submit(1, 10, Side.BUY, OrderType.LIMIT, 5, 100),
            NewOrder(
                order_id=1,
                user_id=10,
                side=Side.BUY,
                type=OrderType.LIMIT,
                time_in_force=TimeInForce.GTC,
                price=100,
                quantity=5,
            ),
        ),
        (
            calls.submit(2, 10, Side.BUY, OrderType.STOP_LOSS, 3, trailing_delta=100),
            stop,
        ),
        (calls.amend(1, 10, 4), AmendOrder(order_id=1, user_id=10, quantity=4)),
        (
            calls.cancel_replace(
                1, 7, 70, Side.BUY, OrderType.LIMIT, 5, 100, mode=CancelReplaceMode.ALLOW_FAILURE
            ),
            CancelReplace(cancel_order_id=1, mode=CancelReplaceMode.ALLOW_FAILURE, order=limit(7, Side.BUY)),
        ),
        (
            calls.oco(8, 9, 30, Side.SELL, 5, 120, stop_price=90, stop_limit_price=80),
            NewOco(
                user_id=30,
                limit_order_id=8,
                stop_order_id=9,
                side=Side.SELL,
                quantity=5,
                price=120,
                stop_price=90,
                stop_limit_price=80,
            ),
        ),
        (calls.set_disconnect_timer(10, 500), SetDisconnectTimer(user_id=10, timeout_millis=500)),
        (calls.mass_cancel(10, Side.BUY), MassCancel(user_id=10, side=Side.BUY)),
    ]
    for events, command in pairs:
        assert events
        assert events == commands.batch([command])
    assert calls.snapshot() == commands.snapshot()
    (cancelled, *_, done) = calls.mass_cancel()
    assert isinstance(cancelled, OrderCancelled)
    assert isinstance(done, MassCancelled)
    assert (done.source, done.user_id, done.side, done.orders) == (1024, 0, None, 3)


class Reentrant(list[NewOrder]):
    """Commands that look at the book which is about to carry them out."""

    def __init__(self, book: Book) -> None:
        super().__init__([limit(1, Side.BUY)])
        self.book = book

    def __getitem__(self, at: object) -> NewOrder:  # type: ignore[override]
        return limit(self.book.seq, Side.BUY)

    def __iter__(self) -> Iterator[NewOrder]:
        yield limit(self.book.seq, Side.BUY)


def test_a_call_while_another_one_runs_is_refused(book: Book) -> None:
    with pytest.raises(RuntimeError, match="borrowed"):
        book.batch(Reentrant(book))
    assert book.batch([limit(1, Side.BUY)])

"""New orders of a story: fields that fit together, and now and then one that does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.fuzz.themes import I64_MAX
from e2e.oracle import words
from e2e.oracle.commands import NewOco, NewOrder

if TYPE_CHECKING:
    from e2e.fuzz.source import Choices
    from e2e.fuzz.themes import Theme
    from e2e.oracle.market import Market

U64_MAX = (1 << 64) - 1
USUAL_TYPES = {1: 44, 2: 11, 3: 10, 4: 8, 5: 9, 6: 8, 7: 9}
TIMES = {
    **{kind: {1: 56, 2: 12, 3: 14, 4: 18} for kind in (1, 5, 7)},
    2: {0: 50, 2: 50},
    3: {0: 40, 1: 40, 4: 20},
    **{kind: {0: 50, 2: 50} for kind in (4, 6)},
}
DELTAS = (100, 200, 300, 500, 50, 1, 1000, 9999)
MODES = {0: 40, 1: 10, 2: 10, 3: 14, 4: 10, 5: 16}
STEPS_NANOS = (50_000_000, 100_000_000, 250_000_000, 1_000_000_000)


class Orders:
    """Makes orders around the last price, each with an id of its own."""

    def __init__(self, choices: Choices, market: Market, theme: Theme) -> None:
        self.choices = choices
        self.market = market
        self.theme = theme
        self.types = {**USUAL_TYPES, **theme.types}
        self._last_id = 0

    def new(self) -> NewOrder:
        """A new order; about one in eight has a field that is wrong or odd."""
        new = self._sensible()
        if self.theme.rules == 1 and self.choices.percent(92):
            new = NewOrder(*new[:7])._replace(type=new.type if new.type <= words.LIMIT_MAKER else words.LIMIT)
            if new.time_in_force == words.GTD:
                new = new._replace(time_in_force=words.GTC)
            if new.type != words.MARKET:
                new = new._replace(price=new.price or self.price())
            new = new._replace(quantity=new.quantity or self.quantity())
        return self._odd(new) if self.choices.percent(12) else new

    def oco(self) -> NewOco:
        """Two legs on both sides of the last price."""
        choices = self.choices
        side = choices.pick((words.BUY, words.SELL))
        away = 1 if side == words.SELL else -1
        quantity = self.quantity()
        priced = choices.percent(60)
        trailing = choices.pick(DELTAS) if choices.percent(35) else 0
        stop = 0 if trailing and choices.percent(40) else self._beside(-away)
        oco = NewOco(
            user_id=self.user(),
            limit_order_id=self._next_id(),
            stop_order_id=self._next_id(),
            side=side,
            quantity=quantity,
            price=self._beside(away),
            display_quantity=self._display(quantity) if choices.percent(25) else 0,
            stop_price=stop,
            stop_limit_price=self.price() if priced else 0,
            stop_time_in_force=choices.weighted({0: 40, 1: 30, 2: 15, 3: 15} if priced else {0: 60, 2: 40}),
            trailing_delta=trailing,
            self_trade_prevention=choices.weighted(MODES),
            trade_group=self._group(),
        )
        return self._odd_oco(oco) if choices.percent(14) else oco

    def user(self) -> int:
        """Whose order it is; seldom nobody's."""
        return 0 if self.choices.percent(1) else self.choices.between(1, self.theme.users)

    def one_open(self) -> tuple[int, int, int]:
        """Id, user and quantity of an open order, mostly: some are unknown or another's."""
        is_open = list(self.market.open)
        if not is_open or self.choices.percent(6):
            unknown = (0, U64_MAX, max(self._last_id - 1, 1), 1)
            return self.choices.pick(unknown), self.user(), self.quantity()
        order = self.market.open[self.choices.pick(is_open)]
        user = self.user() if self.choices.percent(5) else order.user_id
        return order.order_id, user, order.quantity

    def price(self) -> int:
        """A price near the centre."""
        theme = self.theme
        steps = self.choices.between(-theme.spread, theme.spread)
        return max(theme.centre + steps * theme.step, 1)

    def quantity(self) -> int:
        """Lots."""
        return self.choices.between(1, self.theme.largest) * self.theme.lot

    def _sensible(self) -> NewOrder:
        choices = self.choices
        kind = choices.weighted(self.types)
        time_in_force = choices.weighted(TIMES[kind])
        quantity = self.quantity()
        rests = time_in_force in {0, words.GTC, words.GTD} and kind not in words.WITHOUT_PRICE
        by_quote = kind == words.MARKET and choices.percent(40)
        side = choices.pick((words.BUY, words.SELL))
        stop, delta = self._stop(kind, side) if kind in words.STOPS else (0, 0)
        return NewOrder(
            order_id=self._next_id(),
            user_id=self.user(),
            side=side,
            type=kind,
            time_in_force=time_in_force,
            price=0 if kind in words.WITHOUT_PRICE else self.price(),
            quantity=0 if by_quote else quantity,
            quote_quantity=min(quantity * self.price() + choices.below(5), I64_MAX) if by_quote else 0,
            display_quantity=self._display(quantity) if rests and choices.percent(30) else 0,
            stop_price=stop,
            trailing_delta=delta,
            self_trade_prevention=choices.weighted(MODES),
            trade_group=self._group(),
            expire_time_unix_nanos=self._expires() if time_in_force == words.GTD else 0,
        )

    def _stop(self, kind: int, side: int) -> tuple[int, int]:
        """Stop price and trailing delta; mostly on the side of the last price where it waits."""
        delta = self.choices.pick(DELTAS) if self.choices.percent(35) else 0
        if delta and self.choices.percent(40):
            return 0, delta
        stop_loss = kind in {words.STOP_LOSS, words.STOP_LOSS_LIMIT}
        rising = stop_loss == (side == words.BUY)
        return self._beside(1 if rising else -1), delta

    def _beside(self, direction: int) -> int:
        """A price above (1) or below (-1) the last one; seldom on the wrong side."""
        if self.choices.percent(7):
            direction = -direction
        last = self.market.last or self.theme.centre
        return max(last + direction * self.choices.between(1, self.theme.reach) * self.theme.step, 1)

    def _display(self, quantity: int) -> int:
        return max(self.choices.between(1, self.theme.largest) * quantity // self.theme.largest, 1)

    def _expires(self) -> int:
        return min(self.market.clock + self.choices.pick(STEPS_NANOS), I64_MAX)

    def _group(self) -> int:
        return self.choices.weighted({0: 75, 1: 15, 2: 10})

    def _next_id(self) -> int:
        self._last_id += 1
        return self._last_id

    def _odd(self, new: NewOrder) -> NewOrder:
        """One field is another than it should be."""
        name = self.choices.pick(NewOrder._fields)
        return new._replace(**{name: self._odd_value(name, new.order_id, new.quantity)})

    def _odd_oco(self, oco: NewOco) -> NewOco:
        name = self.choices.pick(NewOco._fields)
        return oco._replace(**{name: self._odd_value(name, oco.limit_order_id, oco.quantity)})

    def _odd_value(self, name: str, own_id: int, quantity: int) -> int:
        choices, market = self.choices, self.market
        if name in {"order_id", "limit_order_id", "stop_order_id"}:
            return choices.pick([0, own_id, U64_MAX, *list(market.open)[:5]])
        if name in {"user_id", "trade_group"}:
            return choices.pick((0, 1, U64_MAX))
        if name in {"side", "type", "time_in_force", "stop_time_in_force", "self_trade_prevention"}:
            return choices.pick((0, 1, 2, 3, 4, 5, 6, 8, 99, -1, (1 << 31) - 1, -(1 << 31)))
        if name == "trailing_delta":
            return choices.pick((0, 1, 9999, 10_000, -1, (1 << 31) - 1, -(1 << 31)))
        if name == "expire_time_unix_nanos":
            return choices.pick(
                (0, 1, -1, market.clock, min(market.clock + 1, I64_MAX), I64_MAX, -I64_MAX - 1)
            )
        theme = self.theme
        edges = [
            theme.centre + side * (theme.band + over) * theme.step for side in (-1, 1) for over in (0, 1)
        ]
        whole = I64_MAX // max(theme.centre, 1)
        extremes = (0, 1, -1, I64_MAX, -I64_MAX - 1, quantity, quantity + 1, whole, whole + 1)
        return choices.pick([*extremes, *edges])

"""Commands that reach every corner: mostly sensible ones, and a few of every kind of nonsense.

The flow looks at the oracle's market to cancel orders that exist and to put stops beside the last price.
What it says is complete in itself: any part of a story can be left out and the rest still means something.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.fuzz.orders import Orders
from e2e.fuzz.pair import settings
from e2e.fuzz.themes import I64_MAX, THEMES
from e2e.oracle import words
from e2e.oracle.commands import (
    AmendOrder,
    CancelOrder,
    CancelReplace,
    Command,
    MassCancel,
    SetDisconnectTimer,
    Tick,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.fuzz.source import Choices
    from e2e.oracle.commands import Body
    from e2e.oracle.market import Market

GENERATOR, OTHER_SHARD, CLOCK = 2048, 7, 1025
MILLI = 1_000_000
USUAL_WEIGHTS = {
    "new": 52,
    "oco": 8,
    "replace": 7,
    "cancel": 9,
    "amend": 7,
    "tick": 7,
    "settings": 3,
    "timer": 3,
    "mass": 1,
    "repeat": 2,
}


class Flow:
    """One story: its theme, and the numbers that its sources have reached."""

    def __init__(self, choices: Choices, market: Market) -> None:
        self.choices = choices
        self.market = market
        self.theme = choices.pick(THEMES)
        self.orders = Orders(choices, market, self.theme)
        self.weights = {**USUAL_WEIGHTS, **self.theme.weights}
        self.rules = self.theme.rules
        self._numbers: dict[int, tuple[int, int]] = {}
        # Some stories begin before anybody has said what the pair is.
        self._opened = choices.percent(15)
        self._dawned = False

    def next(self) -> Command:
        """The next command of the story."""
        if not self._opened:
            self._opened = True
            return self._command(words.OPERATOR, self._settings(wrong=False, status=words.TRADING))
        if not self._dawned:
            self._dawned = True
            return self._command(CLOCK, Tick(self.theme.dawn))
        if len(self.market.open) > self.theme.crowd:
            return self._command(words.OPERATOR, MassCancel())
        kind = self.choices.weighted(self._weights())
        if kind == "repeat":
            return self._repeat()
        body = self._body(kind)
        return self._command(self._source(body), body)

    def _weights(self) -> dict[str, int]:
        """A market that takes few orders is left sooner."""
        hurry = {words.HALT: 6, words.CANCEL_ONLY: 6, words.POST_ONLY: 3, words.LIMIT_ONLY: 2}
        return {**self.weights, "settings": self.weights["settings"] * hurry.get(self.market.status, 1)}

    def _body(self, kind: str) -> Body:
        makers: dict[str, Callable[[], Body]] = {
            "new": self.orders.new,
            "oco": self.orders.oco,
            "replace": self._replace,
            "cancel": self._cancel,
            "amend": self._amend,
            "tick": self._tick,
            "settings": lambda: self._settings(wrong=self.choices.percent(15), status=None),
            "timer": self._timer,
            "mass": self._mass_cancel,
        }
        return makers[kind]()

    def _cancel(self) -> CancelOrder:
        order_id, user, _ = self.orders.one_open()
        return CancelOrder(order_id, user)

    def _amend(self) -> AmendOrder:
        order_id, user, quantity = self.orders.one_open()
        if self.choices.percent(15):
            wrong = (quantity, min(quantity + 1, I64_MAX), 0, -1, I64_MAX)
            return AmendOrder(order_id, user, self.choices.pick(wrong))
        return AmendOrder(order_id, user, quantity - self.choices.between(1, max(1, quantity)))

    def _replace(self) -> CancelReplace:
        order_id, user, _ = self.orders.one_open()
        order = self.orders.new()._replace(user_id=user)
        if self.choices.percent(35):
            order = order._replace(order_id=order_id)
        return CancelReplace(order_id, self.choices.weighted({1: 47, 2: 47, 0: 3, 7: 3}), order)

    def _timer(self) -> SetDisconnectTimer:
        timeouts = (0, 50, 100, 300, 1000, words.DAY_MILLIS, words.DAY_MILLIS + 1, (1 << 64) - 1)
        return SetDisconnectTimer(self.orders.user(), self.choices.pick(timeouts))

    def _mass_cancel(self) -> MassCancel:
        user = 0 if self.choices.percent(30) else self.orders.user()
        return MassCancel(user, self.choices.weighted({0: 50, 1: 22, 2: 22, 3: 3, -1: 3}))

    def _tick(self) -> Tick:
        steps = (100 * MILLI, 100 * MILLI, 1, 50 * MILLI, 1000 * MILLI, 0, -1)
        return Tick(max(-5, min(self.market.clock + self.choices.pick(steps), I64_MAX)))

    def _settings(self, *, wrong: bool, status: int | None) -> Body:
        if self.rules == 1 and self._opened and self.choices.percent(15):
            self.rules = 2
        return settings(
            self.choices, self.theme, rules=self.rules, status=status, wrong=wrong, opened=status is not None
        )

    def _source(self, body: Body) -> int:
        if isinstance(body, Tick):
            return CLOCK
        if isinstance(body, MassCancel) and body.user_id == 0:
            return self.choices.pick((words.OPERATOR, words.OPERATOR, GENERATOR))
        return OTHER_SHARD if self.choices.percent(5) else GENERATOR

    def _command(self, source: int, body: Body) -> Command:
        incarnation, number = self._numbers.get(source, (1, 0))
        if self.choices.percent(1):
            incarnation, number = incarnation + 1, 0
        number += 1
        self._numbers[source] = (incarnation, number)
        return Command(source, incarnation, number, 1_000 + number, body)

    def _repeat(self) -> Command:
        """A command with a number that its source has left behind."""
        source = self.choices.pick((GENERATOR, OTHER_SHARD, CLOCK))
        incarnation, number = self._numbers.get(source, (1, 0))
        if self.choices.percent(20):
            incarnation, number = incarnation - 1, number + 5
        return Command(source, incarnation, self.choices.between(0, number), 1, self.orders.new())

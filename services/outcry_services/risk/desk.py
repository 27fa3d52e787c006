"""The desk: a verdict for each check, on what the view knows, and a reservation for each order allowed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.risk import errors
from outcry_services.risk.accounts import day_of
from outcry_services.risk.checks import ALLOWED, Refusal, Standing, why_no_order, why_no_withdrawal
from outcry_services.risk.reservations import Shape

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry.v1.risk_api_pb2 import OrderCheck, RiskCheck

    from outcry_services.risk.view import RiskView

__all__ = ["Desk"]


class Desk:
    """Checks, one after the other: each sees the reservations of those before it.

    `behind(user, symbol)` says why the view can't be relied on for a user's order in a pair, or None; without
    a symbol it is asked about the settings alone. `reference(symbol)` gives ticks that stand for the last
    price before the first trade; 0: nothing does.
    """

    def __init__(
        self,
        view: RiskView,
        *,
        behind: Callable[[int, str | None], str | None],
        reference: Callable[[str], int],
    ) -> None:
        self._view = view
        self._behind = behind
        self._reference = reference

    def check(self, checks: Sequence[RiskCheck], *, time_unix_nanos: int = 0) -> list[Refusal]:
        """One verdict a check, in order.

        `time_unix_nanos` is the time that the instructions will carry; 0: the latest that the logs carried.
        """
        day = day_of(time_unix_nanos or self._view.time_unix_nanos)
        return [self._one(check, day) for check in checks]

    def _one(self, check: RiskCheck, day: int) -> Refusal:
        order = check.order if check.HasField("order") else None
        problem = self._behind(check.user_id, order.symbol if order is not None else None)
        if problem is not None:
            return Refusal(errors.NOT_READY, f"limits can't be checked now: {problem}; try again")
        mode = self._view.mode(check.user_id)
        if order is None:
            return why_no_withdrawal(mode)
        verdict = why_no_order(
            order,
            mode=mode,
            limits=self._view.limits.effective(check.user_id, order.symbol),
            standing=self._standing(check.user_id, order.symbol, day),
        )
        if verdict == ALLOWED:
            self._reserve(check.user_id, order)
        return verdict

    def _standing(self, user_id: int, symbol: str, day: int) -> Standing:
        account = self._view.account(user_id, symbol)
        count, notional = self._view.reservations.of(user_id, symbol)
        return Standing(
            open_orders=account.open_orders + count,
            exposure=account.exposure + notional,
            volume=account.volume(day),
            reference=self._view.last_prices.get(symbol) or self._reference(symbol),
        )

    def _reserve(self, user_id: int, order: OrderCheck) -> None:
        quote = 0 if order.quantity else order.notional
        shape = Shape(order.side, order.type, order.price, order.quantity, quote)
        self._view.reservations.add(user_id, order.symbol, shape, notional=order.notional)

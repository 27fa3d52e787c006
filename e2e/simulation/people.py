"""What people do in a story: deposits, orders of every kind, cancels, withdrawals; and what they were told.

A person who gets no answer asks again under the same name, as the API's users are told to.
"""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from outcry.v1.risk_api_pb2 import LimitValues, SetLimitsRequest
from outcry.v1.types_pb2 import OrderType, Side, TimeInForce
from outcry_services.common.errors import RefusedError, TooManyError, UnavailableError
from outcry_services.order.entries import Committed, Entry
from outcry_services.order.holds import hold_of
from outcry_services.order.model import (
    Cancel,
    Market,
    MassCancel,
    MoneyKind,
    MoneyRequest,
    MoneyRow,
    OrderDraft,
    OrderRow,
    Terms,
)

from e2e.simulation.market import USERS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outcry_services.common.pairs import Pair
    from outcry_services.order.entries import Outcome
    from outcry_services.risk.admin import Admin

    from e2e.simulation.chance import Chance
    from e2e.simulation.world import World

__all__ = ["People", "Told"]

ASK_AGAIN_SECONDS = 0.2
MOST_OPEN = 3
MOST_SETTINGS = 3
BUY, SELL = Side.SIDE_BUY, Side.SIDE_SELL


@dataclass
class Told:
    """What was acknowledged, by the name that it was asked under."""

    orders: dict[tuple[int, str], int] = field(default_factory=dict)
    """Order ids by user and clientOrderId."""
    money: dict[tuple[str, int, str], int] = field(default_factory=dict)
    """Numbers by kind, user and reference."""
    faults: list[str] = field(default_factory=list)


class People:
    """Everybody, drawing what they do from one stream of chance."""

    def __init__(self, world: World, pairs: list[Pair]) -> None:
        self.told = Told()
        self.left = False
        self._world = world
        self._chance: Chance = world.story
        self._pairs = pairs
        self._names = 0
        self._open: list[tuple[int, str, int]] = []

    async def deposit_all(self) -> None:
        """Something of everything for everybody, but not much."""
        assets = sorted({asset.name for pair in self._pairs for asset in (pair.base, pair.quote)})
        entries = [
            self._money(MoneyKind.DEPOSIT, user, asset, self._chance.between(0, 4) * 1500)
            for user in USERS
            for asset in assets
        ]
        await asyncio.gather(*(self._ask(entry) for entry in entries if _amount(entry) > 0))

    async def act(self, times: int, *, user: int = 0) -> None:
        """So much of what they do (0: anybody), some of it at once."""
        tasks = []
        for _ in range(times):
            tasks.append(asyncio.ensure_future(self._ask(self._anything(user))))
            await asyncio.sleep(self._chance.fraction() ** 3 * 0.2)
        await asyncio.gather(*tasks)

    # What administrators do.

    async def limit(self) -> None:
        """Say how many orders somebody may have open, for everybody or for one."""
        chance = self._chance
        user = 0 if chance.happens(0.6) else USERS[chance.below(len(USERS))]
        symbol = "" if chance.happens(0.6) else self._pairs[chance.below(len(self._pairs))].symbol
        most = None if chance.happens(0.2) else chance.between(0, MOST_OPEN)
        rules, scope = self._world.witness.rules.open_orders, (user, symbol)
        rules[scope] = [*rules.get(scope, [None]), most]
        request = SetLimitsRequest(
            user_id=user, symbol=symbol, limits=LimitValues(max_open_orders=most), reason="why"
        )
        await self._administer(lambda admin: admin.set_limits(request, actor="sim"))
        rules[scope] = [most]

    async def administer(self, *, within: float) -> None:
        """Change limits, and what users may do, now and then."""
        for _ in range(self._chance.between(0, MOST_SETTINGS)):
            await asyncio.sleep(within / MOST_SETTINGS * self._chance.fraction())
            if self._chance.happens(0.5):
                await self.limit()
            else:
                await self._suspend_or_restore()

    async def _suspend_or_restore(self) -> None:
        user = USERS[self._chance.below(len(USERS))]
        mode = _MODES[self._chance.below(len(_MODES))]
        modes = self._world.witness.rules.modes
        modes[user] = [*modes.get(user, ["ACTIVE"]), mode]
        await self._administer(lambda admin: admin.set_mode(user, mode, reason="why", actor="sim"))
        modes[user] = [mode]

    async def _administer(self, work: Callable[[Admin], Awaitable[object]]) -> None:
        """Until there is an answer."""
        while True:
            try:
                await self._world.administer(work)
            except UnavailableError:
                await asyncio.sleep(ASK_AGAIN_SECONDS)
            else:
                return

    async def withdraw(self, times: int, *, within: float) -> None:
        """So often in the next seconds, somebody; of what they have, or more."""
        for _ in range(times):
            await asyncio.sleep(within / times * 2 * self._chance.fraction())
            user = USERS[self._chance.below(len(USERS))]
            pair = self._pairs[self._chance.below(len(self._pairs))]
            asset = (pair.base, pair.quote)[self._chance.below(2)].name
            entry = self._money(MoneyKind.WITHDRAWAL, user, asset, self._chance.between(1, 900))
            await self._ask(entry)

    async def leave(self) -> None:
        """Cancel all that is there."""
        self.left = True
        entries = [
            Entry(MassCancel(user_id=user, symbol=pair.symbol)) for user in USERS for pair in self._pairs
        ]
        await asyncio.gather(*map(self._ask, entries))

    # One of the things that people do.

    def _anything(self, user: int) -> Entry:
        user = user or USERS[self._chance.below(len(USERS))]
        pair = self._pairs[self._chance.below(len(self._pairs))]
        roll = self._chance.fraction()
        if roll < 0.70:
            return Entry(self._draft(user, pair))
        if roll < 0.85 and self._open:
            owner, symbol, order_id = self._open[self._chance.below(len(self._open))]
            # Sometimes somebody else's.
            return Entry(Cancel(user_id=user if roll < 0.72 else owner, symbol=symbol, order_id=order_id))
        if roll < 0.88:
            return Entry(MassCancel(user_id=user, symbol=pair.symbol))
        asset = (pair.base, pair.quote)[self._chance.below(2)].name
        kinds = (MoneyKind.DEPOSIT, MoneyKind.WITHDRAWAL, MoneyKind.ADJUSTMENT)
        kind = kinds[self._chance.below(3)]
        amount = self._chance.between(1, 900)
        if kind is MoneyKind.ADJUSTMENT and self._chance.happens(0.5):
            amount = -amount
        return self._money(kind, user, asset, amount)

    def _money(self, kind: MoneyKind, user: int, asset: str, amount: int) -> Entry:
        request = MoneyRequest(
            kind=kind,
            user_id=user,
            reference=self._name(),
            digest=_digest(f"{kind} {user} {asset} {amount}"),
            asset=asset,
            scale=3,
            amount=amount,
            detail="why",
            actor="sim",
        )
        return Entry(request)

    def _draft(self, user: int, pair: Pair) -> OrderDraft:
        terms = self._terms(pair)
        hold = hold_of(terms, pair)
        name = self._name()
        return OrderDraft(
            user_id=user,
            client_order_id=name,
            named=True,
            digest=_digest(f"{name} {terms}"),
            market=Market(
                symbol=pair.symbol,
                base_asset=pair.base.name,
                quote_asset=pair.quote.name,
                units=pair.units,
            ),
            terms=terms,
            hold_asset=hold.asset,
            hold=hold.amount,
            hold_per_unit=hold.per_unit,
        )

    def _terms(self, pair: Pair) -> Terms:
        chance = self._chance
        side = BUY if chance.happens(0.5) else SELL
        price, quantity = chance.between(pair.band_lower, pair.band_upper), chance.between(1, 8)
        roll = chance.fraction()
        if roll < 0.60:
            return Terms(
                side=side,
                type=OrderType.ORDER_TYPE_LIMIT,
                time_in_force=_TIMES[chance.below(len(_TIMES))],
                price=price,
                quantity=quantity,
            )
        if roll < 0.70:
            return Terms(
                side=side,
                type=OrderType.ORDER_TYPE_LIMIT_MAKER,
                time_in_force=TimeInForce.TIME_IN_FORCE_GTC,
                price=price,
                quantity=quantity,
            )
        if roll < 0.80:
            return Terms(side=side, type=_MARKET, time_in_force=_IOC, quantity=quantity)
        if roll < 0.90:
            return Terms(side=side, type=_MARKET, time_in_force=_IOC, quote_quantity=price * quantity)
        limit = chance.happens(0.5)
        kinds = _STOP_LIMITS if limit else _STOPS
        return Terms(
            side=side,
            type=kinds[chance.below(2)],
            time_in_force=TimeInForce.TIME_IN_FORCE_GTC if limit else _IOC,
            price=price if limit else 0,
            quantity=quantity,
            stop_price=chance.between(pair.band_lower, pair.band_upper),
        )

    def _name(self) -> str:
        self._names += 1
        return f"n{self._names}"

    # How they ask.

    async def _ask(self, entry: Entry) -> None:
        """Until there is an answer, or an error that asking again won't change."""
        while True:
            try:
                outcome = await self._world.through_the_gateway(entry)
            except (UnavailableError, TooManyError):
                await asyncio.sleep(ASK_AGAIN_SECONDS * self._chance.fraction())
                continue
            except RefusedError:
                # By risk, or because withdrawals are paused.
                return
            except Exception as error:
                self.told.faults.append(f"{entry.body} was answered {error!r}")
                return
            self._note(entry, outcome)
            return

    def _note(self, entry: Entry, outcome: Outcome) -> None:
        row, body = outcome.row, entry.body
        if isinstance(row, OrderRow) and isinstance(body, OrderDraft):
            self.told.orders[body.user_id, body.client_order_id] = row.order_id
            self._open.append((body.user_id, body.market.symbol, row.order_id))
            if row.draft.digest != body.digest:
                self.told.faults.append(f"{body.client_order_id} was answered with another order")
        elif isinstance(row, MoneyRow) and isinstance(body, MoneyRequest):
            self.told.money[str(body.kind), body.user_id, body.reference] = row.number
        elif not isinstance(outcome, Committed):
            self.told.faults.append(f"{body} was answered {outcome}")


_MODES = ("ACTIVE", "WITHDRAW_ONLY", "SUSPENDED")
_MARKET, _IOC = OrderType.ORDER_TYPE_MARKET, TimeInForce.TIME_IN_FORCE_IOC
_TIMES = (
    *[TimeInForce.TIME_IN_FORCE_GTC] * 6,
    _IOC,
    TimeInForce.TIME_IN_FORCE_FOK,
)
_STOPS = (OrderType.ORDER_TYPE_STOP_LOSS, OrderType.ORDER_TYPE_TAKE_PROFIT)
_STOP_LIMITS = (OrderType.ORDER_TYPE_STOP_LOSS_LIMIT, OrderType.ORDER_TYPE_TAKE_PROFIT_LIMIT)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _amount(entry: Entry) -> int:
    return entry.body.amount if isinstance(entry.body, MoneyRequest) else 0

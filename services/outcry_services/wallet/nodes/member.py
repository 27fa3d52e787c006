"""A node in its pool: what is known of it, kept up by every call made to it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Generic, TypeVar

from outcry_services.wallet.nodes.errors import NodeAnswerError
from outcry_services.wallet.nodes.model import Condition, Standing
from outcry_services.wallet.nodes.node import ChainNode
from outcry_services.wallet.nodes.rpc import Outcome
from outcry_services.wallet.nodes.vitals import Vitals, cost

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from outcry_services.wallet.nodes.model import NodeStatus
    from outcry_services.wallet.nodes.policy import Policy

__all__ = ["Member", "N"]

N = TypeVar("N", bound=ChainNode)
T = TypeVar("T")


class Member(Generic[N]):
    """Mutable, and the pool's own; nobody else keeps one."""

    def __init__(self, node: N, *, weight: float, policy: Policy) -> None:
        self.node = node
        self.weight = weight
        self.vitals = Vitals()
        self.condition = Condition()
        self.status: NodeStatus | None = None
        """The last it said, however long ago."""
        self._policy = policy
        self._in_flight = 0

    @property
    def name(self) -> str:
        """As the configuration calls it."""
        return self.node.name

    @property
    def ready(self) -> bool:
        """Whether it is asked and counted."""
        return self.condition.standing is Standing.READY

    @property
    def cost(self) -> float:
        """Of one more read."""
        return cost(self.vitals, weight=self.weight, in_flight=self._in_flight)

    def due(self, now: float) -> bool:
        """Whether it may be probed: one that was ejected is left alone for a while."""
        return self.condition.standing is not Standing.EJECTED or now >= self.condition.until

    async def ask(self, what: Callable[[N], Awaitable[T]]) -> T:
        """Ask the node; raises what it raises. How it went is noted in its vitals by `called`."""
        self._in_flight += 1
        began = time.monotonic()
        try:
            return await what(self.node)
        except NodeAnswerError:
            # An answer in time that makes no sense: the call itself looked well.
            self.called(Outcome.MALFORMED, time.monotonic() - began)
            raise
        finally:
            self._in_flight -= 1

    def called(self, outcome: Outcome, seconds: float) -> None:
        """One call to the node ended."""
        if outcome in (Outcome.ANSWERED, Outcome.REFUSED):
            self.vitals = self.vitals.answered(seconds, self._policy)
        elif outcome is Outcome.ABANDONED:
            self.vitals = self.vitals.abandoned(seconds, self._policy)
        else:
            self.vitals = self.vitals.failed(seconds, self._policy)

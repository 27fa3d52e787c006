"""When a pair's log may change to newer matching rules.

An engine that doesn't know a version rejects its settings and goes on by the old rules, and the two
replicas would differ from there on. So the first command of a version waits until both announce it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_operator.conditions import Problem
from outcry_operator.errors import RefusedError

if TYPE_CHECKING:
    from outcry_operator.models.status import TradingPairStatus
    from outcry_operator.pair.names import Pair
    from outcry_operator.pair.view import Engines


def asked_for(status: TradingPairStatus) -> int:
    """The version that the log got last; 0: it got no settings of this object yet."""
    return status.settings.rules_version if status.settings else 0


def obstacle(pair: Pair, engines: Engines | None) -> Problem | None:
    """Why the version of the spec can't begin yet; raises RefusedError when it can't begin at all."""
    wanted, now = pair.spec.rules_version, asked_for(pair.status)
    if wanted < now:
        raise RefusedError(
            f"the log of {pair.symbol} goes on under rules version {now}; set spec.rulesVersion to {now}",
            reason="RulesGoBack",
        )
    # Every engine carries out version 1, and a version in force needs no leave: a halt must not wait.
    if wanted in (1, now):
        return None
    lacking = _lacking(pair, engines, wanted)
    if not lacking:
        return None
    until = f"rules version {now} until then" if now else "the market opens then"
    return Problem(
        reason="RulesNotSupported",
        message=f"rules version {wanted} begins when both engines carry it out; {until}: {lacking}",
    )


def _lacking(pair: Pair, engines: Engines | None, wanted: int) -> str:
    if engines is None:
        return "Consul doesn't say what they carry out"
    return "; ".join(
        f"{name} carries out version {replica.max_rules_version} at most"
        if replica.role
        else f"{name} isn't registered"
        for name in pair.replicas
        if not (replica := engines.replica(name)).role or replica.max_rules_version < wanted
    )

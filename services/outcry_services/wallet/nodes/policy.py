"""The numbers that the pool's decisions hang on."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["BITCOIN", "ETHEREUM", "SOLANA", "Policy"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Seconds and blocks; each says what more of it costs."""

    probe_seconds: float = 2.0
    """Between two rounds of probes. Longer: faults are noticed later; shorter: more calls."""
    timeout: float = 5.0
    """Seconds for one call. Longer: a hung node is noticed later; shorter: slow answers are lost."""
    max_lag: int = 2
    """Blocks behind the majority before a node is kept away."""
    settled: int = 1
    """Blocks below the majority's height from which on honest nodes agree. More: forks are noticed later;
    fewer: a race of two blocks at the tip keeps honest nodes away for a while."""
    min_peers: int = 1
    """A node with fewer hears too little; 0 for chains of one node."""
    smoothing: float = 0.3
    """Part of a new observation in the running averages of latency and errors, 0 to 1."""
    eject_failures: int = 5
    """Failed calls in a row that eject a node. A probe makes some at once."""
    eject_rounds: int = 2
    """Probes in a row without a sound answer that eject a node, even if calls in between are answered."""
    eject_error_rate: float = 0.5
    """Running error rate that ejects a node."""
    backoff_first: float = 1.0
    backoff_most: float = 60.0
    """Seconds that an ejected node is left alone: the first time, and at most; doubled in between."""
    forgive_seconds: float = 300.0
    """A node that stood so long has its earlier ejections forgotten."""
    return_rounds: int = 2
    """Good rounds in a row before a node is asked and counted again. More: it returns later."""
    hedge_least: float = 0.05
    hedge_factor: float = 3.0
    """A read goes to a second node after that many times the first one's latency, and not before
    `hedge_least` seconds. Less: more calls for a shorter tail."""
    sight_seconds: float = 0.5
    """Between two looks for a transaction that was broadcast."""

    def backoff(self, strikes: int) -> float:
        """Seconds that a node is left alone at its ejection number `strikes` (1, 2, …)."""
        # Bounded exponent: a node may fail for a year.
        return float(min(self.backoff_most, self.backoff_first * 2 ** min(strikes - 1, 32)))


BITCOIN = Policy()
# Twelve seconds a block: a node may be some blocks behind and well, and tips differ more often.
ETHEREUM = Policy(max_lag=5, settled=3)
# Finalized slots alone are compared, so nodes agree at all of them; 150 slots are a minute.
SOLANA = Policy(max_lag=150)

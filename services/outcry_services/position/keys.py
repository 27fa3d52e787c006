"""The names of Redis keys. The braces are literal: they keep one user in one slot of a cluster.

| key | what |
|---|---|
| `pos:{7}:BTC` | available, ledger units |
| `held:{7}:BTC` | the sum of what is held |
| `holds:{7}` | hash: order or withdrawal id → what is left of its hold, and its facts (`facts`) |
| `cur:{7}` | hash: `n` incarnation and `i` number of the last instruction, `j` last journal number, for each symbol `seq * 2 + leg` |
| `journal:{7}` | hash: cause → entry that Kafka may not have yet (`entries`) |
| `mark:{t}` | hash: how far each log was carried out; one for each master, with a tag that lives there (`marks`) |
"""  # noqa: E501 - a table

from __future__ import annotations

__all__ = ["available", "cursor", "held", "holds", "journal", "mark"]


def available(user: int, asset: str) -> str:
    """What the user may spend."""
    return f"pos:{{{user}}}:{asset}"


def held(user: int, asset: str) -> str:
    """What is kept for orders and withdrawals."""
    return f"held:{{{user}}}:{asset}"


def holds(user: int) -> str:
    """What of it belongs to which order."""
    return f"holds:{{{user}}}"


def cursor(user: int) -> str:
    """How far the user has come in each log."""
    return f"cur:{{{user}}}"


def journal(user: int) -> str:
    """What was done and is perhaps not in Kafka."""
    return f"journal:{{{user}}}"


def mark(tag: str) -> str:
    """How far one master has come."""
    return f"mark:{{{tag}}}"

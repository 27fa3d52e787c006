"""The Lua scripts, as they are sent: each file behind the shared parts that it names here.

Lua has no rollback, so every script checks all before its first write. They are plain Lua 5.1 and use
`redis.call` alone, so that any Lua runs the shipped text.
"""

from __future__ import annotations

from importlib import resources

from outcry_services.common.redis import Script

__all__ = [
    "ABSENT",
    "ADJUST",
    "ALL",
    "COME_BACK",
    "DEPOSIT",
    "DRAIN",
    "FACTS",
    "MARK",
    "PASS",
    "PAYOUT",
    "PRE_DEDUCT",
    "RELEASE",
    "RESTORE",
    "SETTLE",
    "UNDRAINED",
    "UNHOLD",
    "VIEW",
    "WITHDRAW",
]


def _script(name: str, *parts: str) -> Script:
    folder = resources.files(__package__).joinpath("lua")
    texts = (folder.joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in (*parts, name))
    return Script.of(name, "\n".join(texts))


PRE_DEDUCT = _script("pre_deduct", "exact", "instruction", "holding")
WITHDRAW = _script("withdraw", "exact", "instruction", "holding")
PAYOUT = _script("payout", "exact", "instruction", "unholding")
UNHOLD = _script("unhold", "exact", "instruction", "unholding")
COME_BACK = _script("come_back", "exact", "instruction")
DEPOSIT = _script("deposit", "exact", "instruction")
ADJUST = _script("adjust", "exact", "instruction")
PASS = _script("pass", "exact", "instruction")
SETTLE = _script("settle", "exact", "leg")
RELEASE = _script("release", "exact", "leg")
ABSENT = _script("absent", "exact", "leg")
FACTS = _script("facts")
DRAIN = _script("drain")
MARK = _script("mark")
RESTORE = _script("restore")
VIEW = _script("view")
UNDRAINED = _script("undrained")

ALL = (
    PRE_DEDUCT,
    WITHDRAW,
    PAYOUT,
    UNHOLD,
    COME_BACK,
    DEPOSIT,
    ADJUST,
    PASS,
    SETTLE,
    RELEASE,
    ABSENT,
    FACTS,
    DRAIN,
    MARK,
    RESTORE,
    VIEW,
    UNDRAINED,
)

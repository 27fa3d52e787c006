"""Number 4: how many scripts of a position Redis runs in a second, beside as many bare `DECRBY`.

Every order of every user is pre-deducted, settled by one trade that fills it, and drained, by the calls that
position makes for it; bare is one `DECRBY` of the same users' balances. All are encoded before the clock
starts and sent in pipelines of one connection, so that Redis is what is measured, not a client. Redis syncs
its file as in the chart. Kinds take turns on the same server, and each ratio is the median over the turns. A
script that does nothing, with the keys and arguments of the first, shows what a script costs at least.
"""

from __future__ import annotations

import socket
import sys
import time
from statistics import median
from typing import TYPE_CHECKING

from outcry.v1.command_pb2 import NewOrder
from outcry.v1.instruction_pb2 import Instruction, OrderCreated
from outcry.v1.types_pb2 import Side
from outcry_services.common.legs import Fill, Leg
from outcry_services.common.redis import Call, Script
from outcry_services.position import keys, library
from outcry_services.position.facts import Facts
from outcry_services.position.instructions import call_for, field_of
from outcry_services.position.legs import field_of as leg_field_of
from outcry_services.position.legs import leg_call

from bench.figures import rounded
from e2e.backends import RedisServer

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Sequence

    from bench.figures import Figure

__all__ = ["Batches", "measure"]

USERS = 1000
SHARDS = 1024
PIPELINE = 200
SYMBOL = "BTC-USDT"
PRICE, QUANTITY, TICK_LOT, LOT = 3_000_000, 100, 10, 1_000
END = b"end-of-this-pipeline"
NOTHING = Script.of("nothing", "return 'NEW'")

Words = tuple[str | int | bytes, ...]


class Batches:
    """One turn's commands of each kind; numbers rise from turn to turn."""

    def __init__(self, *, turn: int, orders: int) -> None:
        rounds = range(turn * orders // USERS, (turn + 1) * orders // USERS)
        placed = [_order(user, number + 1) for number in rounds for user in range(1, USERS + 1)]
        made = [(it, _leg(it, (turn * orders + at + 1) * 2, user=it.user_id)) for at, it in enumerate(placed)]
        held = [call_for(it, after=it.number - 1, recorded=None, known_pair=True) for it in placed]
        self.kinds: dict[str, list[Words]] = {
            "DECRBY": [
                ("DECRBY", keys.available(it.user_id, "USDT"), it.order_created.hold) for it in placed
            ],
            "nothing": [Call(NOTHING, call.keys, call.arguments).command() for call in held],
            "pre_deduct": [call.command() for call in held],
            "settle": [
                leg_call(SYMBOL, leg, Facts.of(it.order_created), after=0).command() for it, leg in made
            ],
            "drain": [
                Call(
                    library.DRAIN, (keys.journal(it.user_id),), (field_of(it), leg_field_of(SYMBOL, leg))
                ).command()
                for it, leg in made
            ],
        }


def measure(options: argparse.Namespace, command: str) -> list[Figure]:
    """Turn about on one Redis; raises `RuntimeError` when a script does not answer that it did its work."""
    turns: list[dict[str, float]] = []
    with RedisServer() as server:
        with server.client() as client:
            for script in (NOTHING, *library.ALL):
                client.script_load(script.text)
            for user in range(1, USERS + 1):
                client.set(keys.available(user, "USDT"), 10**17)
        with socket.create_connection((server.host, server.port)) as connection:
            for turn in range(options.turns):
                kinds = Batches(turn=turn, orders=options.scripts).kinds
                rates = {name: _run(connection, name, commands) for name, commands in kinds.items()}
                print(f"bench: scripts: {_words(rates)}", file=sys.stderr)
                turns.append(rates)
    peers = {name: median(rates[name] for rates in turns) for name in ("DECRBY", "nothing")}
    figures = []
    for name in ("pre_deduct", "settle", "drain"):
        rate = median(rates[name] for rates in turns)
        ratio = median(rates[name] / rates["DECRBY"] for rates in turns)
        goal = None if name == "drain" else 0.25
        figures += [
            rounded(f"position.{name}_rate", rate, "scripts/s", "higher", command=command, peers=peers),
            rounded(f"position.{name}_of_decrby", ratio, "ratio", "higher", command=command, goal=goal),
        ]
    return figures


def _run(connection: socket.socket, name: str, commands: Sequence[Words]) -> float:
    """Commands a second."""
    pipelines = [
        b"".join(map(_encoded, [*commands[at : at + PIPELINE], ("ECHO", END)]))
        for at in range(0, len(commands), PIPELINE)
    ]
    began = time.perf_counter()
    replies = [_exchange(connection, pipeline) for pipeline in pipelines]
    seconds = time.perf_counter() - began
    _check(name, b"".join(replies), len(commands))
    return len(commands) / seconds


def _exchange(connection: socket.socket, pipeline: bytes) -> bytes:
    connection.sendall(pipeline)
    received = b""
    while not received.endswith(END + b"\r\n"):
        received += connection.recv(1 << 20)
    return received


def _check(name: str, replies: bytes, count: int) -> None:
    """Every script must have done its work: the answer NEW, the number of fields drained."""
    wanted = {"DECRBY": b":", "drain": b":2\r\n"}.get(name, b"\r\nNEW")
    if replies.count(wanted) != count or b"-ERR" in replies:
        raise RuntimeError(f"{name} did not do what it is for: {replies[:200]!r}")


def _encoded(words: Iterable[str | int | bytes]) -> bytes:
    """As Redis's protocol has it."""
    parts = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    return b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%b\r\n" % (len(part), part) for part in parts)


def _order(user: int, number: int) -> Instruction:
    created = OrderCreated(
        symbol=SYMBOL,
        order=NewOrder(
            order_id=number << 10 | user % SHARDS,
            user_id=user,
            side=Side.SIDE_BUY,
            price=PRICE,
            quantity=QUANTITY,
        ),
        base_asset="BTC",
        quote_asset="USDT",
        quote_units_per_tick_lot=TICK_LOT,
        base_units_per_lot=LOT,
        hold_asset="USDT",
        hold=PRICE * QUANTITY * TICK_LOT,
        hold_per_unit=PRICE * TICK_LOT,
    )
    return Instruction(incarnation=1, number=number, user_id=user, time_unix_nanos=1, order_created=created)


def _leg(it: Instruction, seq: int, *, user: int) -> Leg:
    fill = Fill(trade_id=seq, price=PRICE, quantity=QUANTITY, fee_ppm=750, side=Side.SIDE_BUY, maker=False)
    order_id = it.order_created.order.order_id
    return Leg(seq=seq, leg=1, order_id=order_id, user_id=user, remaining=0, fill=fill)


def _words(rates: dict[str, float]) -> str:
    return ", ".join(f"{name} {rate:,.0f}/s" for name, rate in rates.items())

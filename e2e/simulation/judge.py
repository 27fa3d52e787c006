"""Holds every store to what follows from the logs: a list of differences, empty when all is well."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from outcry.v1.command_pb2 import CommandBatch
from outcry.v1.journal_pb2 import JournalBatch, JournalKind
from outcry_services.common.ids import database_of

from e2e.simulation import findings, risk_view
from e2e.simulation.breaking import NOWHERE
from e2e.simulation.judge_withdrawals import withdrawals_apart
from e2e.simulation.market import SHARDS
from e2e.simulation.reference import ORDER_ENDS, Reference, read_logs
from e2e.simulation.saga.judge import saga_apart

if TYPE_CHECKING:
    from outcry.v1.journal_pb2 import JournalEntry

    from e2e.simulation.people import Told
    from e2e.simulation.reference import Logs
    from e2e.simulation.world import World

__all__ = ["differences"]


def differences(world: World, told: Told, *, left: bool) -> list[str]:
    """What is not as it must be, once all is done that there is to do. `left`: every order has to end."""
    logs = read_logs(world.kafka, world.symbols)
    covers = _covers(world)
    reference = Reference(logs, covers=covers)
    broken = {one.user for one in world.broken}
    return [
        *(f"the house paid for {key}" for key in covers if key[0] not in broken),
        *told.faults,
        *reference.faults,
        *_unanswered(logs),
        *_commands(world, logs),
        *_told(told, logs),
        *(_ends(reference) if left else ()),
        *_redis(world, reference, left=left),
        *_journal(world, reference),
        *_rows(world, reference),
        *_ledger(world, reference, left=left),
        *withdrawals_apart(world, reference),
        *saga_apart(world, reference),
        *findings.faults_of(world),
        *risk_view.faults_of(world, logs, reference),
    ]


def _covers(world: World) -> dict[tuple[int, str], int]:
    """What the house paid for an instruction, by user and asset: no log tells it."""
    rows = world.mysql.execute(
        "SELECT t.user_id, c.asset, -SUM(c.amount) FROM ledger.entries c "
        "JOIN ledger.transactions t ON t.source = c.source AND t.position = c.position "
        "WHERE c.user_id = 0 AND c.kind = 'cover' AND c.source LIKE 'i:%' GROUP BY t.user_id, c.asset"
    )
    return {(user, asset): amount for user, asset, amount in rows}


def _unanswered(logs: Logs) -> list[str]:
    """Exactly one answer to each instruction; that there is no other is in `read_logs`."""
    return [f"{key} has no answer" for key in sorted(logs.instructions.keys() - logs.answers.keys())] + [
        f"{key} was answered and never asked"
        for key in sorted(logs.answers.keys() - logs.instructions.keys())
    ]


def _commands(world: World, logs: Logs) -> list[str]:
    """What was held, and what is to be cancelled, reaches its pair; what was refused doesn't."""
    expected: dict[str, set[tuple[int, int]]] = {symbol: set() for symbol in world.symbols}
    for (shard, number), asked in logs.instructions.items():
        answer = logs.answers.get((shard, number))
        kind = asked.WhichOneof("body") or ""
        if answer is None or kind not in _FORWARDED or answer.WhichOneof("body") == "refused":
            continue
        expected[getattr(asked, kind).symbol].add((shard, number))
    faults = []
    for symbol, keys in expected.items():
        found = [
            (command.source, command.number)
            for record in world.kafka.read_all(f"matching.{symbol}")
            for command in CommandBatch.FromString(record.value).commands
            if command.source < 1024
        ]
        if set(found) != keys:
            faults.append(f"matching.{symbol}: missing {keys - set(found)}, unasked {set(found) - keys}")
    return faults


_FORWARDED = frozenset({"order_created", "cancel_requested", "mass_cancel_requested"})


def _told(told: Told, logs: Logs) -> list[str]:
    """Invariant 7: whatever was acknowledged is in the log, once, under the number that was told."""
    faults = []
    names: Counter[tuple[int, str]] = Counter()
    for (shard, number), asked in logs.instructions.items():
        if asked.WhichOneof("body") == "order_created":
            name = (asked.user_id, asked.order_created.client_order_id)
            names[name] += 1
            if told.orders.get(name, number << 10 | shard) != number << 10 | shard:
                faults.append(f"order {name} is {number << 10 | shard}, and {told.orders[name]} was told")
    faults += [f"order {name} is in the log {count} times" for name, count in names.items() if count > 1]
    faults += [f"order {name} was acknowledged and is lost" for name in told.orders if not names[name]]
    for (kind, user, reference), number in told.money.items():
        if (user % 1024, number) not in logs.instructions:
            faults.append(f"{kind} {reference} of {user} was acknowledged and is lost")
    return faults


def _ends(reference: Reference) -> list[str]:
    """Invariant 7, and no hold outlives its order."""
    faults = [
        f"order {order_id} never ended: {order}"
        for order_id, order in reference.orders.items()
        if order.status not in ORDER_ENDS
    ]
    kept: Counter[tuple[int, str]] = Counter()
    for user, asset, amount in reference.in_flight.values():
        kept[user, asset] += amount
    return faults + [
        f"{amount} {asset} of {user} are held, {kept[user, asset]} by withdrawals"
        for (user, asset), amount in reference.held.items()
        if amount != kept[user, asset]
    ]


def _redis(world: World, reference: Reference, *, left: bool) -> list[str]:
    """Invariant 11, one side."""
    found: dict[str, Counter[tuple[int, str]]] = {"pos": Counter(), "held": Counter()}
    faults = []
    for key, value in world.redis.keys.values.items():
        kind, user, asset = _parts(key)
        if kind in found and isinstance(value, bytes) and value.isdigit():
            found[kind][user, asset] = int(value)
        elif kind in found:
            faults.append(f"{key!r} holds {value!r}")
        elif kind == "holds" and left and isinstance(value, dict):
            ids = {int(order_id) for order_id in value}
            faults += [f"Redis holds for {order_id}" for order_id in ids - reference.in_flight.keys()]
    faults += _apart("Redis available", found["pos"], reference.available)
    return faults + _apart("Redis held", found["held"], reference.held)


def _parts(key: bytes) -> tuple[str, int, str]:
    kind, _, rest = key.decode().partition(":{")
    user, _, asset = rest.partition("}:")
    return kind, int(user.strip("}")) if user.strip("}").isdigit() else 0, asset


def _journal(world: World, reference: Reference) -> list[str]:
    """The sums of the journal are the balances. An entry's cause names it; numbers change with a lost Redis.

    A user who was made again from the ledger begins there: what was written before doesn't count.
    """
    available: Counter[tuple[int, str]] = Counter()
    held: Counter[tuple[int, str]] = Counter()
    entries = [
        entry
        for number in range(world.kafka.topics()["journal"])
        for record in world.kafka.read_all("journal", number)
        for entry in JournalBatch.FromString(record.value).entries
    ]
    begin: dict[int, int] = {}
    for entry in entries:
        if entry.kind == JournalKind.JOURNAL_KIND_REBUILT:
            begin[entry.user_id] = max(entry.number, begin.get(entry.user_id, 0))
    seen = set()
    for entry in entries:
        if world.redis_deaths and findings.of_repair(entry):
            # What a replica lacked is in the journal under its cause.
            continue
        name = _name(entry, numbered=not world.redis_deaths)
        if name in seen or entry.number < begin.get(entry.user_id, 0):
            continue
        seen.add(name)
        for change in entry.changes:
            available[entry.user_id, change.asset] += change.available
            held[entry.user_id, change.asset] += change.held
    for one in world.broken:
        # In no journal, and undone in it.
        available[one.user, one.asset] += one.available
        held[one.user, one.asset] += one.held
    # What a replica lacks of that is known to nobody, and without a cursor numbers begin again.
    unknown = {one.user for one in world.broken if world.redis_deaths or one.way.startswith("cursor")}
    return [
        *_apart("journal available", _known(available, unknown), _known(reference.available, unknown)),
        *_apart("journal held", _known(held, unknown), _known(reference.held, unknown)),
    ]


def _name(entry: JournalEntry, *, numbered: bool) -> tuple[object, ...]:
    """A repair has no cause in a log, and what a broken cursor lets happen again has one for both times."""
    if entry.number and numbered:
        return (entry.user_id, entry.number)
    return (entry.user_id, entry.symbol, entry.cause, entry.leg)


def _known(amounts: Counter[tuple[int, str]], unknown: set[int]) -> Counter[tuple[int, str]]:
    return Counter(
        {key: amount for key, amount in amounts.items() if key[0] not in unknown and key[1] != NOWHERE}
    )


def _rows(world: World, reference: Reference) -> list[str]:
    """What users see of their orders."""
    faults = []
    found: dict[int, tuple[Any, ...]] = {}
    fills: Counter[int] = Counter()
    for shard in SHARDS:
        database = database_of(shard)
        for row in world.mysql.execute(
            f"SELECT order_id, status, executed, quote_executed FROM {database}.orders"
        ):
            found[row[0]] = row[1:]
        fills.update(
            dict(world.mysql.execute(f"SELECT order_id, COUNT(*) FROM {database}.fills GROUP BY order_id"))
        )
        faults += [
            f"instruction {shard}:{number} is {status}"
            for number, status in world.mysql.execute(f"SELECT number, status FROM {database}.instructions")
            if status == "PENDING"
        ]
    for order_id, order in reference.orders.items():
        expected = (order.status, order.executed, order.quote_executed)
        if found.get(order_id) != expected:
            faults.append(f"row of order {order_id} is {found.get(order_id)}, must be {expected}")
        if fills[order_id] != order.fills:
            faults.append(f"order {order_id} has {fills[order_id]} fills, must have {order.fills}")
    return faults + [
        f"row of order {order_id} is in no log" for order_id in found.keys() - reference.orders.keys()
    ]


def _ledger(world: World, reference: Reference, *, left: bool) -> list[str]:
    """Invariants 6 and 11, the other side: balances are the sums of entries, and every transaction is 0."""
    available: Counter[tuple[int, str]] = Counter()
    held: Counter[tuple[int, str]] = Counter()
    for user, asset, free, kept in world.mysql.execute(
        "SELECT user_id, asset, available, held FROM ledger.balances"
    ):
        available[user, asset], held[user, asset] = free, kept
    sums: Counter[tuple[int, str]] = Counter()
    for user, asset, amount in world.mysql.execute(
        "SELECT user_id, asset, SUM(amount) FROM ledger.entries WHERE user_id > 0 GROUP BY user_id, asset"
    ):
        sums[user, asset] = amount
    unbalanced = world.mysql.execute(
        "SELECT source, position, asset, SUM(amount) FROM ledger.entries "
        "GROUP BY source, position, asset HAVING SUM(amount) <> 0"
    )
    house = {
        (account, asset): amount
        for account, asset, amount in world.mysql.execute(
            "SELECT account, asset, SUM(balance) FROM ledger.house GROUP BY account, asset"
        )
    }
    expected = {
        (account, asset): amount
        for asset, accounts in reference.house.items()
        for account, amount in accounts.items()
        if amount
    }
    holds = {row[0] for row in world.mysql.execute("SELECT id FROM ledger.holds")}
    if any(one.side == "ledger" and one.way.startswith("a hold") for one in world.broken):
        # A trade without its hold is not posted: balances are repaired, and entries are for a person.
        sums, house = _both(reference), expected
    return [
        *(f"transaction {row} is not 0" for row in unbalanced),
        *_apart("ledger available", available, reference.available),
        *_apart("ledger held", held, reference.held),
        *_apart("ledger entries", sums, _both(reference)),
        *(
            f"house {key}: {house.get(key, 0)}, must be {expected.get(key, 0)}"
            for key in sorted({*house, *expected})
            if house.get(key, 0) != expected.get(key, 0)
        ),
        *(f"the ledger holds for {it}" for it in sorted(holds - reference.in_flight.keys()) if left),
    ]


def _both(reference: Reference) -> Counter[tuple[int, str]]:
    keys = {*reference.available, *reference.held}
    return Counter({key: reference.available[key] + reference.held[key] for key in keys})


def _apart(what: str, found: Counter[tuple[int, str]], expected: Counter[tuple[int, str]]) -> list[str]:
    return [
        f"{what} of {key}: {found[key]}, must be {expected[key]}"
        for key in sorted({*found, *expected})
        if found[key] != expected[key]
    ]

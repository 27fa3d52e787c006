"""Every way in which somebody could break a view by hand: each changes one user, and gives that user."""

from __future__ import annotations

from outcry_services.reconciler.redis_view import UserKeys

__all__ = ["LEDGER", "REDIS"]


async def _user_with(world, table="balances", condition="held > 0 AND available > 1"):
    """Somebody who has what the breaking needs, and in whom fewest things were broken before."""
    rows = await world.rows(
        f"SELECT user_id, asset FROM ledger.{table} WHERE {condition} ORDER BY user_id, asset"
    )
    # Two breakings of one user at a time are a third case: both sides are wrong.
    user, asset = min(rows, key=lambda row: world.broken[row[0]])
    world.broken[user] += 1
    return user, asset


def _redis(change):
    async def breaking(world):
        user, asset = await _user_with(world)
        await change(world, UserKeys(user), asset)
        return user

    return breaking


def _command(*words):
    async def change(world, keys, asset):
        names = {
            "pos": keys.available(asset),
            "held": keys.held(asset),
            "holds": keys.holds,
            "cur": keys.cursor,
        }
        await world.redis.command(*(names.get(word, word) for word in words))

    return change


async def _doubled(world, keys, asset):
    value = await world.redis.command("GET", keys.available(asset))
    await world.redis.command("INCRBY", keys.available(asset), value)


async def _list(world, keys, asset):
    await world.redis.command("DEL", keys.held(asset))
    await world.redis.command("RPUSH", keys.held(asset), "5")


async def _text(world, keys, _):
    await world.redis.command("DEL", keys.holds)
    await world.redis.command("SET", keys.holds, "lost")


async def _hold_gone(world, keys, _):
    fields = await world.redis.command("HGETALL", keys.holds)
    await world.redis.command("HDEL", keys.holds, next(iter(fields)))


async def _hold_larger(world, keys, _):
    fields = await world.redis.command("HGETALL", keys.holds)
    name, text = next(iter(fields.items()))
    left, _, rest = text.partition(b" ")
    await world.redis.command("HSET", keys.holds, name, b"%d %s" % (int(left) + 7, rest))


async def _swapped(world, keys, asset):
    """From available to held: the sum stays."""
    await world.redis.command("INCRBY", keys.held(asset), "1")
    await world.redis.command("DECRBY", keys.available(asset), "1")


REDIS = {
    "changed": _redis(_command("INCRBY", "pos", "1")),
    "held changed": _redis(_command("INCRBY", "held", "3")),
    "moved": _redis(_swapped),
    "deleted": _redis(_command("DEL", "pos")),
    "held deleted": _redis(_command("DEL", "held")),
    "doubled": _redis(_doubled),
    "another type": _redis(_list),
    "holds of another type": _redis(_text),
    "no number": _redis(_command("SET", "pos", "1e9")),
    "a hold gone": _redis(_hold_gone),
    "a hold larger": _redis(_hold_larger),
    "all holds gone": _redis(_command("DEL", "holds")),
    "cursor deleted": _redis(_command("DEL", "cur")),
    "cursor back": _redis(_command("HSET", "cur", "i", "1")),
    "cursor beyond the log": _redis(_command("HSET", "cur", "i", "999999")),
    "an asset that isn't there": _redis(
        lambda world, keys, _: world.redis.command("SET", keys.available("FAKE"), "5")
    ),
}


def _ledger(statement, *, table="balances", condition="held > 0 AND available > 1"):
    async def breaking(world):
        user, asset = await _user_with(world, table, condition)
        await world.change(statement, [user, asset])
        return user

    return breaking


_WHERE = "WHERE user_id = %s AND asset = %s"

LEDGER = {
    "changed": _ledger(f"UPDATE ledger.balances SET available = available - 1 {_WHERE}"),
    "held changed": _ledger(f"UPDATE ledger.balances SET held = held + 5 {_WHERE}"),
    "moved": _ledger(f"UPDATE ledger.balances SET held = held + 1, available = available - 1 {_WHERE}"),
    "doubled": _ledger(f"UPDATE ledger.balances SET available = available * 2 {_WHERE}"),
    "negative": _ledger(f"UPDATE ledger.balances SET available = -5 {_WHERE}"),
    "deleted": _ledger(f"DELETE FROM ledger.balances {_WHERE}"),
    "a row too many": _ledger(
        "INSERT INTO ledger.balances SELECT user_id, 'FAKE', 9, 0, source, position FROM ledger.balances "
        f"{_WHERE}"
    ),
    "a hold gone": _ledger(
        f"DELETE FROM ledger.holds {_WHERE} LIMIT 1", table="holds", condition="left_amount > 0"
    ),
    "a hold changed": _ledger(
        f"UPDATE ledger.holds SET left_amount = left_amount + 7 {_WHERE} LIMIT 1",
        table="holds",
        condition="left_amount > 0",
    ),
    "a hold doubled": _ledger(
        "INSERT INTO ledger.holds SELECT id + 1024000000, user_id, kind, asset, left_amount, per_unit, side, "
        f"symbol, base, quote, tick_lot, lot FROM ledger.holds {_WHERE} LIMIT 1",
        table="holds",
        condition="left_amount > 0",
    ),
    "a hold of another asset": _ledger(
        f"UPDATE ledger.holds SET asset = 'FAKE' {_WHERE} LIMIT 1", table="holds", condition="left_amount > 0"
    ),
}

"""The fake Redis and the real one give the same answers, to commands and to scripts alike."""

from __future__ import annotations

import uuid

import pytest
from outcry_services.common.errors import InternalError
from outcry_services.common.money import I64_MAX
from outcry_services.common.redis import Call, Redis, Script, exact

from e2e.simulation.redis_server import FakeRedis, FakeRedisServer

ADD = Script.of("add", "redis.call('INCRBY', KEYS[1], ARGV[1]) return redis.call('GET', KEYS[1])")


@pytest.fixture(params=["fake", pytest.param("real", marks=pytest.mark.integration)])
async def redis(request):
    if request.param == "fake":
        yield FakeRedis(FakeRedisServer())
        return
    real = Redis(request.getfixturevalue("redis_server").url)
    yield real
    await real.close()


@pytest.fixture
def key():
    """A key of the test's own; `{}` keeps what is derived from it in one slot."""
    return f"{{{uuid.uuid4().hex[:8]}}}"


async def outcome(redis, *words):
    """A reply, or the name of the error."""
    try:
        return await redis.command(*words)
    except InternalError as error:
        return error.name


async def outcome_of(redis, text, *keys_and_arguments, keys=1):
    """A script's reply, or the name of its error."""
    names, arguments = keys_and_arguments[:keys], keys_and_arguments[keys:]
    try:
        return await redis.run(Call(Script.of("test", text), names, arguments))
    except InternalError as error:
        return error.name


REFUSED = "REDIS_REFUSED"

COMMANDS = [
    # Each line: a command and its reply; K is the test's key.
    [
        ("SET K 10", True),
        ("GET K", b"10"),
        ("INCRBY K 5", 15),
        ("DECRBY K 20", -5),
        ("INCR K", -4),
        ("DECR K", -5),
        ("GET K", b"-5"),
        ("TYPE K", b"string"),
        ("EXISTS K K K2", 2),
        ("MGET K K2", [b"-5", None]),
        ("MSET K 7 K2", REFUSED),
        ("MSET K -5", True),
        ("DEL K K2", 1),
        ("GET K", None),
        ("TYPE K", b"none"),
        ("INCRBY K2 7", 7),
    ],
    [
        ("SET K 1 NX", True),
        ("SET K 2 NX", None),
        ("SET K 3 XX", True),
        ("SET K2 3 XX", None),
        ("GET K", b"3"),
    ],
    [
        ("SET K 9223372036854775806", True),
        ("INCRBY K 1", I64_MAX),
        ("INCRBY K 1", REFUSED),
        ("GET K", b"9223372036854775807"),
        ("DECRBY K -9223372036854775808", REFUSED),
        ("SET K -9223372036854775808", True),
        ("DECRBY K 1", REFUSED),
        ("INCRBY K 9223372036854775808", REFUSED),
    ],
    [(f"INCRBY K {text}", REFUSED) for text in ("1.0", "1e3", "+1", "01", "-0", "x", "0x10")],
    [("SET K 1.5", True), ("INCRBY K 1", REFUSED), ("SET K 007", True), ("INCRBY K 1", REFUSED)],
    [
        ("HSET K a 1 b 2", 2),
        ("HSET K a 3 c 4", 1),
        ("HGET K a", b"3"),
        ("HGET K z", None),
        ("HMGET K a z b", [b"3", None, b"2"]),
        ("HGETALL K", {b"a": b"3", b"b": b"2", b"c": b"4"}),
        ("HKEYS K", [b"a", b"b", b"c"]),
        ("HLEN K", 3),
        ("HINCRBY K a 4", 7),
        ("HINCRBY K n -4", -4),
        ("HSETNX K a 9", 0),
        ("HSETNX K d 9", 1),
        ("HEXISTS K d", True),
        ("HDEL K a b z", 2),
        ("HDEL K c d n", 3),
        ("EXISTS K", 0),
        ("HGETALL K", {}),
    ],
    [
        ("HSET K a 9223372036854775807 t x", 2),
        ("HINCRBY K a 1", REFUSED),
        ("HINCRBY K t 1", REFUSED),
        ("HSET K a", REFUSED),
        ("HSET K a 1 b", REFUSED),
    ],
    [
        ("RPUSH K a b c", 3),
        ("LPUSH K z", 4),
        ("LLEN K", 4),
        ("LRANGE K 0 -1", [b"z", b"a", b"b", b"c"]),
        ("LRANGE K 1 2", [b"a", b"b"]),
        ("LRANGE K -2 9", [b"b", b"c"]),
        ("LRANGE K 3 1", []),
        ("LINDEX K 0", b"z"),
        ("LINDEX K -1", b"c"),
        ("LINDEX K 9", None),
        ("LTRIM K 1 -1", True),
        ("LPOP K", b"a"),
        ("LTRIM K 5 9", True),
        ("EXISTS K", 0),
        ("LPOP K", None),
        ("LRANGE K 0 -1", []),
    ],
    [
        ("SADD K a b a", 2),
        ("SADD K b c", 1),
        ("SISMEMBER K a", 1),
        ("SISMEMBER K z", 0),
        ("SMEMBERS K", {b"a", b"b", b"c"}),
        ("SREM K a z", 1),
        ("SREM K b c", 2),
        ("EXISTS K", 0),
    ],
    [
        ("RPUSH K a", 1),
        ("GET K", REFUSED),
        ("INCRBY K 1", REFUSED),
        ("HGET K a", REFUSED),
        ("SADD K a", REFUSED),
        ("MGET K", [None]),
        ("TYPE K", b"list"),
        ("SET K 1", True),
        ("RPUSH K a", REFUSED),
        ("HINCRBY K a 1", REFUSED),
        ("TYPE K", b"string"),
    ],
    [("PING", True), ("GET", REFUSED), ("GET K K", REFUSED), ("INCRBY K", REFUSED)],
]


@pytest.mark.parametrize("lines", COMMANDS, ids=lambda lines: lines[0][0].split()[0] + str(len(lines)))
async def test_commands(redis, key, lines):
    for line, expected in lines:
        words = [word.replace("K", key, 1) if word in ("K", "K2") else word for word in line.split()]
        assert await outcome(redis, *words) == expected, line


SCRIPTS = {
    # What a script returns, and what becomes of it on its way.
    "return 1": 1,
    "return 3.99": 3,
    "return -3.99": -3,
    "return 'text'": b"text",
    "return true": 1,
    "return false": None,
    "return nil": None,
    "": None,
    "return {1, 'b', {2, 'c'}, 3.5}": [1, b"b", [2, b"c"], 3],
    "return {1, nil, 3}": [1],
    "return {1, false, 3}": [1, None, 3],
    "return {}": [],
    "return {ok = 'FINE'}": b"FINE",
    "return {err = 'MINE no'}": REFUSED,
    "return redis.status_reply('FINE')": b"FINE",
    "return redis.error_reply('no')": REFUSED,
    "return redis.sha1hex('')": b"da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "return redis.call('SET', KEYS[1], 'x')": b"OK",
    "return redis.call('SET', KEYS[1], 'x').ok": b"OK",
    "return redis.call('GET', KEYS[1])": None,
    "return redis.call('GET', KEYS[1]) == false": 1,
    "return tostring(redis.call('INCRBY', KEYS[1], 2) + 1)": b"3",
    "return type(redis.call('INCRBY', KEYS[1], '2'))": b"number",
    # A number that a command is given is written out by Redis, exact to 2^53 and not above.
    "redis.call('SET', KEYS[1], 9007199254740993) return redis.call('GET', KEYS[1])": b"9007199254740992",
    "redis.call('SET', KEYS[1], 0.1) return redis.call('GET', KEYS[1])": b"0.10000000000000001",
    "redis.call('SET', KEYS[1], 3.0) return redis.call('GET', KEYS[1])": b"3",
    # So is one that a command gives; beyond 64 bits it turns into the lowest of them.
    "redis.call('SET', KEYS[1], '9007199254740992') return redis.call('INCRBY', KEYS[1], 1)": 2**53,
    "redis.call('SET', KEYS[1], '9223372036854775807') return redis.call('INCRBY', KEYS[1], 0)": -(2**63),
    "redis.call('INCRBY', KEYS[1], '9223372036854775807') return redis.call('GET', KEYS[1])": b"%d" % I64_MAX,
    "redis.call('HSET', KEYS[1], 'a', 1, 'b', 2) return redis.call('HGETALL', KEYS[1])": [
        b"a",
        b"1",
        b"b",
        b"2",
    ],
    "redis.call('RPUSH', KEYS[1], 'a') return redis.call('LRANGE', KEYS[1], 0, -1)": [b"a"],
    "return #KEYS .. '/' .. #ARGV .. '/' .. ARGV[2]": b"1/2/two",
    "return tonumber('12') + 1": 13,
    "return string.format('%.0f', 2^53)": b"9007199254740992",
    "return tostring(2^53)": b"9.007199254741e+15",
    "return string.rep('0', 3) .. ('x'):upper()": b"000X",
    "return unpack({'a', 'b'})": b"a",
    "local t = {3, 1, 2} table.sort(t) return table.concat(t, ',')": b"1,2,3",
    "return select('#', ARGV[1], ARGV[2])": 2,
    # Errors, and what was done before them stays done: there is no rollback.
    "return redis.call('INCRBY', KEYS[1], 'x')": REFUSED,
    "return redis.call('INCRBY', KEYS[1])": REFUSED,
    "error('mine')": REFUSED,
    "error({err = 'MINE no'})": REFUSED,
    "redis.pcall('INCRBY', KEYS[1], 'x') return 'went on'": b"went on",
    "return redis.pcall('INCRBY', KEYS[1], 'x').err ~= nil": 1,
    "return redis.pcall('INCRBY', KEYS[1], 'x')": REFUSED,
    "local ok = pcall(redis.call, 'INCRBY', KEYS[1], 'x') return tostring(ok)": b"false",
    "redis.call('SET', KEYS[1], 1) redis.call('INCRBY', KEYS[1], 'x')": REFUSED,
    "return redis.call('GET', {})": REFUSED,
    "return redis.call('GET', nil)": REFUSED,
    "global = 1": REFUSED,
    "return undefined_name": REFUSED,
    "return not Lua": REFUSED,
}


@pytest.mark.parametrize("text", SCRIPTS)
async def test_scripts(redis, key, text):
    assert await outcome_of(redis, text, key, "one", "two") == SCRIPTS[text]


async def test_what_a_script_did_before_its_error_stays(redis, key):
    text = "redis.call('SET', KEYS[1], 1) redis.call('INCRBY', KEYS[1], 'x')"
    assert await outcome_of(redis, text, key) == REFUSED
    assert await redis.command("GET", key) == b"1"


async def test_a_batch_keeps_its_order_and_a_failure_its_place(redis, key):
    broken = Script.of("broken", "return redis.call('INCRBY', KEYS[1], 'x')")
    calls = [Call(ADD, (key,), (1,)), Call(broken, (key,)), Call(ADD, (key,), (2,))]
    await redis.run_all(calls)
    first, second, third = await redis.run_all(calls)
    assert (exact(first), exact(third)) == (4, 6)
    assert isinstance(second, InternalError)
    assert await redis.run_all([]) == []


async def test_scripts_that_redis_was_not_told_run_behind_the_others(redis, key):
    known = Script.of("known", f"return redis.call('INCRBY', KEYS[1], 1) -- {key}")
    fresh = Script.of("fresh", f"return redis.call('INCRBY', KEYS[1], 1) -- fresh {key}")
    await redis.run(Call(known, (key,)))
    assert await redis.run_all([Call(fresh, (key,)), Call(known, (key,))]) == [3, 2]
    assert await redis.run_all([Call(fresh, (key,)), Call(known, (key,))]) == [4, 5]


async def test_scripts_are_forgotten_and_told_again(redis, key):
    for number in range(1, 4):
        assert exact(await redis.run(Call(ADD, (key,), (1,)))) == number
        assert await redis.command("SCRIPT", "EXISTS", ADD.sha, "0" * 40) == [True, False]
        await redis.command("SCRIPT", "FLUSH")
        assert await redis.command("SCRIPT", "EXISTS", ADD.sha) == [False]


async def test_a_server_says_who_it_is(redis):
    found = await redis.command("INFO", "server")
    again = await redis.command("INFO", "server")
    assert found["run_id"] == again["run_id"]
    assert len(found["run_id"]) == 40
    assert (await redis.command("ROLE"))[0] == b"master"


async def test_keys_are_found_by_their_form(redis, key):
    await redis.command("SET", f"pos:{key}:BTC", 1)
    await redis.command("SET", f"held:{key}:BTC", 1)
    found, cursor = [], 0
    while True:
        cursor, some = await redis.command("SCAN", cursor, "MATCH", f"pos:{key}:*", "COUNT", 1000)
        found += some
        if int(cursor) == 0:
            break
    assert found == [f"pos:{key}:BTC".encode()]

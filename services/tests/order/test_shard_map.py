"""A shard map covers 1024 shards once; of two the newer one holds."""

from __future__ import annotations

import json

import pytest
from outcry_services.order.errors import ShardMapError
from outcry_services.order.shard_map import ShardMap, newer

SERVERS = {"a": "mysql://one:3306", "b": "mysql://two:3306"}


def written(ranges, *, version=1, servers=SERVERS):
    return json.dumps({"version": version, "servers": servers, "ranges": ranges})


def test_a_map_gives_every_shard_to_one_server():
    found = ShardMap.parse(written([[512, 1023, "b"], [0, 511, "a"]]))
    assert (found.owners[0], found.owners[511], found.owners[512], found.owners[1023]) == ("a", "a", "b", "b")
    assert found.shards_of("b") == list(range(512, 1024))
    assert ShardMap.parse(found.text()) == found


@pytest.mark.parametrize(
    ("ranges", "why"),
    [
        ([[0, 511, "a"], [511, 1023, "b"]], "511 to 'a' and to 'b'"),
        ([[0, 510, "a"], [512, 1023, "b"]], "no server for 1 shards, the first is 511"),
        ([[0, 1023, "c"]], "'c', which is not in"),
        ([[0, 1024, "a"]], "malformed"),
        ([[-1, 1023, "a"]], "malformed"),
        ([[1023, 0, "a"]], "ends before it begins"),
        ([["0", 1023, "a"]], "malformed"),
        ([], "no server for 1024 shards"),
    ],
)
def test_a_map_that_leaves_something_open_is_none(ranges, why):
    with pytest.raises(ShardMapError, match=why):
        ShardMap.parse(written(ranges))


def test_a_map_never_holds_a_user_or_a_password():
    with pytest.raises(ShardMapError, match="malformed"):
        ShardMap.parse(written([[0, 1023, "a"]], servers={"a": "mysql://root:secret@one:3306"}))


def test_moved_shards_make_the_next_version():
    before = ShardMap.parse(written([[0, 1023, "a"]]))
    after = before.moved(range(100, 200), to="b")
    assert after.version == 2
    assert json.loads(after.text())["ranges"] == [[0, 99, "a"], [100, 199, "b"], [200, 1023, "a"]]
    with pytest.raises(ShardMapError, match="no server 'c'"):
        before.moved([1], to="c")
    assert newer(before, after) == newer(after, before) == after
    with pytest.raises(ShardMapError, match="version 2 say different"):
        newer(after, before.moved([5], to="b"))

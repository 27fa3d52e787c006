"""The command: what it takes, what it prints, how it ends."""

from __future__ import annotations

import json

import pytest
from outcry_services.common.ids import database_of
from outcry_services.order.__main__ import main


@pytest.mark.parametrize("text", ["5-3", "1024", "0-1024", "-1", "a", "1-2-3", ""])
def test_a_range_of_shards_makes_sense_or_is_refused(text, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["move", "--to", "b", f"--shards={text}"])
    assert ended.value.code == 2
    assert "no range of shards" in capsys.readouterr().err


def test_settings_that_are_missing_end_it_with_one_line(monkeypatch, capsys):
    monkeypatch.delenv("OUTCRY_SHARD_MAP_FILE", raising=False)
    monkeypatch.delenv("OUTCRY_SHARD_MAP", raising=False)
    monkeypatch.setenv("OUTCRY_CONSUL", "http://127.0.0.1:1")
    with pytest.raises(SystemExit) as ended:
        main(["migrate"])
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert error == "outcry order: set OUTCRY_SHARD_MAP or OUTCRY_SHARD_MAP_FILE: where the 1024 shards are\n"


@pytest.mark.integration
def test_a_shard_is_moved_and_numbered_on_by_command(
    environment, kafka, consul, shard_server, other_server, shards_of_test, orders_topic, capsys
):
    shard = shards_of_test[0]
    main(["move", "--shards", str(shard), "--to", "b"])
    told = capsys.readouterr().out
    assert f"moved 1 of 1 databases, the last was {database_of(shard)}" in told
    chosen = json.loads(told.splitlines()[-1])
    assert (chosen["version"], [shard, shard, "b"] in chosen["ranges"]) == (2, True)
    main(["restored", "--shards", str(shard)])
    assert f"{database_of(shard)} goes on behind 0, and lacks nothing" in capsys.readouterr().out
    assert other_server.execute(f"SELECT incarnation, last FROM {database_of(shard)}.counter") == [(2, 0)]
    assert (database_of(shard),) not in shard_server.execute("SHOW DATABASES")
    consul.delete("kv/outcry/shards")
    other_server.execute(f"DROP DATABASE {database_of(shard)}")

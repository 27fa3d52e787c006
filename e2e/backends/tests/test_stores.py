"""MariaDB and Redis keep what they acknowledged over a kill, and their copies follow."""

from __future__ import annotations

import pytest

from e2e.backends import MariaDbServer, MissingServerError, RedisCluster, RedisServer, wait_until
from e2e.backends.programs import installed_program

pytestmark = pytest.mark.integration


def test_mariadb_keeps_what_was_committed_and_two_stand_side_by_side():
    with MariaDbServer() as first, MariaDbServer(server_id=2) as second:
        first.execute("CREATE DATABASE kept")
        first.execute("CREATE TABLE kept.numbers (number BIGINT PRIMARY KEY) ENGINE=InnoDB")
        first.execute("INSERT INTO kept.numbers VALUES (%s)", [2**63 - 1])
        first.restart()
        assert first.execute("SELECT number FROM kept.numbers") == [(2**63 - 1,)]
        assert second.execute("SHOW DATABASES LIKE 'kept'") == []
        assert [server.execute("SELECT @@server_id") for server in (first, second)] == [[(1,)], [(2,)]]
    assert not first.process.running
    assert not first.directory.exists()


def test_mariadb_writes_whole_rows_to_a_synced_binary_log(mariadb: MariaDbServer):
    names = (
        "binlog_format, @@binlog_row_image, @@binlog_row_metadata, @@log_bin_compress, "
        "@@sync_binlog, @@innodb_flush_log_at_trx_commit"
    )
    assert mariadb.execute(f"SELECT @@{names}") == [("ROW", "FULL", "FULL", 0, 1, 1)]
    file, position, *_ = mariadb.execute("SHOW MASTER STATUS")[0]
    mariadb.execute("CREATE DATABASE logged")
    later_file, later, *_ = mariadb.execute("SHOW MASTER STATUS")[0]
    assert (later_file, later) > (file, position)


def test_redis_keeps_what_was_written_and_its_replica_takes_over():
    with RedisServer() as primary, RedisServer(replica_of=primary) as replica:
        with primary.client() as client:
            client.set("kept", "1")
            assert client.wait(1, 5000) == 1
        primary.restart()
        with primary.client() as client:
            assert client.get("kept") == b"1"
        primary.kill()
        replica.promote()
        with replica.client() as client:
            client.set("kept", "2")
        primary.start()
        primary.follow(replica)
        with primary.client() as client:
            assert client.get("kept") == b"2"


def test_redis_cluster_serves_on_after_a_master_is_killed():
    with RedisCluster() as cluster:
        with cluster.client() as client:
            client.set("pos:{7}:BTC", "5")
            assert client.wait(1, 5000, target_nodes=client.get_node_from_key("pos:{7}:BTC")) == 1
        killed = cluster.fail_over("pos:{7}:BTC")
        with cluster.client() as client:
            assert client.get("pos:{7}:BTC") == b"5"
        killed.start()
        cluster.wait_healthy()
        with killed.client() as client:
            wait_until(
                lambda: client.info("replication")["role"] == "slave",
                seconds=30,
                what="it follows",
            )


def test_a_missing_program_names_its_package():
    with pytest.raises(MissingServerError, match="apt-get install some-package"):
        installed_program("no-such-program", package="some-package")

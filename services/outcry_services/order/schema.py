"""The tables of a shard's database, and the statements that make them. Made again, they change nothing.

    counter       one row: the shard's incarnation, and the number of its last instruction
    published     one row: up to which number `orders` has the outbox, at least
    outbox        instructions by number, until they are published; a payload is an encoded `Instruction`
    orders        one row an order
    fills         the legs of trades by which its orders traded; `id` is the order in which they came
    instructions  deposits, adjustments and withdrawals
    withdrawals   one row a withdrawal: what became of its payout (see `payouts`)
    withdrawal_steps  each step of it with its time, and who took it why; `id` is their order
    claims        references of deposits and adjustments of ANY user that hash to this shard
    positions     how far this service has read its topics; in shard 0 alone, and empty in the others

`client_order_id` and `reference` compare byte by byte.
"""
# ruff: noqa: S608 - the names in statements are made from shard numbers here, values are arguments

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.ids import database_of

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["MOVED", "TABLES", "statements", "tables_of"]

MOVED = "moved_"
"""What the names of tables begin with that are being moved away: nobody finds them any more."""

TABLES = {
    "counter": """
        id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
        incarnation BIGINT UNSIGNED NOT NULL,
        last BIGINT UNSIGNED NOT NULL
    """,
    "published": """
        id TINYINT UNSIGNED NOT NULL PRIMARY KEY,
        number BIGINT UNSIGNED NOT NULL
    """,
    "outbox": """
        number BIGINT UNSIGNED NOT NULL PRIMARY KEY,
        payload BLOB NOT NULL
    """,
    "orders": """
        order_id BIGINT UNSIGNED NOT NULL PRIMARY KEY,
        user_id BIGINT UNSIGNED NOT NULL,
        client_order_id VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        digest BINARY(16) NOT NULL,
        symbol VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        base_asset VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        quote_asset VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        base_scale TINYINT UNSIGNED NOT NULL,
        quote_scale TINYINT UNSIGNED NOT NULL,
        price_scale TINYINT UNSIGNED NOT NULL,
        tick BIGINT NOT NULL,
        lot BIGINT NOT NULL,
        side TINYINT UNSIGNED NOT NULL,
        type TINYINT UNSIGNED NOT NULL,
        time_in_force TINYINT UNSIGNED NOT NULL,
        price BIGINT NOT NULL,
        quantity BIGINT NOT NULL,
        quote_quantity BIGINT NOT NULL,
        display_quantity BIGINT NOT NULL,
        stop_price BIGINT NOT NULL,
        trailing_delta INT NOT NULL,
        self_trade_prevention TINYINT UNSIGNED NOT NULL,
        expire_time BIGINT NOT NULL,
        hold_asset VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        hold BIGINT NOT NULL,
        hold_per_unit BIGINT NOT NULL,
        created BIGINT NOT NULL,
        ended TINYINT UNSIGNED NOT NULL DEFAULT 0,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING_NEW',
        reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        executed BIGINT NOT NULL DEFAULT 0,
        quote_executed BIGINT NOT NULL DEFAULT 0,
        seq BIGINT UNSIGNED NOT NULL DEFAULT 0,
        updated BIGINT NOT NULL,
        UNIQUE KEY by_client_order_id (user_id, client_order_id),
        KEY by_user (user_id, ended, order_id)
    """,
    "fills": """
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        symbol VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        trade_id BIGINT UNSIGNED NOT NULL,
        leg TINYINT UNSIGNED NOT NULL,
        order_id BIGINT UNSIGNED NOT NULL,
        user_id BIGINT UNSIGNED NOT NULL,
        side TINYINT UNSIGNED NOT NULL,
        price BIGINT NOT NULL,
        quantity BIGINT NOT NULL,
        fee_ppm INT NOT NULL,
        time BIGINT NOT NULL,
        UNIQUE KEY by_leg (symbol, trade_id, leg),
        KEY by_user (user_id, id)
    """,
    "instructions": """
        number BIGINT UNSIGNED NOT NULL PRIMARY KEY,
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        user_id BIGINT UNSIGNED NOT NULL,
        reference VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        digest BINARY(16) NOT NULL,
        asset VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        scale TINYINT UNSIGNED NOT NULL,
        amount BIGINT NOT NULL,
        detail VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        actor VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        created BIGINT NOT NULL,
        status VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
        reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        UNIQUE KEY by_reference (kind, user_id, reference)
    """,
    "withdrawals": """
        number BIGINT UNSIGNED NOT NULL PRIMARY KEY,
        user_id BIGINT UNSIGNED NOT NULL,
        asked_network VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        stage VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT 'PENDING',
        reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        chain VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        network VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        conflict_point VARCHAR(256) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        transactions VARCHAR(16000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        retries INT UNSIGNED NOT NULL DEFAULT 0,
        answered BIGINT NOT NULL DEFAULT 0,
        updated BIGINT NOT NULL,
        ended TINYINT UNSIGNED NOT NULL DEFAULT 0,
        KEY by_user (user_id, number),
        KEY open (ended, number)
    """,
    "withdrawal_steps": """
        id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
        number BIGINT UNSIGNED NOT NULL,
        time BIGINT NOT NULL,
        stage VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        reason VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        transaction_id VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        note VARCHAR(256) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        actor VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        KEY by_withdrawal (number, id)
    """,
    "claims": """
        kind VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        reference VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        digest BINARY(16) NOT NULL,
        PRIMARY KEY (kind, reference)
    """,
    "positions": """
        topic VARCHAR(249) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        partition_number INT UNSIGNED NOT NULL,
        next_offset BIGINT NOT NULL,
        marks MEDIUMTEXT NOT NULL,
        PRIMARY KEY (topic, partition_number)
    """,
}


def tables_of(shard: int, *, prefix: str = "", there: Collection[str] = ()) -> list[str]:
    """What makes the tables of a shard that aren't there; `prefix` is put before their names."""
    database = database_of(shard)
    return [
        f"CREATE TABLE {database}.{prefix}{name} ({' '.join(columns.split())}) ENGINE=InnoDB"
        for name, columns in TABLES.items()
        if name not in there
    ]


def statements(shard: int, *, incarnation: int, there: Collection[str] = ()) -> list[str]:
    """Everything that makes what a shard's database lacks; `there`: the tables that it has, not all of them.

    The last table that it lacks comes behind the rows: a database that has all tables has the rows, too, be
    it new or of a version with fewer tables.
    """
    database = database_of(shard)
    *tables, last = tables_of(shard, there=there)
    return [
        *([] if there else [f"CREATE DATABASE IF NOT EXISTS {database}"]),
        *tables,
        f"INSERT INTO {database}.published VALUES (1, 0) ON DUPLICATE KEY UPDATE id = id",
        f"INSERT INTO {database}.counter VALUES (1, {int(incarnation)}, 0) ON DUPLICATE KEY UPDATE id = id",
        # Of withdrawals that are older than their table.
        _older_withdrawals(database),
        last,
    ]


def _older_withdrawals(database: str) -> str:
    return (
        f"INSERT IGNORE INTO {database}.withdrawals (number, user_id, asked_network, stage, updated, ended) "
        "SELECT number, user_id, '', status, created, IF(status = 'REFUSED', 1, 0) "
        f"FROM {database}.instructions WHERE kind = 'WITHDRAWAL'"
    )

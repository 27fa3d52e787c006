"""The tables of a wallet, and how they come to be. What is there is left as it is.

`writer`        one row: who may write (`epoch`), locked first in every change
`withdrawals`   each with how far it is, and the conflict point that it is bound to
`payments`      what is paid in one transaction, which may be replaced by another of a higher fee
`transactions`  every version of a payment, as it was built and as it was signed
`coins`         outputs of Bitcoin that are ours, and what spends them
`cold_coins`    the same of the cold wallet's
`nonces`        of Ethereum's account, which payment has which
`moves`         payments from one account of ours to another: what they move, and what the chain took for it
`gathered`      which payment took a deposit away from its user's address
`group_keys`    the public keys that the quorum signs with
`places`        how far each follower of the chain is

and those of `deposits.schema`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from outcry_services.common.errors import ConfigError
from outcry_services.wallet.deposits.schema import TABLES as DEPOSIT_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import MySql

__all__ = ["migrate", "naming"]

log = logging.getLogger(__name__)

_ASCII = "CHARACTER SET ascii COLLATE ascii_bin"
_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_WORD = f"VARCHAR(64) {_ASCII} NOT NULL"
_NAME = f"VARCHAR(128) {_ASCII} NOT NULL"
_UNITS = "DECIMAL(38, 0)"

_COINS = f"""outpoint {_NAME} PRIMARY KEY, path {_WORD}, script VARBINARY(64) NOT NULL,
                units {_UNITS} NOT NULL, height BIGINT, block {_WORD}, spent_by {_WORD}, spent_height BIGINT,
                own BOOLEAN NOT NULL, payment BIGINT, KEY unspent (spent_height, height),
                KEY spent_in (payment)"""

_TABLES = {
    "writer": """CREATE TABLE IF NOT EXISTS wallet.writer (
                id TINYINT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL) ENGINE=InnoDB""",
    "withdrawals": f"""CREATE TABLE IF NOT EXISTS wallet.withdrawals (
                id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, asset {_WORD},
                scale TINYINT NOT NULL, amount BIGINT NOT NULL, units {_UNITS} NOT NULL,
                asked_address VARCHAR(512) {_TEXT} NOT NULL, address {_NAME}, requested_at BIGINT NOT NULL,
                state {_WORD}, reason {_WORD}, note VARCHAR(256) {_TEXT} NOT NULL, conflict_point {_NAME},
                max_fee {_UNITS} NOT NULL, approval BLOB, payment BIGINT, retries INT NOT NULL,
                updated BIGINT NOT NULL, KEY open_ones (state, requested_at), KEY paid_by (payment))
                ENGINE=InnoDB""",
    "payments": f"""CREATE TABLE IF NOT EXISTS wallet.payments (
                id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, kind {_WORD}, state {_WORD}, reason {_WORD},
                asked BOOLEAN NOT NULL, created BIGINT NOT NULL, KEY open_ones (state)) ENGINE=InnoDB""",
    "transactions": f"""CREATE TABLE IF NOT EXISTS wallet.transactions (
                txid {_NAME} PRIMARY KEY, payment BIGINT NOT NULL, version INT NOT NULL, state {_WORD},
                unsigned_form MEDIUMBLOB NOT NULL, signed_form MEDIUMBLOB, fee {_UNITS} NOT NULL,
                size BIGINT NOT NULL, created BIGINT NOT NULL, UNIQUE KEY versions (payment, version))
                ENGINE=InnoDB""",
    "coins": f"CREATE TABLE IF NOT EXISTS wallet.coins ({_COINS}) ENGINE=InnoDB",
    "cold_coins": f"CREATE TABLE IF NOT EXISTS wallet.cold_coins ({_COINS}) ENGINE=InnoDB",
    "nonces": f"""CREATE TABLE IF NOT EXISTS wallet.nonces (
                account {_WORD}, nonce BIGINT NOT NULL, payment BIGINT NOT NULL,
                PRIMARY KEY (account, nonce)) ENGINE=InnoDB""",
    "moves": f"""CREATE TABLE IF NOT EXISTS wallet.moves (
                payment BIGINT NOT NULL PRIMARY KEY, source {_WORD}, account {_WORD}, target {_WORD},
                user_id BIGINT NOT NULL, asset {_WORD}, units {_UNITS} NOT NULL, conflict_point {_NAME},
                txid {_NAME} DEFAULT '', fee {_UNITS}, ended BIGINT, KEY of_user (user_id))
                ENGINE=InnoDB""",
    "gathered": f"""CREATE TABLE IF NOT EXISTS wallet.gathered (
                deposit VARCHAR(160) {_ASCII} NOT NULL PRIMARY KEY, payment BIGINT NOT NULL,
                KEY of_payment (payment)) ENGINE=InnoDB""",
    "group_keys": f"""CREATE TABLE IF NOT EXISTS wallet.group_keys (
                scheme {_WORD} PRIMARY KEY, xpub {_NAME}, address {_NAME}) ENGINE=InnoDB""",
    "places": f"""CREATE TABLE IF NOT EXISTS wallet.places (
                name {_WORD} PRIMARY KEY, blocks MEDIUMTEXT {_ASCII} NOT NULL) ENGINE=InnoDB""",
}


def naming(database: str) -> Callable[[str], str]:
    """Puts the database's own name into statements, which call it `wallet`. Raises `ConfigError`."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", database, re.ASCII):
        raise ConfigError(f"{database!r} is no name of a database; use letters, digits and underscores")
    return lambda statement: statement.replace("wallet.", f"{database}.")


async def migrate(mysql: MySql, *, database: str) -> None:
    """Make what is missing. Safe to run again, at any time and by several."""
    named = naming(database)
    async with mysql.session() as session:
        rows = await session.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [database]
        )
        there = {name for (name,) in rows}
        if not there:
            await session.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
        for name, statement in {**_TABLES, **DEPOSIT_TABLES}.items():
            if name not in there:
                log.info("making a table", extra={"table": f"{database}.{name}"})
                await session.execute(named(statement))
        if await session.query(named("SELECT COUNT(*) FROM wallet.writer")) == [(0,)]:
            await session.execute(named("INSERT IGNORE INTO wallet.writer (id, epoch) VALUES (1, 0)"))

"""The tables of the ledger, and how they come to be.

What is there is left as it is: a run that was cut short is made whole by the next.

`writer`        one row: who may write (`epoch`), and how many batches were written. It is locked first in
                every batch, and by whoever else changes the ledger: so all writers stand in one line
`cursors`       how far each source is in the books: (incarnation, number) of a shard, mark of a pair
`offsets`       from where each partition is read after a restart
`transactions`  one row a cause; the key is the idempotency key, kept for ever
`entries`       the postings, in the order in which they were made; `balance` is the user's account after it
`balances`      what each user has of each asset, with the last cause: what a reader of the binary log sees
`house`         the same for the house, whose sums over all users leave 64 bits; `scope` is the pair for fees
                and clearing
`holds`         what is held for each open order and each withdrawal
`outside`       what each deposit and each payout changed of the coins that chains must have, under the name
                by which wallets know it: chain and books are compared by it
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from outcry_services.common.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from outcry_services.common.mysql import MySql

__all__ = ["DATABASE", "migrate", "naming"]

log = logging.getLogger(__name__)

DATABASE = "ledger"

_ASCII = "CHARACTER SET ascii COLLATE ascii_bin"
_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_SOURCE = f"VARCHAR(40) {_ASCII} NOT NULL"
_ASSET = f"VARCHAR(32) {_ASCII} NOT NULL"
_WORD = f"VARCHAR(24) {_ASCII} NOT NULL"
_SUM = "DECIMAL(38, 0)"

_TABLES = {
    "writer": """CREATE TABLE IF NOT EXISTS ledger.writer (
                id TINYINT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, batch BIGINT NOT NULL)
                ENGINE=InnoDB""",
    "cursors": f"""CREATE TABLE IF NOT EXISTS ledger.cursors (
                source {_SOURCE} PRIMARY KEY, incarnation BIGINT NOT NULL, position BIGINT NOT NULL)
                ENGINE=InnoDB""",
    "offsets": f"""CREATE TABLE IF NOT EXISTS ledger.offsets (
                topic VARCHAR(200) {_ASCII} NOT NULL, part INT NOT NULL, position BIGINT NOT NULL,
                PRIMARY KEY (topic, part)) ENGINE=InnoDB""",
    "transactions": f"""CREATE TABLE IF NOT EXISTS ledger.transactions (
                source {_SOURCE}, position BIGINT NOT NULL, kind {_WORD}, user_id BIGINT NOT NULL,
                order_id BIGINT NOT NULL, trade_id BIGINT NOT NULL, symbol {_ASSET},
                time_unix_nanos BIGINT NOT NULL, reference VARCHAR(1000) {_TEXT} NOT NULL,
                note VARCHAR(1000) {_TEXT} NOT NULL, PRIMARY KEY (source, position)) ENGINE=InnoDB""",
    "entries": f"""CREATE TABLE IF NOT EXISTS ledger.entries (
                id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, source {_SOURCE}, position BIGINT NOT NULL,
                line TINYINT NOT NULL, user_id BIGINT NOT NULL, account {_WORD}, asset {_ASSET},
                amount BIGINT NOT NULL, balance BIGINT, kind {_WORD},
                KEY statement (user_id, id), KEY cause (user_id, source, position)) ENGINE=InnoDB""",
    "balances": f"""CREATE TABLE IF NOT EXISTS ledger.balances (
                user_id BIGINT NOT NULL, asset {_ASSET}, available BIGINT NOT NULL, held BIGINT NOT NULL,
                source {_SOURCE}, position BIGINT NOT NULL, PRIMARY KEY (user_id, asset)) ENGINE=InnoDB""",
    "house": f"""CREATE TABLE IF NOT EXISTS ledger.house (
                account {_WORD}, scope {_ASSET}, asset {_ASSET}, balance {_SUM} NOT NULL,
                PRIMARY KEY (account, scope, asset)) ENGINE=InnoDB""",
    "holds": f"""CREATE TABLE IF NOT EXISTS ledger.holds (
                id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, kind {_WORD}, asset {_ASSET},
                left_amount BIGINT NOT NULL, per_unit BIGINT NOT NULL, side TINYINT NOT NULL, symbol {_ASSET},
                base {_ASSET}, quote {_ASSET}, tick_lot BIGINT NOT NULL, lot BIGINT NOT NULL,
                KEY holder (user_id)) ENGINE=InnoDB""",
    "outside": f"""CREATE TABLE IF NOT EXISTS ledger.outside (
                reference VARCHAR(255) {_TEXT} NOT NULL, user_id BIGINT NOT NULL, asset {_ASSET},
                amount {_SUM} NOT NULL, PRIMARY KEY (reference, user_id, asset)) ENGINE=InnoDB""",
}


_FILL_OUTSIDE = """INSERT IGNORE INTO ledger.outside (reference, user_id, asset, amount)
    SELECT IF(t.kind = 'deposit', SUBSTR(t.reference, 1, 255), CONCAT('withdrawal:', t.order_id)),
    t.user_id, e.asset, -SUM(e.amount) FROM ledger.entries e JOIN ledger.transactions t
    ON t.source = e.source AND t.position = e.position
    WHERE e.user_id = 0 AND e.account IN ('deposits', 'withdrawals', 'chain_fees') GROUP BY 1, 2, 3"""


def naming(database: str) -> Callable[[str], str]:
    """Puts the database's own name into statements, which call it `ledger`. Raises `ConfigError`."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", database, re.ASCII):
        raise ConfigError(f"{database!r} is no name of a database; use letters, digits and underscores")
    return lambda statement: statement.replace("ledger.", f"{database}.")


async def migrate(mysql: MySql, *, database: str = DATABASE) -> None:
    """Make what is missing, and widen what is too narrow. Safe to run again, at any time and by several."""
    named = naming(database)
    async with mysql.session() as session:
        rows = await session.query(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", [database]
        )
        there = {name for (name,) in rows}
        if not there:
            await session.execute(f"CREATE DATABASE IF NOT EXISTS {database}")
        for name, statement in _TABLES.items():
            if name not in there:
                log.info("making a table", extra={"table": f"{database}.{name}"})
                await session.execute(named(statement))
        narrow = await session.query(
            "SELECT data_type FROM information_schema.columns WHERE table_schema = %s "
            "AND table_name = 'house' AND column_name = 'balance' AND data_type = 'bigint'",
            [database],
        )
        if narrow:
            log.info("widening a column", extra={"column": f"{database}.house.balance"})
            await session.execute(named(f"ALTER TABLE ledger.house MODIFY balance {_SUM} NOT NULL"))
        # Of a ledger that is older than the table.
        if not await session.query(named("SELECT 1 FROM ledger.outside LIMIT 1")):
            await session.execute(named(_FILL_OUTSIDE))
        if await session.query(named("SELECT COUNT(*) FROM ledger.writer")) == [(0,)]:
            await session.execute(
                named("INSERT IGNORE INTO ledger.writer (id, epoch, batch) VALUES (1, 0, 0)")
            )

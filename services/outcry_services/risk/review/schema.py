"""The tables of reviews, in a database of their own, `risk`.

`users`          one row a user: locked first, so that a user's withdrawals are judged one after the other
`reviews`        what was asked, and how it stands
`votes`          what administrators said, one each for a withdrawal
`approvals`      every signature that was given
`address_rules`  what was said of addresses, in that order: of each the last counts
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from outcry_services.common.mysql import MySql

__all__ = ["migrate"]

_ASCII = "CHARACTER SET ascii COLLATE ascii_bin"
_TEXT = "CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_WORD = f"VARCHAR(32) {_ASCII} NOT NULL"
_ADDRESS = f"VARCHAR(128) {_ASCII} NOT NULL"

_TABLES = (
    "CREATE TABLE IF NOT EXISTS risk.users (user_id BIGINT NOT NULL PRIMARY KEY) ENGINE=InnoDB",
    f"""CREATE TABLE IF NOT EXISTS risk.reviews (
        withdrawal_id BIGINT NOT NULL PRIMARY KEY, user_id BIGINT NOT NULL, ledger_asset {_WORD},
        ledger_amount BIGINT NOT NULL, scale TINYINT NOT NULL, chain {_WORD}, network {_WORD},
        asset {_ADDRESS}, address {_ADDRESS}, amount VARCHAR(80) {_ASCII} NOT NULL, tier {_WORD},
        status {_WORD}, reason {_WORD}, message VARCHAR(512) {_TEXT} NOT NULL,
        actor VARCHAR(128) {_TEXT} NOT NULL,
        conflict_point VARCHAR(200) {_ASCII} NOT NULL, max_fee VARCHAR(80) {_ASCII} NOT NULL,
        not_before BIGINT NOT NULL, asked_at BIGINT NOT NULL, decided_at BIGINT NOT NULL,
        KEY by_user (user_id, ledger_asset, asked_at), KEY by_status (status, withdrawal_id))
        ENGINE=InnoDB""",
    f"""CREATE TABLE IF NOT EXISTS risk.votes (
        withdrawal_id BIGINT NOT NULL, user_id BIGINT NOT NULL, approve TINYINT NOT NULL,
        reason VARCHAR(512) {_TEXT} NOT NULL, actor VARCHAR(128) {_TEXT} NOT NULL, time BIGINT NOT NULL,
        PRIMARY KEY (withdrawal_id, user_id)) ENGINE=InnoDB""",
    f"""CREATE TABLE IF NOT EXISTS risk.approvals (
        withdrawal_id BIGINT NOT NULL, reviewed_at BIGINT NOT NULL, expires_at BIGINT NOT NULL,
        key_id {_WORD}, approval BLOB NOT NULL, signature VARBINARY(64) NOT NULL,
        PRIMARY KEY (withdrawal_id, reviewed_at)) ENGINE=InnoDB""",
    f"""CREATE TABLE IF NOT EXISTS risk.address_rules (
        id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, chain {_WORD}, network {_WORD}, address {_ADDRESS},
        user_id BIGINT NOT NULL, listing {_WORD}, reason VARCHAR(512) {_TEXT} NOT NULL,
        actor VARCHAR(128) {_TEXT} NOT NULL, time BIGINT NOT NULL,
        KEY by_address (address, chain, network, user_id)) ENGINE=InnoDB""",
)


async def migrate(mysql: MySql) -> None:
    """Make what is missing; safe to run again."""
    async with mysql.session() as session:
        await session.execute("CREATE DATABASE IF NOT EXISTS risk")
        for statement in _TABLES:
            await session.execute(statement)

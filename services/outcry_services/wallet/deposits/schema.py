"""The tables of deposits; `wallet.schema` makes them with its own.

`addresses`    given out, and to whom
`deposits`     each from the block in which it was seen; kept for ever
`kept_aside`   what arrived and is not credited
`aside_decisions`  what an administrator decided of it
"""

from __future__ import annotations

__all__ = ["TABLES"]

_ASCII = "CHARACTER SET ascii COLLATE ascii_bin"
_WORD = f"VARCHAR(64) {_ASCII} NOT NULL"
_NAME = f"VARCHAR(128) {_ASCII} NOT NULL"
_TEXT = "VARCHAR(512) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"
_ID = f"VARCHAR(160) {_ASCII} NOT NULL PRIMARY KEY"

TABLES = {
    "addresses": f"""CREATE TABLE IF NOT EXISTS wallet.addresses (
                user_id BIGINT NOT NULL PRIMARY KEY, path {_WORD}, address {_NAME},
                owner VARBINARY(64) NOT NULL, given BIGINT NOT NULL,
                UNIQUE KEY owners (owner)) ENGINE=InnoDB""",
    "deposits": f"""CREATE TABLE IF NOT EXISTS wallet.deposits (
                id {_ID}, user_id BIGINT NOT NULL, asset {_WORD}, units DECIMAL(65, 0) NOT NULL,
                state {_WORD}, height BIGINT NOT NULL, block {_NAME}, found BIGINT NOT NULL,
                updated BIGINT NOT NULL,
                alarmed BOOLEAN NOT NULL DEFAULT FALSE, KEY of_user (user_id, found),
                KEY states (state, height)) ENGINE=InnoDB""",
    "kept_aside": f"""CREATE TABLE IF NOT EXISTS wallet.kept_aside (
                id {_ID}, user_id BIGINT NOT NULL, asset {_NAME}, units VARCHAR(80) {_ASCII} NOT NULL,
                reason {_WORD}, height BIGINT NOT NULL, block {_NAME}, found BIGINT NOT NULL,
                KEY of_user (user_id, found), KEY of_block (height)) ENGINE=InnoDB""",
    "aside_decisions": f"""CREATE TABLE IF NOT EXISTS wallet.aside_decisions (
                id {_ID}, decision {_WORD}, actor {_TEXT} NOT NULL, note {_TEXT} NOT NULL,
                decided BIGINT NOT NULL) ENGINE=InnoDB""",
}

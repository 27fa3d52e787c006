"""Tables of what was published. A publication is one once its row is there; what else has its id is rubbish.

`liability_publications`  when (Unix nanoseconds, the id), and where in the logs the ledger was
`liability_roots`         what all are shown, for each asset
`liability_leaves`        each user's amount, place and nonce: what their proof begins with
`liability_nodes`         levels in pieces of `NODES` nodes: 32 bytes of hash, 16 of amount
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from outcry_services.common.liabilities import Node
from outcry_services.settlement.schema import naming

if TYPE_CHECKING:
    from collections.abc import Iterable

    from outcry_services.common.mysql import MySql

__all__ = ["KEPT", "NODES", "migrate_liabilities", "packed", "unpacked"]

NODES = 1024
KEPT = 8
"""Publications; with a new one the oldest goes."""

_HASH_BYTES, _AMOUNT_BYTES = 32, 16
_ASSET = "VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL"
_SUM = "DECIMAL(39, 0) NOT NULL"
_ROWS = {
    "liability_publications": "id BIGINT NOT NULL PRIMARY KEY, positions JSON NOT NULL",
    "liability_roots": f"publication BIGINT NOT NULL, asset {_ASSET}, hash BINARY(32) NOT NULL, "
    f"total {_SUM}, leaves BIGINT NOT NULL, PRIMARY KEY (publication, asset)",
    "liability_leaves": f"publication BIGINT NOT NULL, asset {_ASSET}, user_id BIGINT NOT NULL, "
    f"place BIGINT NOT NULL, amount {_SUM}, nonce BINARY(32) NOT NULL, "
    "PRIMARY KEY (publication, asset, user_id)",
    "liability_nodes": f"publication BIGINT NOT NULL, asset {_ASSET}, level TINYINT NOT NULL, "
    "piece BIGINT NOT NULL, nodes BLOB NOT NULL, PRIMARY KEY (publication, asset, level, piece)",
}


def packed(nodes: Iterable[Node]) -> bytes:
    """As a row of `liability_nodes` holds them."""
    return b"".join(node.hash + node.amount.to_bytes(_AMOUNT_BYTES, "big") for node in nodes)


def unpacked(text: bytes) -> list[Node]:
    """What `packed` was given."""
    size = _HASH_BYTES + _AMOUNT_BYTES
    parts = (text[at : at + size] for at in range(0, len(text), size))
    return [Node(part[:_HASH_BYTES], int.from_bytes(part[_HASH_BYTES:], "big")) for part in parts]


async def migrate_liabilities(mysql: MySql, *, database: str) -> None:
    """Make what is missing; the database is there. Safe to run again."""
    named = naming(database)
    async with mysql.session() as session:
        for table, rows in _ROWS.items():
            await session.execute(named(f"CREATE TABLE IF NOT EXISTS ledger.{table} ({rows}) ENGINE=InnoDB"))

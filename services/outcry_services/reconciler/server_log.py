"""What the server says of its binary log: where it ends, and whether it holds whole rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from outcry_services.reconciler.binlog import BinlogPosition
from outcry_services.reconciler.errors import BinlogSettingsError

if TYPE_CHECKING:
    from outcry_services.common.mysql import MySql

__all__ = ["End", "ServerLog"]

_WANTED = {
    "log_bin": "ON",
    "binlog_format": "ROW",
    "binlog_row_image": "FULL",
    "binlog_row_metadata": "FULL",
    "log_bin_compress": "OFF",
}


@dataclass(frozen=True, slots=True)
class End:
    """Where a server's log ends now."""

    server_id: int
    position: BinlogPosition


class ServerLog:
    """One server's."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    async def require_rows(self) -> None:
        """Raise `BinlogSettingsError` that names every setting under which rows would be missing or cut."""
        async with self._mysql.session() as session:
            rows = await session.query("SHOW GLOBAL VARIABLES WHERE Variable_name IN %s", [tuple(_WANTED)])
        # A server that doesn't know a setting doesn't do what it would switch on.
        found = {str(name).lower(): str(value).upper() for name, value in rows}
        wrong = [
            f"{name}={value} (must be {_WANTED[name]})"
            for name, value in found.items()
            if value != _WANTED[name]
        ]
        if wrong:
            raise BinlogSettingsError(
                f"the binary log of MySQL at {self._mysql.address} can't be compared: "
                f"{', '.join(sorted(wrong))}"
            )

    async def end(self) -> End:
        """Where the log ends now."""
        async with self._mysql.session() as session:
            ((server_id,),) = await session.query("SELECT @@server_id")
            (row,) = await session.query("SHOW MASTER STATUS")
        return End(int(server_id), BinlogPosition(str(row[0]), int(row[1])))

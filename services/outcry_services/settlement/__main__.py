"""`python -m outcry_services.settlement`: keeps the ledger; with `migrate`, only makes its tables."""

from __future__ import annotations

import argparse

from outcry_services.common.mysql import MySql
from outcry_services.common.process import run_process
from outcry_services.settlement.schema import migrate
from outcry_services.settlement.service import run
from outcry_services.settlement.settings import SettlementSettings


async def _migrate(settings: SettlementSettings) -> None:
    mysql = MySql(settings.address(), most_connections=1, statement_seconds=60.0)
    await mysql.open()
    try:
        await migrate(mysql, database=settings.ledger_database)
    finally:
        await mysql.close()


def main() -> None:
    """Run until SIGTERM, or until the tables are there; exits 2 with one line for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m outcry_services.settlement", description=__doc__)
    parser.add_argument("command", nargs="?", choices=["serve", "migrate"], default="serve")
    command = parser.parse_args().command
    run_process("settlement", SettlementSettings, run if command == "serve" else _migrate)


if __name__ == "__main__":
    main()

"""`python -m outcry_services.settlement`: keeps the ledger; with `migrate`, only makes its tables."""

from __future__ import annotations

import argparse
import asyncio
import sys

from outcry_services.common import logs
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql import MySql
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
    try:
        settings = SettlementSettings.load()
        logs.configure(service="settlement", level=settings.log_level, secrets=settings.secrets())
        asyncio.run(run(settings) if command == "serve" else _migrate(settings))
    except ConfigError as error:
        print(f"outcry settlement: {error.message}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

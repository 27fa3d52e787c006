"""`python -m outcry_services.reconciler [run | migrate]`."""

from __future__ import annotations

import argparse

from outcry_services.common.mysql import MySql
from outcry_services.common.process import run_process
from outcry_services.reconciler.records import migrate
from outcry_services.reconciler.service import NAME, address_of, run
from outcry_services.reconciler.settings import Settings


async def _migrate(settings: Settings) -> None:
    mysql = MySql(address_of(settings))
    await mysql.open()
    try:
        await migrate(mysql)
    finally:
        await mysql.close()


def main() -> None:
    """Do what is asked; exits 2 with one line for wrong settings."""
    parser = argparse.ArgumentParser(prog="python -m outcry_services.reconciler", description=__doc__)
    parser.add_argument("verb", nargs="?", choices=("run", "migrate"), default="run")
    verb = parser.parse_args().verb
    run_process(NAME, Settings, run if verb == "run" else _migrate)


if __name__ == "__main__":
    main()

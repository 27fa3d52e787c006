"""A MariaDB directory with all order databases in it, made once for each schema and copied for each exchange.

The 1024 databases are some thousand tables, and every statement that makes one is synced: as long as the
whole rest of an exchange takes to start, several times over.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import outcry_services.order

from e2e.backends import ConsulServer, MariaDbServer
from e2e.backends.cache import cache_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["migrate", "migrated_directory", "order_settings"]

NEVER = "127.0.0.1:1"
"""For settings that a migration doesn't use."""


def order_settings(mariadb: MariaDbServer) -> dict[str, str]:
    """Where the order databases are: all on one server."""
    server = f"mysql://{mariadb.host}:{mariadb.port}"
    return {
        "OUTCRY_SHARD_MAP": json.dumps({"version": 1, "servers": {"a": server}, "ranges": [[0, 1023, "a"]]}),
        "OUTCRY_MYSQL_USER": mariadb.user,
        "OUTCRY_MYSQL_PASSWORD": mariadb.password,
    }


def migrated_directory(directory: Path) -> Path:
    """Fill `directory` with a server's files that have the databases; the same, for `MariaDbServer`."""
    kept = cache_directory() / "layers" / f"order-databases-{_schema()}"
    locks = cache_directory() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with (locks / kept.name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.is_dir():
            _make(kept)
    shutil.copytree(kept, directory, dirs_exist_ok=True)
    return directory


def migrate(settings: Mapping[str, str]) -> None:
    """Make what the databases lack, as the chart's job does."""
    command = [sys.executable, "-m", "outcry_services.order", "migrate"]
    subprocess.run(command, env={**os.environ, **settings}, check=True, stdout=subprocess.DEVNULL)


def _make(kept: Path) -> None:
    new = kept.with_name(f"{kept.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    # What is lost if the machine dies meanwhile is made again.
    quick = {"innodb-flush-log-at-trx-commit": "0", "sync-binlog": "0", "skip-log-bin": "ON"}
    with ConsulServer() as consul, MariaDbServer(directory=new, settings=quick) as mariadb:
        unused = {"OUTCRY_KAFKA": NEVER, "OUTCRY_RISK": NEVER}
        migrate({**order_settings(mariadb), **unused, "OUTCRY_CONSUL": consul.url})
        mariadb.stop()
    (new / "mariadb.log").unlink(missing_ok=True)
    new.rename(kept)


def _schema() -> str:
    """Changes with whatever makes the databases."""
    package = Path(outcry_services.order.__file__).parent
    text = b"".join((package / name).read_bytes() for name in ("schema.py", "migrate.py"))
    return hashlib.sha256(text).hexdigest()[:12]

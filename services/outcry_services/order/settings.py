"""The service's settings, from the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, SecretStr

from outcry_services.common.config import ServiceSettings
from outcry_services.common.errors import ConfigError
from outcry_services.common.mysql import MySqlAddress
from outcry_services.order.shard_map import ShardMap

__all__ = ["OrderSettings", "StoreSettings"]


class StoreSettings(ServiceSettings):
    """What the migration, the move and the service itself need of MySQL."""

    kafka: str = ""
    """`migrate` and `move` do without."""

    shard_map: str = ""
    """The shard map as JSON, or the name of a file with it in `OUTCRY_SHARD_MAP_FILE`."""

    mysql_user: str = "outcry"

    mysql_password: SecretStr = SecretStr("")

    mysql_connections: int = Field(default=16, ge=2, le=512)
    """The most connections to each MySQL server."""

    def shards(self) -> ShardMap:
        """The map; raises `ShardMapError` or `ConfigError`."""
        path = os.environ.get("OUTCRY_SHARD_MAP_FILE", "")
        text = self.shard_map
        if path:
            try:
                text = Path(path).read_text(encoding="utf-8")
            except (OSError, UnicodeError) as error:
                raise ConfigError(f"OUTCRY_SHARD_MAP_FILE={path} can't be read: {error}") from None
        if not text:
            raise ConfigError("set OUTCRY_SHARD_MAP or OUTCRY_SHARD_MAP_FILE: where the 1024 shards are")
        return ShardMap.parse(text)

    def address(self, url: str) -> MySqlAddress:
        """Of a server of the map."""
        with_user = url.replace("mysql://", f"mysql://{self.mysql_user}@", 1)
        return MySqlAddress.parse(with_user, password=self.mysql_password)


class OrderSettings(StoreSettings):
    """What the service needs."""

    kafka: str

    risk: str = "risk:7080"
    """Host and port of the risk service."""

    moving_seconds: float = Field(default=3.0, gt=0, le=60)
    """How long a request waits for a shard that is on its way to another server."""

    store_published_seconds: float = Field(default=2.0, gt=0, le=600)
    """How often it is stored how far outboxes are published, and their rows are removed."""

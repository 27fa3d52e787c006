"""Settings of the job that makes topics."""

from __future__ import annotations

from pydantic import Field

from outcry_services.common.config import ServiceSettings

__all__ = ["TopicsSettings"]


class TopicsSettings(ServiceSettings):
    """How many partitions and copies new topics get."""

    shared_partitions: int = Field(default=8, ge=1, le=1024)
    """Partitions of `orders`, `order-events` and `journal`; a shard's is `shard % partitions`."""

    replication_factor: int = Field(default=1, ge=1, le=32)
    """Copies of each partition; from 3 on, two must have a record before it is acknowledged."""

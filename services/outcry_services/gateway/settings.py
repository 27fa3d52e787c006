"""Settings of the gateway's own service."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic reads it at run time

from pydantic import SecretStr  # noqa: TC002 - pydantic reads it at run time

from outcry_services.common.config import ServiceSettings

__all__ = ["GatewaySettings"]


class GatewaySettings(ServiceSettings):
    """It speaks neither to Kafka nor to Consul."""

    kafka: str = ""

    api_keys_file: Path
    """The file of API keys (see `keys`), from a mounted Secret; changes are taken up within seconds."""

    redis: str = ""
    """Where used signatures are remembered; empty: in this process, which then must be the only one."""

    redis_password: SecretStr | None = None

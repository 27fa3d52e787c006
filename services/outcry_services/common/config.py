"""Settings of a service, from its environment: the variable of field `kafka` is `OUTCRY_KAFKA`.

A secret is a `SecretStr`: its value comes from its variable or, better, from the file that the variable with
`_FILE` at its end names (a mounted Secret), and shows in no `repr`, log or error.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from outcry_services.common.errors import ConfigError

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

__all__ = ["ServiceSettings"]

PREFIX = "OUTCRY_"


class ServiceSettings(BaseSettings):
    """What every service has; a service's own settings derive from it and add their fields."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", hide_input_in_errors=True, env_ignore_empty=True
    )

    kafka: str
    """Bootstrap servers, `host:port,host:port`."""

    consul: str = "http://127.0.0.1:8500"
    """URL of Consul's HTTP API."""

    replica: str = "local"
    """The name of this process among its like: the pod's."""

    grpc_port: int = Field(default=7080, ge=0, le=65535)
    """gRPC port; 0 takes any free one."""

    http_port: int = Field(default=9090, ge=0, le=65535)
    """HTTP port of /metrics, /healthz and /readyz; 0 takes any free one."""

    drain_seconds: float = Field(default=20.0, gt=0, le=600)
    """How long work in hand may take to its end after SIGTERM. Below the pod's termination grace period."""

    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def load(cls) -> Self:
        """Read the environment; raises `ConfigError` naming every variable that is missing or malformed."""
        try:
            return cls.model_validate({})
        except ValidationError as error:
            faults = (
                f"{PREFIX}{'_'.join(map(str, fault['loc'])).upper()}: {fault['msg']}"
                for fault in error.errors(include_input=False, include_url=False)
            )
            # The cause holds the values, secrets among them.
            raise ConfigError(f"set these in the environment: {'; '.join(faults)}") from None

    def secrets(self) -> list[str]:
        """The values of all secrets: what logs must hide."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then files that variables name, then variables; no `.env` file ever."""
        return (init_settings, _NamedFiles(settings_cls), env_settings)


class _NamedFiles(PydanticBaseSettingsSource):
    """Secrets from the files that `…_FILE` names."""

    def __call__(self) -> dict[str, Any]:
        """Every secret that has such a file."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            variable = f"{PREFIX}{name}_file".upper()
            path = os.environ.get(variable)
            if path and _is_secret(field):
                found[name] = _read(path, variable=variable)
        return found

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Asked for by the base class alone; all is read at once."""
        return None, field_name, False


def _read(path: str, *, variable: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"{variable}={path} can't be read: {why}") from None


def _is_secret(field: FieldInfo) -> bool:
    return field.annotation is SecretStr or SecretStr in getattr(field.annotation, "__args__", ())

"""The operator's own settings, from its environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that is the same for all pairs and wallets; each field is the variable `OUTCRY_<NAME>`."""

    kafka: str
    """Bootstrap servers, for the operator and for the engines."""

    consul: str
    """URL of Consul's HTTP API, for the operator and for the engines."""

    engine_image: str = "outcry/engine:dev"
    """Image of engines whose pair names none."""

    engine_pull_policy: str = "IfNotPresent"
    """Of engines, signers and wallet services."""

    engine_spin: str = "auto"
    """`auto`, `always` or `never`: whether match threads spin on exclusive CPUs."""

    engine_log_level: str = "info"

    signer_image: str = "outcry/signer:dev"
    """Image of signers whose wallet names none."""

    services_image: str = "outcry/services:dev"
    """Image of wallet services whose wallet names none."""

    wallet_database: str = "mysql://mariadb.outcry-backends:3306"
    """Server of the wallet services' database."""

    wallet_credentials: str = "mysql"
    """Secret in each wallet's namespace: its key `wallet` is the password of the MySQL user of that name."""

    services_log_level: str = "info"

    namespace: str = "outcry-system"
    """Where the operator itself runs: engines let its namespace reach their admin port."""

    watch_namespaces: tuple[str, ...] = ()
    """Namespaces whose pairs are looked after; none means all."""

    shared_partitions: int = 8
    """Partitions of `orders` and `order-events`, when the operator makes them."""

    sweep_seconds: float = 30.0
    """How often every pair is compared with what is there, changes or not. Lower finds drift in Kafka and
    Consul sooner and costs them a few requests a pair.
    """

    workers: int = 8
    """How many pairs are reconciled at the same time."""

    metrics_port: int = 9090
    """HTTP port of /metrics, /healthz and /readyz; 0 takes any free one."""

    log_level: str = "info"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Read `OUTCRY_…`; raises ValueError naming the variable that is missing or malformed."""
        values: dict[str, object] = {}
        for name, field in cls.__dataclass_fields__.items():
            text = environment.get(f"OUTCRY_{name.upper()}", "")
            if text:
                values[name] = _convert(name=name, kind=str(field.type), text=text)
        missing = [f"OUTCRY_{name.upper()}" for name in ("kafka", "consul") if name not in values]
        if missing:
            raise ValueError(f"{' and '.join(missing)} must be set in the operator's environment")
        return cls(**values)  # type: ignore[arg-type]


def _convert(*, name: str, kind: str, text: str) -> object:
    try:
        if kind == "int":
            return int(text)
        if kind == "float":
            return float(text)
    except ValueError:
        raise ValueError(f"OUTCRY_{name.upper()}={text!r} is not a number") from None
    if kind.startswith("tuple"):
        return tuple(part.strip() for part in text.split(",") if part.strip())
    return text

"""Settings of `outcry-engine run`: flags, each also an environment variable `OUTCRY_…`."""

import argparse
import ipaddress
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from outcry_engine.shell.errors import SettingsError

_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(us|ms|s|m)")


def parse_duration(text: object) -> object:
    """Seconds from `100ms`, `1s`, `1.5s`, `2m`; anything else goes on to pydantic's own check."""
    if not isinstance(text, str):
        return text
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a duration: write a number and a unit, like 100ms or 1s")
    return float(match[1]) * _UNITS[match[2]]


Seconds = Annotated[float, BeforeValidator(parse_duration)]
Port = Annotated[int, Field(ge=0, le=65535)]


class RunSettings(BaseModel):
    """All that one engine process is told. Durations are seconds inside, `100ms` or `1s` outside."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    symbol: str = Field(description="the pair, like BTC-USDT", pattern=r"^[A-Z0-9]{1,16}-[A-Z0-9]{1,16}$")
    replica: str = Field(description="name of this replica, like engine-btc-usdt-0", min_length=1)
    peer: str = Field("", description="host:port of the other replica's heart-beat; empty: there is none")
    kafka: str = Field(description="bootstrap servers, host:port,…", min_length=1)
    consul: str = Field(description="URL of the Consul agent", pattern=r"^https?://[^/]+$")
    data_dir: Path = Field(description="directory of the checkpoints")
    advertise: str = Field(description="address under which others reach this process", min_length=1)
    cpu_policy: Literal["exclusive", "shared"] = Field("shared", description="what the pair asked for")
    cpus: int = Field(1, description="whole CPUs that an exclusive policy asked for", ge=1)
    spin: Literal["auto", "always", "never"] = Field(
        "auto",
        description="whether the match thread spins; auto: with an exclusive CPU and four or more in all",
    )
    checkpoint_interval: Seconds = Field(0.1, description="time between two checkpoints", gt=0)
    snapshot_interval: Seconds = Field(0.1, description="time between two OrderBookSnapshots", gt=0)
    detection_time: Seconds = Field(
        1.0, description="silence after which the hot replica is given up", ge=0.3
    )
    admin_port: Port = Field(7070, description="port of gRPC EngineAdmin")
    peer_port: Port = Field(7071, description="port of the peer heart-beat")
    metrics_port: Port = Field(9090, description="port of /metrics, /healthz, /readyz")
    feed_group: str = Field("", description="multicast group of the feed's line A; empty: there is no feed")
    feed_port: Port = Field(0, description="UDP port of line A")
    feed_group_b: str = Field("", description="multicast group of line B; empty: there is no line B")
    feed_port_b: Port = Field(0, description="UDP port of line B")
    feed_interface: str = Field("", description="network interface of the feed; empty: as the routes say")
    feed_hops: int = Field(8, description="routers that a packet of the feed may pass", ge=1, le=255)
    feed_recovery_port: Port = Field(7072, description="TCP port of the feed's recovery channel")
    feed_recovery_connections: int = Field(
        64, description="clients of the recovery channel at a time", ge=1, le=4096
    )
    consul_tags: tuple[str, ...] = Field((), description="more tags of the Consul service, comma-separated")
    zone: str = Field("", description="availability zone, for Consul's meta")
    image: str = Field("", description="image that this process runs from, for Consul's meta")
    log_level: Literal["debug", "info", "warning", "error"] = Field("info", description="least level logged")

    @field_validator("consul_tags", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(tag.strip() for tag in value.split(",") if tag.strip())
        return value

    @field_validator("peer")
    @classmethod
    def _is_address(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if value and not (host and port.isdecimal() and 0 < int(port) < 65536):
            raise ValueError(f"{value!r} is not host:port")
        return value

    @model_validator(mode="after")
    def _lines_are_whole(self) -> Self:
        for suffix in ("", "_b"):
            group, port = getattr(self, f"feed_group{suffix}"), getattr(self, f"feed_port{suffix}")
            if group and not _is_multicast(group):
                raise ValueError(f"{flag(f'feed_group{suffix}')}: {group!r} is no IPv4 multicast group")
            if bool(group) != bool(port):
                raise ValueError(
                    f"{flag(f'feed_group{suffix}')} and {flag(f'feed_port{suffix}')} go together"
                )
        if self.feed_group_b and not self.feed_group:
            raise ValueError("--feed-group-b is a second line: give the first one with --feed-group")
        return self

    @property
    def feed_lines(self) -> tuple[str, ...]:
        """`GROUP:PORT` of each line of the feed."""
        lines = ((self.feed_group, self.feed_port), (self.feed_group_b, self.feed_port_b))
        return tuple(f"{group}:{port}" for group, port in lines if group)

    @property
    def pair_name(self) -> str:
        """Name of the pair's objects: `btc-usdt`."""
        return self.symbol.lower()

    @property
    def service(self) -> str:
        """Name of the pair's Consul service and Kubernetes objects."""
        return f"engine-{self.pair_name}"

    @property
    def lock_key(self) -> str:
        """Consul key of the pair's lock."""
        return f"outcry/engines/{self.symbol}/lock"


def _is_multicast(text: str) -> bool:
    try:
        return ipaddress.IPv4Address(text).is_multicast
    except ValueError:
        return False


def flag(name: str) -> str:
    """`data_dir` → `--data-dir`."""
    return "--" + name.replace("_", "-")


def variable(name: str) -> str:
    """`data_dir` → `OUTCRY_DATA_DIR`."""
    return "OUTCRY_" + name.upper()


def add_flags(parser: argparse.ArgumentParser) -> None:
    """Give `parser` one flag for each setting."""
    for name, field in RunSettings.model_fields.items():
        default = (
            "" if field.is_required() else f" [{field.default}]" if field.default not in ("", ()) else ""
        )
        parser.add_argument(
            flag(name), metavar=name.upper(), help=f"{field.description}{default} (${variable(name)})"
        )


def load(args: argparse.Namespace, environ: Mapping[str, str]) -> RunSettings:
    """Settings from flags, else from the environment; raises `SettingsError` that names what is wrong."""
    values: dict[str, object] = {}
    for name in RunSettings.model_fields:
        given = getattr(args, name, None)
        value = given if given is not None else environ.get(variable(name))
        if value is not None:
            values[name] = value
    try:
        return RunSettings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_words(problem) for problem in error.errors())) from None


def _words(problem: object) -> str:
    assert isinstance(problem, dict)  # noqa: S101 - pydantic's ErrorDetails
    message = str(problem["msg"]).removeprefix("Value error, ")
    if not problem["loc"]:
        return message
    name = str(problem["loc"][0])
    if problem["type"] == "missing":
        message = "is needed"
    elif problem["type"] == "string_pattern_mismatch":
        message = f"{problem['input']!r} does not fit: {RunSettings.model_fields[name].description}"
    return f"{flag(name)} (or ${variable(name)}): {message}"

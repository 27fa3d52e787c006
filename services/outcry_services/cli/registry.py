"""What Consul knows of a pair: its settings, its lock, its replicas."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from base64 import b64decode
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from outcry_services.cli.errors import CliError

__all__ = ["Lock", "Registry", "Replica", "Units"]


@dataclass(frozen=True)
class Units:
    """What a tick and a lot are worth, and in which assets."""

    tick: Decimal = Decimal(1)
    lot: Decimal = Decimal(1)
    base: str = "lots"
    quote: str = "ticks"


@dataclass(frozen=True)
class Replica:
    """One registered engine, as its own meta and checks say."""

    name: str
    role: str
    alive: bool
    caught_up: bool
    epoch: int
    pinned: bool
    cpus: str
    zone: str
    reason: str
    address: str


@dataclass(frozen=True)
class Lock:
    """Who holds the pair, under which epoch, since when and why."""

    replica: str = ""
    epoch: int = 0
    since: str = ""
    reason: str = ""
    held: bool = False


class Registry:
    """Reads Consul's HTTP API; every call raises `CliError` when Consul does not answer."""

    def __init__(self, url: str, *, timeout: float = 3) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout

    def symbols(self) -> list[str]:
        """All pairs that have settings."""
        keys = self._get("kv/outcry/pairs/?keys") or []
        return sorted(key.rpartition("/")[2] for key in keys)

    def units(self, symbol: str) -> Units:
        """Of a pair; ticks and lots themselves when the pair has no settings there."""
        spec = self._value(f"kv/outcry/pairs/{symbol}")
        if not spec:
            return Units()
        base, _, quote = symbol.partition("-")
        return Units(tick=Decimal(spec["tickSize"]), lot=Decimal(spec["lotSize"]), base=base, quote=quote)

    def trading_status(self, symbol: str) -> str:
        """That the pair's settings ask for; empty when it has none there."""
        return str(self._value(f"kv/outcry/pairs/{symbol}").get("tradingStatus", ""))

    def lock(self, symbol: str) -> Lock:
        """Of a pair; an unheld one when nobody ever took it."""
        found = self._get(f"kv/outcry/engines/{symbol}/lock")
        if not found:
            return Lock()
        value = _json(found[0].get("Value"))
        return Lock(
            replica=str(value.get("replica", "")),
            epoch=int(value.get("epoch", 0)),
            since=str(value.get("since", "")),
            reason=str(value.get("reason", "")),
            held=bool(found[0].get("Session")),
        )

    def replicas(self, symbol: str) -> tuple[Replica, ...]:
        """All registered engines of a pair by name."""
        entries = self._get(f"health/service/engine-{symbol.lower()}") or []
        return tuple(sorted((_replica(entry) for entry in entries), key=lambda replica: replica.name))

    def _value(self, path: str) -> dict[str, Any]:
        found = self._get(path)
        return _json(found[0].get("Value")) if found else {}

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        try:
            with urllib.request.urlopen(f"{self._url}/v1/{path}", timeout=self._timeout) as answer:  # noqa: S310
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise CliError(f"Consul at {self._url} answered {error.code} to {path}") from error
        except (OSError, ValueError) as error:
            raise CliError(
                f"no answer from Consul at {self._url} ({error}); say where it is with --consul"
            ) from error


def _replica(entry: dict[str, Any]) -> Replica:
    service = entry["Service"]
    meta = service.get("Meta") or {}
    return Replica(
        name=service["ID"],
        role=meta.get("role", "unknown"),
        alive=all(check["Status"] == "passing" for check in entry["Checks"]),
        caught_up=meta.get("caught_up") == "true",
        epoch=int(meta.get("epoch") or 0),
        pinned=meta.get("pinned") == "true",
        cpus=meta.get("cpus", ""),
        zone=meta.get("zone", ""),
        reason=meta.get("reason", ""),
        address=f"{service.get('Address', '')}:{service.get('Port', 0)}",
    )


def _json(value: str | None) -> dict[str, Any]:
    decoded = json.loads(b64decode(value or "") or b"{}")
    return decoded if isinstance(decoded, dict) else {}

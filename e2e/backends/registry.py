"""What Consul says of a pair: who holds the lock, which replicas there are and in which role."""

from __future__ import annotations

import json
import urllib.request
from base64 import b64decode
from typing import Any

__all__ = ["PairRegistry"]


class PairRegistry:
    """Reads Consul's HTTP API; what can't be read is answered as empty, because faults make it so."""

    def __init__(self, *, symbol: str, consul: str) -> None:
        self.symbol = symbol
        self.service = f"engine-{symbol.lower()}"
        self._consul = consul.rstrip("/")

    def lock(self) -> dict[str, Any]:
        """The lock's value, `{}` when nobody ever held it; `session` is set while it is held."""
        entries = self._get(f"kv/outcry/engines/{self.symbol}/lock")
        if not entries:
            return {}
        value = json.loads(b64decode(entries[0]["Value"] or "") or "{}")
        return {**value, "session": entries[0].get("Session")}

    def members(self) -> dict[str, dict[str, str]]:
        """Consul's meta of every replica that passes its checks, by its name."""
        entries = self._get(f"health/service/{self.service}?passing=true") or []
        return {entry["Service"]["ID"]: entry["Service"].get("Meta") or {} for entry in entries}

    def addresses(self) -> dict[str, str]:
        """`host:port` of every registered replica's gRPC, by its name."""
        entries = self._get(f"health/service/{self.service}") or []
        services = [entry["Service"] for entry in entries]
        return {service["ID"]: f"{service['Address']}:{service['Port']}" for service in services}

    def roles(self) -> tuple[str, str]:
        """(hot, warm): the one that holds the lock and says it is hot; another, caught up. Or empty."""
        lock, members = self.lock(), self.members()
        holder = lock.get("replica", "") if lock.get("session") else ""
        hot = holder if members.get(holder, {}).get("role") == "hot" else ""
        warm = (
            name
            for name, meta in members.items()
            if name != hot and meta.get("role") == "warm" and meta.get("caught_up") == "true"
        )
        return hot, next(warm, "")

    def _get(self, path: str) -> Any:  # noqa: ANN401 - any JSON
        try:
            with urllib.request.urlopen(f"{self._consul}/v1/{path}", timeout=3) as answer:
                return json.load(answer)
        except (OSError, ValueError):
            return None

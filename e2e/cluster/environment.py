"""How programs on this machine reach a cluster: the variables that `env` prints."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.cluster.platform import CONSUL_PORT, GATEWAY_PORT, KAFKA_PORT, credentials_of

if TYPE_CHECKING:
    from e2e.cluster.provider import Provider

__all__ = ["as_shell", "environment_of", "write_kubectl"]


def environment_of(provider: Provider) -> dict[str, str]:
    """Addresses of a cluster's API, Kafka and Consul; raises ClusterError when there is none.

    With services, also what `outcry` needs to trade as alice, and the folder with the others' keys.
    """
    address = provider.address
    credentials = credentials_of(provider)
    gateway = {}
    if credentials.authority.exists():
        gateway = {
            "OUTCRY_URL": f"https://{address}:{GATEWAY_PORT}",
            "OUTCRY_CA": str(credentials.authority),
            "OUTCRY_KEYS": str(credentials.folder),
            "OUTCRY_KEY_FILE": str(credentials.key("alice")),
        }
    return gateway | {
        "KUBECONFIG": str(provider.kubectl.kubeconfig),
        "OUTCRY_KAFKA": f"{address}:{KAFKA_PORT}",
        "OUTCRY_CONSUL": f"http://{address}:{CONSUL_PORT}",
    }


def as_shell(provider: Provider) -> str:
    """Lines for a shell to evaluate; they also put `kubectl`, `outcry` and `outcry-engine` on PATH."""
    lines = [f"export {name}={shlex.quote(value)}" for name, value in environment_of(provider).items()]
    folders = f"{provider.root / 'bin'}:{Path(sys.executable).parent}"
    return "\n".join([*lines, f'export PATH={shlex.quote(folders)}:"$PATH"'])


def write_kubectl(provider: Provider) -> None:
    """Leave a `kubectl` of the cluster's own version in the cluster's folder."""
    script = provider.root / "bin" / "kubectl"
    script.parent.mkdir(parents=True, exist_ok=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.join(provider.kubectl.program)} "$@"\n')
    script.chmod(0o755)

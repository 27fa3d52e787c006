"""Envoy's files as the chart renders them, with paths and ports of a test."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import yaml

from e2e.backends.errors import ServerConfigError
from e2e.cluster.build.servers import HELM
from e2e.cluster.paths import CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = ["deployment", "render", "write"]


def render(values: Mapping[str, Any]) -> dict[str, bytes]:
    """The files of the ConfigMap by name; raises `ServerConfigError` with what helm says."""
    (found,) = template("envoy-config.yaml", values)
    files = {name: text.encode() for name, text in found["data"].items()}
    return files | {name: b64decode(text) for name, text in found["binaryData"].items()}


def deployment(values: Mapping[str, Any]) -> dict[str, Any]:
    """Envoy's Deployment; raises `ServerConfigError` with what helm says."""
    (found,) = (each for each in template("envoy.yaml", values) if each["kind"] == "Deployment")
    return found


def template(name: str, values: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The objects of one of the chart's templates."""
    done = subprocess.run(
        [
            *(str(HELM.folder / "helm"), "template", "test", str(CHECKOUT / "charts" / "outcry")),
            *("--kube-version", "1.34.4", "--show-only", f"templates/{name}", "--values", "-"),
        ],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise ServerConfigError(f"helm refuses the values:\n{done.stderr}")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def write(folder: Path, values: Mapping[str, Any]) -> dict[str, Any]:
    """Put the files where `values` says that Envoy finds them; gives Envoy's configuration."""
    folder.mkdir(parents=True, exist_ok=True)
    files = render(values)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    config: dict[str, Any] = yaml.safe_load(files["envoy.yaml"])
    return config

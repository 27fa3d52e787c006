"""What our charts render, by Helm itself."""

from __future__ import annotations

import json
import subprocess
from typing import Any

import yaml

from e2e.cluster.build.servers import HELM
from e2e.cluster.paths import CHECKOUT

__all__ = ["CHAIN_NODES", "CHARTS", "helm", "render", "template"]

CHARTS = CHECKOUT / "charts"
# Also the namespace that names leave out.
NAMESPACE = "outcry-system"
# Values of outcry-backends with every chain's node, none of which is there by default.
CHAIN_NODES: dict[str, Any] = {"btcd": {"enabled": True}}


def helm(*arguments: str, values: dict[str, Any] | None = None) -> subprocess.CompletedProcess[str]:
    """A finished run of helm, with the values as a file of its own."""
    extra = ["--values", "-"] if values else []
    return subprocess.run(
        [HELM.folder / "helm", *arguments, *extra],
        input=json.dumps(values) if values else None,
        capture_output=True,
        text=True,
        check=False,
    )


def template(chart: str, values: dict[str, Any] | None) -> subprocess.CompletedProcess[str]:
    """A finished run of `helm template`, as if for the cluster that the tests use."""
    return helm(
        *("template", "test", str(CHARTS / chart)),
        *("--namespace", NAMESPACE, "--kube-version", "1.34.4"),
        values=values,
    )


def render(chart: str, values: dict[str, Any] | None = None) -> dict[tuple[str, str], Any]:
    """The chart's objects by kind and name, those of other namespaces with theirs before the name."""
    done = template(chart, values)
    assert done.returncode == 0, done.stderr
    found = [document for document in yaml.safe_load_all(done.stdout) if document]
    objects = {}
    for each in found:
        meta = each["metadata"]
        elsewhere = meta.get("namespace", NAMESPACE) != NAMESPACE
        name = f"{meta['namespace']}/{meta['name']}" if elsewhere else meta["name"]
        objects[each["kind"], name] = each
    assert len(objects) == len(found), "two objects of one name"
    return objects

"""Installing our charts with Helm, so that an interrupted run can simply be repeated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from e2e.cluster.build.servers import HELM
from e2e.cluster.errors import ClusterError, CommandError
from e2e.cluster.paths import CHECKOUT
from e2e.cluster.shell import run

if TYPE_CHECKING:
    from pathlib import Path

    from e2e.cluster.kubectl import Kubectl

__all__ = ["BACKENDS", "CRDS", "PLATFORM", "RELEASES", "Release", "install", "uninstall"]

SECONDS = 150
PENDING = "status in (pending-install, pending-upgrade, pending-rollback)"


@dataclass(frozen=True, kw_only=True)
class Release:
    """One of our charts, installed under its own name."""

    name: str
    namespace: str


CRDS = Release(name="outcry-crds", namespace="outcry-system")
BACKENDS = Release(name="outcry-backends", namespace="outcry-backends")
PLATFORM = Release(name="outcry", namespace="outcry-system")
RELEASES = (CRDS, BACKENDS, PLATFORM)


def install(release: Release, values: dict[str, Any], *, kubectl: Kubectl) -> None:
    """Install or upgrade, and wait until everything in it is ready; raises ClusterError."""
    forget_interrupted(release, kubectl=kubectl)
    try:
        helm(
            *("upgrade", release.name, str(CHECKOUT / "charts" / release.name), "--install"),
            *("--namespace", release.namespace, "--create-namespace", "--history-max", "3"),
            *("--wait", "--timeout", f"{SECONDS}s", "--values", "-"),
            kubectl=kubectl,
            stdin=yaml.safe_dump(values),
        )
    except CommandError as error:
        state = what_is_wrong(release.namespace, kubectl=kubectl)
        raise ClusterError(f"chart {release.name} was not installed: {error}\n{state}") from error


def what_is_wrong(namespace: str, *, kubectl: Kubectl) -> str:
    """The namespace's pods, its newest events, and the last words of pods that aren't ready."""
    where = ("--namespace", namespace)
    told = [kubectl.run("get", "pods", *where)]
    told += kubectl.run("get", "events", "--sort-by=.lastTimestamp", *where).splitlines()[-8:]
    for pod in kubectl.get("pods", *where)["items"]:
        conditions = {one["type"]: one["status"] for one in pod["status"].get("conditions", [])}
        # A job that is done is never ready either.
        if conditions.get("Ready") != "True" and pod["status"].get("phase") != "Succeeded":
            name = pod["metadata"]["name"]
            told.append(f"\nlogs of pod {name}:")
            try:
                told.append(kubectl.run("logs", name, "--tail=15", *where))
            except CommandError as error:  # it never ran
                told.append(str(error))
    return "\n".join(told)


def uninstall(release: Release, *, kubectl: Kubectl) -> None:
    """Take a release away, if it is there."""
    helm(
        *("uninstall", release.name, "--namespace", release.namespace, "--ignore-not-found", "--wait"),
        kubectl=kubectl,
    )


def forget_interrupted(release: Release, *, kubectl: Kubectl) -> None:
    """Drop the record of an operation whose Helm was killed, which would bar every later one.

    What it had made already carries the release's name, so the next one takes it over.
    """
    selector = f"owner=helm,name={release.name},{PENDING}"
    kubectl.run("delete", "secret", "--namespace", release.namespace, "--selector", selector)


def helm(*arguments: str, kubectl: Kubectl, stdin: str | None = None) -> str:
    """What Helm prints."""
    command: list[str | Path] = [HELM.folder / "helm", *arguments]
    return run(command, env=kubectl.environment, stdin=stdin, timeout=SECONDS + 60)

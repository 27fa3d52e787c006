"""Credentials for the Kubernetes API: the pod's service account, else the kubeconfig of whoever runs this."""

from __future__ import annotations

import kopf

from outcry_operator.errors import KubeUnavailableError


def login() -> kopf.ConnectionInfo:
    """Read them afresh: a token is renewed on disk. Raises KubeUnavailableError without any."""
    settings = kopf.OperatorSettings()
    found = kopf.login_with_service_account(settings=settings) or kopf.login_with_kubeconfig(
        settings=settings
    )
    if found is None:
        raise KubeUnavailableError(
            "no credentials for the Kubernetes API: run as a pod with a service account, or set KUBECONFIG"
        )
    return found

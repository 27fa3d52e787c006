"""The Job that carries a ceremony out. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_operator.drift import digest_of
from outcry_operator.wallet.names import CEREMONY, SIGNERS, Wallet
from outcry_operator.wallet.signer_pod import TLS_DIR, TOLD, container_security, pod_security

if TYPE_CHECKING:
    from outcry_operator.settings import Settings
    from outcry_operator.wallet.requests import Request

RECORD_DIR = "/var/lib/outcry"

# What failed is looked at before it is swept away.
KEPT_SECONDS = 86_400
# A ceremony takes seconds; a signer that restarts meanwhile is waited for by trying again.
TRIES, LONGEST_SECONDS = 4, 900

Object = dict[str, Any]


def job_name(wallet: Wallet, request: Request, epoch: int) -> str:
    """The same for the same request at the same epoch, so that it is never started twice."""
    return f"{wallet.ceremony}-{digest_of([wallet.uid, request.text, epoch])[:8]}"


def job(wallet: Wallet, settings: Settings, request: Request, *, epoch: int) -> Object:
    """`outcry-signer ceremony`, tried again until it is through."""
    labels = wallet.labels(CEREMONY)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": wallet.meta(job_name(wallet, request, epoch), CEREMONY),
        "spec": {
            "backoffLimit": TRIES,
            "activeDeadlineSeconds": LONGEST_SECONDS,
            "ttlSecondsAfterFinished": KEPT_SECONDS,
            "template": {"metadata": {"labels": labels}, "spec": _pod_spec(wallet, settings, request)},
        },
    }


def arguments(wallet: Wallet, request: Request) -> list[str]:
    """Of `outcry-signer`."""
    lost = [f"--lost={request.lost}"] if request.lost else []
    return [
        "ceremony",
        request.verb,
        *lost,
        f"--scheme={wallet.scheme}",
        f"--record={RECORD_DIR}/ceremony.jsonl",
        f"--publish={TOLD}",
        *(f"--signer={index}=https://{wallet.address(index)}" for index in SIGNERS),
        f"--ca={TLS_DIR}/ca.crt",
        f"--certificate={TLS_DIR}/tls.crt",
        f"--key={TLS_DIR}/tls.key",
    ]


def _pod_spec(wallet: Wallet, settings: Settings, request: Request) -> Object:
    return {
        "serviceAccountName": wallet.ceremony,
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": pod_security(),
        "containers": [
            {
                "name": "ceremony",
                "image": wallet.spec.quorum.image or settings.signer_image,
                "imagePullPolicy": settings.engine_pull_policy,
                "args": arguments(wallet, request),
                "resources": {"requests": {"memory": "64Mi"}, "limits": {"memory": "128Mi"}},
                "securityContext": container_security(),
                "volumeMounts": [
                    {"name": "record", "mountPath": RECORD_DIR},
                    {"name": "tls", "mountPath": TLS_DIR, "readOnly": True},
                ],
                "terminationMessagePath": TOLD,
                "terminationMessagePolicy": "FallbackToLogsOnError",
            }
        ],
        "volumes": [
            {"name": "record", "persistentVolumeClaim": {"claimName": wallet.ceremony}},
            {
                "name": "tls",
                "secret": {"secretName": wallet.certificate("ceremony"), "defaultMode": 0o440},
            },
        ],
    }

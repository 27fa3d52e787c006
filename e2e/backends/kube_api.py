"""A real Kubernetes API: etcd and kube-apiserver with RBAC and service-account tokens, no nodes."""

from __future__ import annotations

import json
import shutil
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from e2e.backends.cache import server_program
from e2e.backends.errors import BackendError
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess
from e2e.backends.server import Started

__all__ = ["KUBERNETES", "KubeApi"]

KUBERNETES = "kubernetes-1.34.4"
ADMIN_TOKEN = "outcry-test-admin"
NAMESPACES = ("default", "kube-system")


class KubeApi(Started):
    """An API server on a free port; nothing is scheduled, because there is nothing to schedule on.

    `kubeconfig` gives full rights; `token` makes one for a service account, to test RBAC with.
    """

    def __init__(self) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="outcry-kube-"))
        self.port = free_port()
        self._etcd_port = free_port()
        self.program = server_program(KUBERNETES, "outcry-kube")
        self.etcd = ServerProcess(name="etcd", log=self.directory / "etcd.log")
        self.process = ServerProcess(name="kube-apiserver", log=self.directory / "apiserver.log")

    @property
    def url(self) -> str:
        """Of the API."""
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self) -> Path:
        """A file that gives full rights."""
        return self.directory / "kubeconfig"

    def start(self) -> None:
        """Start (again) and wait until the API answers `ok` and its first namespaces exist."""
        self._write_files()
        if not self.etcd.running:
            self._start_etcd()
        self.process.start([str(self.program), "kube-apiserver", *self._flags()])
        self.process.wait_ready(self._answers, seconds=90)

    def kill(self) -> None:
        """SIGKILL the API server; etcd goes on, so that `start` brings everything back."""
        self.process.kill()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """What `kubectl` prints; raises `BackendError` with its message when it fails."""
        command = [str(self.program), "kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BackendError(f"kubectl {' '.join(arguments)}: {done.stderr.strip()}")
        return done.stdout

    def apply(self, manifest: str) -> str:
        """Server-side apply of YAML text."""
        return self.kubectl("apply", "--server-side", "-f", "-", stdin=manifest)

    def define(self, definition: str) -> None:
        """Server-side apply of a CustomResourceDefinition, and wait until its objects can be made."""
        self.apply(definition)
        # A definition can be so new that it has no conditions: waiting for one of them would then fail.
        for awaited in ("jsonpath={.status.conditions}", "condition=Established"):
            self.kubectl("wait", f"--for={awaited}", "-f", "-", "--timeout=60s", stdin=definition)

    def kubeconfig_for(self, *, namespace: str, service_account: str) -> Path:
        """A kubeconfig that has only what RBAC gives that service account."""
        token = self.kubectl("-n", namespace, "create", "token", service_account).strip()
        path = self.directory / f"kubeconfig-{namespace}-{service_account}"
        path.write_text(_kubeconfig(url=self.url, token=token))
        return path

    def close(self) -> None:
        """Kill both servers and remove what they left."""
        self.process.kill()
        self.etcd.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _write_files(self) -> None:
        key = self.directory / "service-account.key"
        if not key.exists():
            command = ["openssl", "genrsa", "-out", str(key), "2048"]
            subprocess.run(command, check=True, capture_output=True)
        (self.directory / "tokens.csv").write_text(f"{ADMIN_TOKEN},admin,admin,system:masters\n")
        self.kubeconfig.write_text(_kubeconfig(url=self.url, token=ADMIN_TOKEN))

    def _start_etcd(self) -> None:
        url = f"http://127.0.0.1:{self._etcd_port}"
        peer = f"http://127.0.0.1:{free_port()}"
        flags = {
            "data-dir": str(self.directory / "etcd"),
            "listen-client-urls": url,
            "advertise-client-urls": url,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"default={peer}",
            "log-level": "warn",
        }
        arguments = [f"--{name}={value}" for name, value in flags.items()]
        self.etcd.start([str(self.program), "etcd", *arguments, "--unsafe-no-fsync"])
        self.etcd.wait_ready(lambda: _healthy(f"{url}/health"), seconds=60)

    def _flags(self) -> list[str]:
        key = self.directory / "service-account.key"
        flags = {
            "etcd-servers": f"http://127.0.0.1:{self._etcd_port}",
            "secure-port": str(self.port),
            "bind-address": "127.0.0.1",
            "advertise-address": "127.0.0.1",
            "endpoint-reconciler-type": "none",
            "cert-dir": str(self.directory / "certificates"),
            "service-cluster-ip-range": "10.212.0.0/16",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": str(key),
            "service-account-signing-key-file": str(key),
            "token-auth-file": str(self.directory / "tokens.csv"),
            "authorization-mode": "RBAC",
            # Both wait for controllers that do not run here; pods would wait with them for ever.
            "disable-admission-plugins": "ServiceAccount,TaintNodesByCondition",
        }
        return [f"--{name}={value}" for name, value in flags.items()]

    def _answers(self) -> bool:
        if not _healthy(f"{self.url}/readyz"):
            return False
        try:
            listed = json.loads(self.kubectl("get", "namespaces", "-o", "json"))
        except BackendError:
            return False
        return set(NAMESPACES) <= {item["metadata"]["name"] for item in listed["items"]}


def _healthy(url: str) -> bool:
    # The server makes its certificate itself on first start.
    context = ssl._create_unverified_context()  # noqa: SLF001
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {ADMIN_TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=2, context=context) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _kubeconfig(*, url: str, token: str) -> str:
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": url, "insecure-skip-tls-verify": True}}],
        "users": [{"name": "test", "user": {"token": token}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    }
    return json.dumps(document, indent=1)

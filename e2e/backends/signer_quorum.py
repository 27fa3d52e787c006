"""Three real signer processes with keys of their own making, and the certificates to speak to them."""

from __future__ import annotations

import json
import secrets
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from e2e.backends.errors import ServerStartError
from e2e.backends.ports import free_port
from e2e.backends.process import ServerProcess
from e2e.backends.server import Started

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = ["SignerQuorum", "signer_program"]

ROOT = Path(__file__).resolve().parents[2]
INDEXES = ("1", "2", "3")


def signer_program() -> Path:
    """`outcry-signer`, built if need be, with the optimization that its key generation needs."""
    command = ["cargo", "build", "--quiet", "--locked", "-p", "outcry-signer", "--bin", "outcry-signer"]
    done = subprocess.run(
        [*command, "--message-format", "json"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    (path,) = (each["executable"] for each in told if each.get("executable"))
    return Path(path)


class SignerQuorum(Started):
    """Signers `1` to `3`; `schemes` are made in a ceremony at the first start. `policy` is all of theirs."""

    def __init__(self, *, policy: Mapping[str, Any], schemes: Sequence[str] = ("taproot",)) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="outcry-signers-"))
        self.targets = {index: f"127.0.0.1:{free_port()}" for index in INDEXES}
        self._policy = policy
        self._schemes = schemes
        self._authority = _Authority(self.directory / "tls")
        self._processes = {
            index: ServerProcess(name=f"signer-{index}", log=self.directory / f"signer-{index}.log")
            for index in INDEXES
        }

    @property
    def tls(self) -> dict[str, str]:
        """Files of the wallet's end, as its own file names them."""
        return self._authority.issue("wallet")

    def start(self) -> None:
        """Start all three, and make what keys are not there."""
        self._program = str(signer_program())
        self._configure()
        for index in INDEXES:
            self.run(index)
        ceremony = ["ceremony", "generate", "--record", str(self.directory / "ceremony.json")]
        for scheme in self._schemes:
            ceremony += ["--scheme", scheme]
        self._command(
            *ceremony,
            *(part for index in INDEXES for part in ("--signer", f"{index}=https://{self.targets[index]}")),
            *self._flags("ceremony"),
        )

    def run(self, index: str) -> None:
        """Start one (again) and wait until it listens."""
        process = self._processes[index]
        said = process.log.stat().st_size if process.log.exists() else 0
        process.start(
            [
                *(self._program, "run", *self._disk(index)),
                *("--quorum", str(self.directory / f"quorum-{index}.json")),
                *("--policy", str(self.directory / "policy.json")),
                *("--listen", self.targets[index]),
                *self._flags(f"signer-{index}"),
            ]
        )
        process.wait_ready(lambda: b"listening on" in process.log.read_bytes()[said:], seconds=60)

    def stop(self, index: str) -> None:
        """SIGTERM, shares kept."""
        self._processes[index].stop()

    def close(self) -> None:
        """Kill all and remove what they left."""
        for process in self._processes.values():
            process.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def _configure(self) -> None:
        self.directory.joinpath("policy.json").write_text(json.dumps(self._policy))
        for index in INDEXES:
            self.directory.joinpath(f"{index}.key").write_text(secrets.token_hex(32))
        identities = {index: self._command("identity", *self._disk(index)).strip() for index in INDEXES}
        for index in INDEXES:
            quorum = {"me": int(index), "identities": identities}
            self.directory.joinpath(f"quorum-{index}.json").write_text(json.dumps(quorum))

    def _disk(self, index: str) -> list[str]:
        data, key = self.directory / f"data-{index}", self.directory / f"{index}.key"
        return ["--data", str(data), "--storage-key", str(key)]

    def _flags(self, name: str) -> list[str]:
        files = self._authority.issue(name)
        return [
            *("--ca", files["authority_file"]),
            *("--certificate", files["certificate_file"]),
            *("--key", files["key_file"]),
        ]

    def _command(self, *words: str) -> str:
        done = subprocess.run([self._program, *words], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ServerStartError(f"outcry-signer {words[0]}: {done.stderr}")
        return done.stdout


class _Authority:
    """Certificates of one quorum, made when they are first asked for."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "signers of a test")])
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        certificate = self._made(self._name, self._key).add_extension(constraints, critical=True)
        self._write("ca.pem", certificate.sign(self._key, hashes.SHA256()))

    def issue(self, name: str) -> dict[str, str]:
        """For a DNS name."""
        if not self._directory.joinpath(f"{name}.pem").exists():
            key = ec.generate_private_key(ec.SECP256R1())
            subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
            names = x509.SubjectAlternativeName([x509.DNSName(name)])
            certificate = self._made(subject, key).add_extension(names, critical=False)
            self._write(f"{name}.pem", certificate.sign(self._key, hashes.SHA256()))
            self._directory.joinpath(f"{name}.key").write_bytes(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        return {
            "authority_file": str(self._directory / "ca.pem"),
            "certificate_file": str(self._directory / f"{name}.pem"),
            "key_file": str(self._directory / f"{name}.key"),
        }

    def _made(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        now = datetime.now(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
        )

    def _write(self, name: str, certificate: x509.Certificate) -> None:
        self._directory.joinpath(name).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

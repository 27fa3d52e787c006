"""Three real signers on what the operator makes: they run, hold a ceremony, and it believes their record."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess

import pytest
from outcry_operator.wallet.names import SIGNERS
from outcry_operator.wallet.policy import policy_of
from outcry_services.common.errors import ServiceError
from outcry_services.wallet.settings import TlsFiles
from outcry_services.wallet.signing.remote import RemoteSigner, credentials_of

from e2e.backends import ServerProcess, free_port
from e2e.backends.errors import ServerStartError
from e2e.backends.signer_quorum import signer_program

from ..unit.wallet.making import make_wallet

pytestmark = pytest.mark.integration

TERMINATION_MESSAGE_BYTES = 4096


@pytest.fixture(scope="module")
def program():
    return str(signer_program())


def said(program, *words):
    """What a command that ended well printed."""
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("chain", ["bitcoin", "ethereum", "solana"])
def test_each_chains_policy_is_one_that_signers_take(program, tmp_path, chain):
    policy = policy_of(make_wallet(chain))
    policy_file = tmp_path / "policy.json"
    policy_file.write_text(json.dumps(policy))
    assert len(said(program, "check-policy", str(policy_file)).strip()) == 64


def replaced(text, changes):
    for old, new in changes.items():
        text = text.replace(old, new)
    return text


class Pods:
    """Processes with the arguments of the operator's pods, on folders with what its objects hold."""

    def __init__(self, quorum, program, folder):
        self.quorum, self.program, self.folder = quorum, program, folder
        self.ports = {index: free_port() for index in SIGNERS}
        self.processes = {
            index: ServerProcess(name=f"signer-{index}", log=folder / f"signer-{index}.log")
            for index in SIGNERS
        }

    def here(self, role, arguments):
        """Arguments of a container, with paths and addresses of this machine."""
        places = {
            "/var/lib/outcry": "disk",
            "/etc/outcry/signer": "config",
            "/secrets/tls": "tls",
            "/secrets/storage": "storage",
            "/dev/termination-log": "told",
        }
        changes = {f"={place}": f"={self.folder / role / name}" for place, name in places.items()}
        for index, port in self.ports.items():
            changes[f"{self.quorum.base}-signer-{index}.markets.svc:7443"] = f"127.0.0.1:{port}"
        if role.startswith("signer-"):
            changes["0.0.0.0:7443"] = f"127.0.0.1:{self.ports[int(role[-1])]}"
        return [replaced(argument, changes) for argument in arguments]

    async def mount(self, role, *, storage=False, config=False):
        """The Secrets and the ConfigMap of a pod, as files."""
        base = self.quorum.base
        content = {"tls": await self.quorum.secret(f"{base}-tls-{role}")}
        if storage:
            content["storage"] = await self.quorum.secret(f"{base}-{role}-storage")
        if config:
            content["config"] = (await self.quorum.get("ConfigMap", f"{base}-{role}"))["data"]
        (self.folder / role / "disk").mkdir(parents=True, exist_ok=True)
        for place, files in content.items():
            for name, text in files.items():
                (self.folder / role / place).mkdir(parents=True, exist_ok=True)
                (self.folder / role / place / name).write_text(text)

    async def start(self, index):
        """The pod of a signer: its init container tells the identity, then it runs."""
        role = f"signer-{index}"
        await self.mount(role, storage=True, config=True)
        self.processes[index].stop()
        pod = (await self.quorum.get("StatefulSet", f"{self.quorum.base}-{role}"))["spec"]["template"]["spec"]
        (first,), (signer,) = pod["initContainers"], pod["containers"]
        await asyncio.to_thread(said, self.program, *self.here(role, first["args"]))
        log = self.processes[index].log
        before = log.stat().st_size if log.exists() else 0
        self.processes[index].start([self.program, *self.here(role, signer["args"])])
        await asyncio.to_thread(
            self.processes[index].wait_ready, lambda: b"listening on" in log.read_bytes()[before:], seconds=60
        )
        return (self.folder / role / "told").read_text()

    async def hold_ceremony(self, job):
        """The pod of the ceremony; what it told."""
        await self.mount("ceremony")
        (container,) = job["spec"]["template"]["spec"]["containers"]
        arguments = self.here("ceremony", container["args"])
        await asyncio.to_thread(said, self.program, *arguments)
        told = (self.folder / "ceremony" / "told").read_text()
        assert len(told.encode()) <= TERMINATION_MESSAGE_BYTES
        return told.splitlines()

    def kill(self):
        for process in self.processes.values():
            process.kill()


@pytest.fixture
def pods(quorum, program, tmp_path):
    pods = Pods(quorum, program, tmp_path)
    yield pods
    pods.kill()


class Told:
    """Identities as real signers told them."""

    def __init__(self):
        self.pinned = {}

    def public(self, index):
        return self.pinned[index]


async def restart(quorum, pods, *, only=SIGNERS):
    for index in only:
        quorum.identities.pinned[index] = await pods.start(index)
        await quorum.start_signer(index)


async def job_of(quorum):
    (job,) = [
        job for job in (await quorum.objects("Job")).values() if not job.get("status", {}).get("conditions")
    ]
    return job


async def ask_as(quorum, pods, role):
    """What each signer answers to the wallet service's own client, with the certificate of a role."""
    await pods.mount(role)
    folder = pods.folder / role / "tls"
    files = TlsFiles(
        authority_file=folder / "ca.crt", certificate_file=folder / "tls.crt", key_file=folder / "tls.key"
    )
    found = {}
    for index in SIGNERS:
        signer = RemoteSigner(index, f"127.0.0.1:{pods.ports[index]}", credentials_of(files))
        try:
            found[index] = await signer.status()
        finally:
            await signer.close()
    return found


async def test_real_signers_live_on_what_the_operator_makes(quorum, pods):
    quorum.identities = Told()
    await quorum.apply()
    await quorum.settle()
    await restart(quorum, pods)
    await quorum.settle()
    await restart(quorum, pods)
    await quorum.ask("generate")
    await quorum.settle()
    await quorum.end_job(*await pods.hold_ceremony(await job_of(quorum)))
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert status.ceremony.state == "Done", status.ceremony.message
    assert (status.key.scheme, status.key.epoch) == ("taproot", 1)
    made = status.key.public_key

    told = await ask_as(quorum, pods, "wallet")
    assert {index: answer.identity for index, answer in told.items()} == quorum.identities.pinned
    assert {answer.keys[0].public_key.hex() for answer in told.values()} == {made}
    with pytest.raises(ServiceError):
        await ask_as(quorum, pods, "signer-1")

    # A disk is lost: the signer begins anew, a person asks for its replacement, one after the other restarts.
    lost = pods.folder / "signer-2" / "disk"
    pods.processes[2].stop()
    shutil.rmtree(lost)
    lost.mkdir()
    with pytest.raises(ServerStartError):
        await pods.start(2)
    quorum.identities.pinned[2] = (pods.folder / "signer-2" / "told").read_text()
    await quorum.start_signer(2, ready=False)
    await quorum.settle()
    assert (await quorum.conditions())["QuorumReady"] == ("True", "IdentityChanged")
    await quorum.ask("replace-2")
    for index in (2, 1, 3):
        await quorum.settle()
        await restart(quorum, pods, only=(index,))
    await quorum.settle()
    lines = await pods.hold_ceremony(await job_of(quorum))
    assert [json.loads(line)["ceremony"] for line in lines] == ["repair", "refresh"]
    await quorum.end_job(*lines)
    await quorum.settle()
    status = (await quorum.wallet()).status
    assert status.ceremony.state == "Done", status.ceremony.message
    assert (status.key.public_key, status.key.epoch) == (made, 2)

"""Process 1 of a cluster's namespaces: starts the cluster's programs and keeps them running.

Started as `unshare --net --mount --pid --fork --kill-child --mount-proc python supervisor.py SPEC`.
When it dies the kernel kills everything below it and drops the namespaces, which is how a cluster
goes away. It uses the standard library alone and imports everything at its start, since it covers
/tmp, /run and /var/lib with file systems of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

RESTART_SECONDS = 1.0
POLL_SECONDS = 0.1
# The user and group of all our images. `fsGroup` has no effect on volumes that are host paths.
POD_USER = 65532
VOLUMES = Path("/tmp/hostpath_pv")
MS_BIND, MS_REC, MS_SHARED, MS_NOSUID = 0x1000, 0x4000, 0x100000, 0x2
PRIVATE_FOLDERS = ("/run", "/tmp", "/var/lib", "/var/log")
# The kubelet sets these for the whole machine. It gets files that look like them instead.
MACHINE_SETTINGS = (
    "vm/overcommit_memory",
    "vm/panic_on_oom",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/keys/root_maxkeys",
    "kernel/keys/root_maxbytes",
)

libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Bind, or mount a file system; raises OSError."""
    if libc.mount(source.encode(), target.encode(), kind.encode(), flags, data.encode()) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"mount {source} at {target}: {os.strerror(number)}")


def cover_folders(spec: dict[str, Any]) -> None:
    """Give this cluster its own /run, /tmp, /var/lib and /var/log, and bind its data into them.

    Sources are held open first, because they may lie below a folder that is covered.
    """
    held = {target: os.open(source, os.O_PATH) for target, source in spec["binds"].items()}
    mount("none", "/", "none", MS_REC | MS_SHARED)
    for folder in PRIVATE_FOLDERS:
        mount("tmpfs", folder, "tmpfs", MS_NOSUID, "mode=0755")
    Path("/tmp").chmod(0o1777)
    for target, descriptor in held.items():
        Path(target).mkdir(parents=True, exist_ok=True)
        mount(f"/proc/self/fd/{descriptor}", target, "none", MS_BIND | MS_REC)
        os.close(descriptor)
    mount("none", "/", "none", MS_REC | MS_SHARED)


def cover_machine_settings() -> None:
    """Leave the machine's own kernel settings as they are, whatever the kubelet writes."""
    for name in MACHINE_SETTINGS:
        real, copy = Path("/proc/sys", name), Path("/run/outcry-settings", name)
        if real.exists():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text(real.read_text())
            mount(str(copy), str(real), "none", MS_BIND)


def set_up_network(spec: dict[str, Any]) -> None:
    """The nodes' addresses and forwarding between pods. The link outward is attached from outside."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for device, address in spec["addresses"].items():
        subprocess.run(["ip", "link", "add", device, "type", "bridge"], check=True)
        subprocess.run(["ip", "address", "add", f"{address}/32", "dev", device], check=True)
        subprocess.run(["ip", "link", "set", device, "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")


def answers(need: str) -> bool:
    """Whether something listens at `host:port` or on a socket's path."""
    if need.startswith("/"):
        family, address = socket.AF_UNIX, need
    else:
        host, _, port = need.partition(":")
        family, address = socket.AF_INET, (host, int(port))  # type: ignore[assignment]
    with socket.socket(family) as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(address) == 0


def give_volumes_to_pods() -> None:
    """Let our images' user write to new volumes, which the controller manager makes as root's."""
    for volume in os.scandir(VOLUMES):
        if volume.stat(follow_symlinks=False).st_uid == 0:
            os.chown(volume.path, POD_USER, POD_USER)


class Supervisor:
    """Keeps each program of the spec running, once what it needs answers."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.programs: dict[str, dict[str, Any]] = {one["name"]: one for one in spec["processes"]}
        self.logs = Path(spec["logs"])
        self.running: dict[int, str] = {}
        self.not_before: dict[str, float] = dict.fromkeys(self.programs, 0.0)

    def start(self, name: str) -> None:
        """Start one program with its output appended to its log."""
        program = self.programs[name]
        with (self.logs / f"{name}.log").open("ab") as log:
            child = subprocess.Popen(
                program["argv"],
                env={**os.environ, **program["env"]},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.running[child.pid] = name
        child.returncode = 0  # it is reaped by `reap`, not by Popen
        self.note(name, f"started with pid {child.pid}")

    def start_what_can_be(self) -> None:
        """Start everything that doesn't run, whose needs answer and whose pause is over."""
        now = time.monotonic()
        for name in self.programs.keys() - set(self.running.values()):
            if self.not_before[name] <= now and all(answers(need) for need in self.programs[name]["needs"]):
                self.start(name)

    def reap(self) -> None:
        """Collect ended children, ours and those that pods' processes left to process 1."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            name = self.running.pop(pid, None)
            if name is not None:
                self.not_before[name] = time.monotonic() + RESTART_SECONDS
                self.note(name, f"ended with status {os.waitstatus_to_exitcode(status)}, starting it again")

    def note(self, name: str, message: str) -> None:
        """One line of the supervisor's own log."""
        print(json.dumps({"time": time.time(), "program": name, "message": message}), flush=True)

    def run(self) -> None:
        """For ever."""
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        while True:
            self.start_what_can_be()
            signal.sigtimedwait([signal.SIGCHLD], POLL_SECONDS)
            self.reap()
            give_volumes_to_pods()


def main() -> None:
    """Prepare the namespaces, say so, and supervise until killed."""
    spec: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: os._exit(0))
    cover_folders(spec)
    cover_machine_settings()
    set_up_network(spec)
    Path(spec["ready_file"]).write_text("ready\n")
    Supervisor(spec).run()


if __name__ == "__main__":
    main()

"""What a machine must have before anything starts, each lack with the command that mends it.

Standard library alone, since it runs before the project's own environment exists:
`python3 e2e/cluster/prerequisites.py [--provider local|kind|current] [--tests] [--install] [--json]`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Problem", "find_problems"]

GIB = 2**30
# A first run builds Kubernetes, Consul and the engine. A cluster is 6 GiB, most of it images for two nodes.
DISK_FIRST, DISK_LATER = 20 * GIB, 8 * GIB
MEMORY = 4 * GIB

# What stands for a package: a program on PATH, or a file.
PACKAGES = {
    "cc": "build-essential",
    "make": "build-essential",
    "java": "openjdk-17-jre-headless",
    "mvn": "maven",
}
LOCAL_PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "conntrack": "conntrack",
    "iptables": "iptables",
    "ip": "iproute2",
    "mmdebstrap": "mmdebstrap",
    "unshare": "util-linux",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
}
# The stores that tests run as processes of their own, and what examples/signed.sh signs and sends with.
# The `-core` packages bring no system service.
TEST_PACKAGES = {
    "curl": "curl",
    "openssl": "openssl",
    "mariadbd": "mariadb-server-core",
    "my_print_defaults": "mariadb-client-core",
    "redis-server": "redis-server",
    # Compiles the small main around Canal.
    "javac": "openjdk-17-jdk-headless",
    # Another implementation of the cold wallet's QR codes, and anvil.
    "node": "nodejs",
    "npm": "npm",
}
# Packages that have their service started at boot.
SERVICES = {"redis-server": "redis-server.service"}
POLICY = Path("/usr/sbin/policy-rc.d")
# root's PATH has these, a user's often not; what is started later looks there, too.
SEARCH = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
PROBE = (
    "ip link add probe type bridge && ip link add name probe-a type veth peer name probe-b && "
    "iptables --wait --list-rules"
)


@dataclass(frozen=True)
class Problem:
    """Something that the machine lacks, and what to type."""

    what: str
    mend: str
    package: str = ""


def find_problems(provider: str = "local", *, tests: bool = False) -> list[Problem]:
    """Everything that would stop `make up` (and `make test`) on this machine later; nothing is changed."""
    programs = PACKAGES | TEST_PACKAGES if tests else PACKAGES
    problems = [*missing_programs(programs), *rust_problems(), *java_problems()]
    if provider == "local":
        problems += root_problems()
        lacking = missing_programs(LOCAL_PACKAGES)
        problems += lacking or namespace_problems()
    if provider == "kind" and shutil.which("docker") is None:
        problems.append(
            Problem("docker is not installed; kind runs nodes in it", "apt-get install docker.io")
        )
    return [*problems, *room_problems()]


def missing_programs(packages: dict[str, str]) -> list[Problem]:
    """One problem a missing package."""
    lacking = {
        package: program
        for program, package in reversed(packages.items())
        if not (Path(program).exists() if program.startswith("/") else shutil.which(program, path=SEARCH))
    }
    return [
        Problem(f"{program} is not installed", f"apt-get install {package}", package)
        for package, program in lacking.items()
    ]


def rust_problems() -> list[Problem]:
    """Debian's own Rust is too old for the engine."""
    mend = "install Rust 1.90 or newer with rustup, as its site says, and open a new shell"
    version = version_of("cargo", "--version")
    if version is None:
        return [Problem("cargo is not installed", mend)]
    if version < (1, 90):
        return [Problem(f"Rust {version[0]}.{version[1]} is too old, 1.90 is needed", mend)]
    return []


def java_problems() -> list[Problem]:
    """Kafka 4 wants Java 17."""
    version = version_of("java", "-version")
    if version is None or version >= (17, 0):
        return []
    return [Problem(f"Java {version[0]} is too old, 17 is needed", "apt-get install openjdk-17-jre-headless")]


def version_of(program: str, flag: str) -> tuple[int, int] | None:
    """Major and minor version that a program says; None where it isn't there or says none."""
    if shutil.which(program) is None:
        return None
    done = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    found = re.search(r"(\d+)\.(\d+)", done.stdout + done.stderr)
    return (int(found[1]), int(found[2])) if found else None


def root_problems() -> list[Problem]:
    """Namespaces, cgroups and iptables are root's."""
    if os.geteuid() == 0:
        return []
    return [Problem("the local cluster needs root", "sudo make up")]


def namespace_problems() -> list[Problem]:
    """Whether this root may do what a node does. A container's often may not."""
    if os.geteuid() != 0:
        return []
    command = ["unshare", "--net", "--mount", "--pid", "--fork", "--mount-proc", "sh", "-ec", PROBE]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={**os.environ, "PATH": SEARCH}
    )
    problems = []
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        problems.append(
            Problem(
                f"root can't make namespaces, bridges and iptables rules here: {said}",
                "use a virtual machine or a privileged container, or: modprobe bridge veth nf_tables",
            )
        )
    mounted = Path("/proc/mounts").read_text()
    if not re.search(r"^\S+ \S+ cgroup2? ", mounted, re.MULTILINE):
        problems.append(Problem("no cgroup file system is mounted", "mount -t cgroup2 none /sys/fs/cgroup"))
    return problems


def room_problems() -> list[Problem]:
    """Disk for the cache and the volumes, memory for the cluster."""
    cache = Path(os.environ.get("OUTCRY_CACHE") or Path.home() / ".cache" / "outcry")
    needed = DISK_LATER if (cache / "servers").is_dir() else DISK_FIRST
    problems = []
    for place in {existing(cache), existing(Path.home() / ".local" / "state")}:
        free = shutil.disk_usage(place).free
        if free < needed:
            problems.append(
                Problem(
                    f"{free / GIB:.1f} GiB are free at {place}, {needed / GIB:.0f} GiB are needed",
                    f"free some, or set OUTCRY_CACHE to a folder with room (or: rm -r {cache})",
                )
            )
    available = memory_available()
    if available < MEMORY:
        problems.append(
            Problem(
                f"{available / GIB:.1f} GiB of memory are available, {MEMORY / GIB:.0f} GiB are needed",
                "end what uses it: ps -e -o pid,rss,comm --sort -rss | head",
            )
        )
    return problems


def existing(path: Path) -> Path:
    """The nearest folder above that is there, whose file system will be written to."""
    return next(place for place in (path, *path.parents) if place.exists())


def memory_available() -> int:
    """Bytes, as the kernel estimates."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(), re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


def install(problems: list[Problem]) -> None:
    """Install the Debian packages that mend some of the problems; raises CalledProcessError."""
    packages = sorted({problem.package for problem in problems if problem.package})
    if not packages:
        return
    print(f"installing {' '.join(packages)}", file=sys.stderr)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    apt = ["apt-get", "-qq", "-o", "Dpkg::Use-Pty=0"]
    subprocess.run([*apt, "update"], check=True, env=environment, stdout=sys.stderr)
    command = [*apt, "install", "--yes", "--no-install-recommends", *packages]
    with no_services_started():
        subprocess.run(command, check=True, env=environment, stdout=sys.stderr)
    for service in (SERVICES[package] for package in packages if package in SERVICES):
        if shutil.which("systemctl", path=SEARCH):
            subprocess.run(["systemctl", "disable", "--quiet", service], check=True, stdout=sys.stderr)


@contextmanager
def no_services_started() -> Iterator[None]:
    """While packages are installed, Debian starts none of their services: ours are processes of their own.

    A policy that the machine has already stays in force as it is.
    """
    if POLICY.exists():
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def main() -> int:
    """Name every problem; exit status 1 when one is left."""
    parser = argparse.ArgumentParser(
        prog="prerequisites.py",
        description=__doc__,
        epilog="example: python3 e2e/cluster/prerequisites.py --json",
    )
    parser.add_argument("--provider", choices=("local", "kind", "current"), default="local")
    parser.add_argument("--tests", action="store_true", help="name what the tests need, too")
    parser.add_argument("--install", action="store_true", help="install missing Debian packages (root)")
    parser.add_argument("--json", action="store_true", help="print the problems as JSON")
    options = parser.parse_args()
    if options.install:
        try:
            install(find_problems(options.provider, tests=options.tests))
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"packages can't be installed: {error}", file=sys.stderr)
    problems = find_problems(options.provider, tests=options.tests)
    if options.json:
        print(json.dumps([asdict(problem) for problem in problems], indent=1))
    for problem in problems if not options.json else []:
        print(f"✗ {problem.what}\n    {problem.mend}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())

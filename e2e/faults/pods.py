"""Reaches into pods from the machine that runs their nodes: processes and network namespaces."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

from e2e.faults.arena import ArenaError

if TYPE_CHECKING:
    import signal
    from collections.abc import Iterable

__all__ = ["cut_packets", "mend_packets", "processes_of_pod", "send_all"]

CHAIN = "OUTCRY-FAULT"


def processes_of_pod(uid: str, program: str = "") -> list[int]:
    """PIDs, as this machine numbers them, in a pod's cgroup; `program` must occur in the command line."""
    forms = (f"pod{uid}", f"pod{uid.replace('-', '_')}")
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        try:
            groups = (entry / "cgroup").read_text()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue  # it ended while we looked
        if any(form in groups for form in forms) and program in command:
            found.append(int(entry.name))
    return sorted(found)


def send_all(pids: Iterable[int], number: signal.Signals) -> float:
    """Signal all of them; the monotonic instant right before the first."""
    at = time.monotonic()
    for pid in pids:
        os.kill(pid, number)
    return at


def cut_packets(pid: int, ports: Iterable[int] | None) -> float:
    """Drop what goes to or comes from these TCP ports in a process's network; `None`: all but its own."""
    rules = [["-N", CHAIN], ["-I", "INPUT", "-j", CHAIN], ["-I", "OUTPUT", "-j", CHAIN]]
    _iptables(pid, rules)
    if ports is None:
        drops = [["-A", CHAIN, "-s", "127.0.0.0/8", "-j", "RETURN"], ["-A", CHAIN, "-j", "DROP"]]
    else:
        drops = [
            ["-A", CHAIN, "-p", "tcp", direction, str(port), "-j", "DROP"]
            for port in ports
            for direction in ("--dport", "--sport")
        ]
    at = time.monotonic()
    _iptables(pid, drops)
    return at


def mend_packets(pid: int) -> None:
    """Undo `cut_packets`; nothing when nothing was cut."""
    for rule in (["-D", "INPUT", "-j", CHAIN], ["-D", "OUTPUT", "-j", CHAIN], ["-F", CHAIN], ["-X", CHAIN]):
        command = _command(pid, rule)
        subprocess.run(command, capture_output=True, check=False)


def _iptables(pid: int, rules: list[list[str]]) -> None:
    for rule in rules:
        done = subprocess.run(_command(pid, rule), capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise ArenaError(f"{' '.join(_command(pid, rule))}: {done.stderr.strip()}")


def _command(pid: int, rule: list[str]) -> list[str]:
    return ["nsenter", "--target", str(pid), "--net", "iptables", "--wait", *rule]

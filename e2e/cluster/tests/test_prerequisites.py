"""Each lack is named with the command that mends it, before anything starts."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import pytest

from e2e.cluster import prerequisites

Usage = namedtuple("Usage", "total used free")


def mends(problems):
    return {problem.mend for problem in problems}


def test_a_missing_program_names_its_package_once():
    problems = prerequisites.missing_programs({"no-such-a": "one-package", "no-such-b": "one-package"})
    assert [problem.package for problem in problems] == ["one-package"]
    assert mends(problems) == {"apt-get install one-package"}


def test_a_missing_file_names_its_package(tmp_path):
    there = tmp_path / "bridge"
    there.touch()
    absent = prerequisites.missing_programs({str(tmp_path / "gone"): "plugins", str(there): "others"})
    assert [problem.package for problem in absent] == ["plugins"]


@pytest.mark.parametrize(
    ("said", "expected"),
    [("cargo 1.95.0 (f2d3ce0bd 2026-03-21)", 0), ("cargo 1.63.0", 1), ("cargo 2.0.0", 0)],
)
def test_an_old_rust_is_named(tmp_path, monkeypatch, said, expected):
    program = tmp_path / "cargo"
    program.write_text(f"#!/bin/sh\necho '{said}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert len(prerequisites.rust_problems()) == expected


def test_an_old_java_is_named(tmp_path, monkeypatch):
    program = tmp_path / "java"
    program.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\" 2019-01-15' >&2\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert mends(prerequisites.java_problems()) == {"apt-get install openjdk-17-jre-headless"}


def test_a_full_disk_is_named_with_what_may_go(tmp_path, monkeypatch):
    monkeypatch.setenv("OUTCRY_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(100, 90, 10 * 2**30))
    first = prerequisites.room_problems()
    assert all("10.0 GiB are free" in problem.what for problem in first)
    assert all(str(tmp_path / "cache") in problem.mend for problem in first)
    (tmp_path / "cache" / "servers").mkdir(parents=True)
    assert not prerequisites.room_problems()


def test_little_memory_is_named(monkeypatch):
    monkeypatch.setattr(prerequisites, "memory_available", lambda: 2**30)
    assert any("1.0 GiB of memory" in problem.what for problem in prerequisites.room_problems())


def test_without_root_the_local_cluster_says_so(monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert mends(prerequisites.root_problems()) == {"sudo make up"}
    assert not prerequisites.namespace_problems()


def test_the_stores_of_the_tests_are_asked_for_by_tests_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(prerequisites, "SEARCH", str(tmp_path))
    stores = {"mariadb-server-core", "mariadb-client-core", "redis-server", "openjdk-17-jdk-headless"}
    assert stores <= {problem.package for problem in prerequisites.find_problems("kind", tests=True)}
    assert not stores & {problem.package for problem in prerequisites.find_problems("kind")}


def test_no_service_starts_while_packages_are_installed(tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    monkeypatch.setattr(prerequisites, "POLICY", policy)
    with prerequisites.no_services_started():
        assert subprocess.run([policy], check=False).returncode == 101
    assert not policy.exists()


def test_a_policy_that_is_there_stays(tmp_path, monkeypatch):
    policy = tmp_path / "policy-rc.d"
    policy.write_text("theirs")
    monkeypatch.setattr(prerequisites, "POLICY", policy)
    with prerequisites.no_services_started():
        pass
    assert policy.read_text() == "theirs"


def test_installed_services_are_not_started_at_boot(monkeypatch):
    commands = []
    monkeypatch.setattr(subprocess, "run", lambda command, **_: commands.append(command))
    monkeypatch.setattr(prerequisites, "POLICY", Path("/"))
    monkeypatch.setattr(shutil, "which", lambda name, path=None: name)
    prerequisites.install([prerequisites.Problem("it is missing", "install it", "redis-server")])
    assert commands[-1] == ["systemctl", "disable", "--quiet", "redis-server.service"]


def test_the_program_prints_problems_as_json(tmp_path):
    done = subprocess.run(
        [sys.executable, prerequisites.__file__, "--json"],
        env={"PATH": str(tmp_path), "OUTCRY_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert {"cargo", "java", "mvn"} <= {problem["what"].split()[0] for problem in json.loads(done.stdout)}

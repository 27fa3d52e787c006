"""The command line, which provider it means, and what it says."""

from __future__ import annotations

import argparse
import shlex

import pytest
from outcry_services.cli import login
from outcry_services.cli.login import signer_of

from e2e.cluster import __main__ as command
from e2e.cluster import prerequisites, up
from e2e.cluster.choose import choose, remember
from e2e.cluster.current import CurrentProvider
from e2e.cluster.environment import as_shell, environment_of
from e2e.cluster.errors import ClusterError, PrerequisiteError
from e2e.cluster.kind import KindProvider
from e2e.cluster.local.network import link_name, plan
from e2e.cluster.local.provider import LocalProvider
from e2e.cluster.market import lacks
from e2e.cluster.platform import credentials_of
from e2e.cluster.progress import Progress


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("OUTCRY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "outcry"


def options(*arguments):
    return command.parser().parse_args(arguments)


@pytest.mark.parametrize(
    ("provider", "kind"), [("local", LocalProvider), ("kind", KindProvider), ("current", CurrentProvider)]
)
def test_a_cluster_keeps_the_provider_it_was_made_with(provider, kind):
    remember(choose(options("up", "--name", "a", "--provider", provider)))
    assert isinstance(choose(options("down", "--name", "a")), kind)
    assert isinstance(choose(options("down", "--name", "b")), LocalProvider)


def test_another_provider_for_a_name_is_refused_by_name():
    remember(choose(options("up", "--name", "a", "--provider", "kind")))
    with pytest.raises(ClusterError, match="PROVIDER=kind"):
        choose(options("down", "--name", "a", "--provider", "local"))


@pytest.mark.parametrize("name", ["", "A", "a/b", "a.up", "-a", "a" * 31, "a b", "../a"])
def test_a_name_that_would_break_paths_is_refused(name):
    with pytest.raises(argparse.ArgumentTypeError):
        command.name(name)


@pytest.mark.parametrize("verb", ["env", "kill"])
def test_a_cluster_that_is_not_there_is_named_with_what_starts_it(verb, capsys):
    assert command.main([verb, "--name", "gone"]) == 1
    assert "make up NAME=gone" in capsys.readouterr().err


def test_status_of_nothing_is_an_answer(capsys):
    assert command.main(["status", "--name", "gone"]) == 1
    assert "cluster gone (provider local) doesn't run" in capsys.readouterr().out


def test_down_of_nothing_is_success(state):
    if prerequisites.root_problems():
        pytest.skip("cgroups are root's")
    assert command.main(["down", "--name", "gone"]) == 0
    assert not (state / "gone").exists()


def test_help_shows_an_example_and_what_was_never_run(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    said = capsys.readouterr().out
    assert "python -m e2e.cluster up" in said
    assert "never run" in said


def test_nothing_starts_while_something_is_missing(state, monkeypatch):
    problem = prerequisites.Problem("java is not installed", "apt-get install java")
    monkeypatch.setattr(up, "find_problems", lambda provider: [problem])
    with pytest.raises(PrerequisiteError, match="apt-get install java"):
        up.up(LocalProvider(cluster="a"), until="watch", progress=Progress())
    assert not state.exists()


def test_the_environment_is_a_shell_s(state):
    provider = LocalProvider(cluster="a")
    provider.root.mkdir(parents=True)
    (provider.root / "link.json").write_text('{"inner": "10.213.0.2", "device": "oc1"}')
    assert environment_of(provider) == {
        "KUBECONFIG": str(state / "a" / "kubeconfig"),
        "OUTCRY_KAFKA": "10.213.0.2:30094",
        "OUTCRY_CONSUL": "http://10.213.0.2:30850",
    }
    lines = [shlex.split(line) for line in as_shell(provider).splitlines()]
    assert all(words[0] == "export" for words in lines)
    assert lines[-1][1].startswith(f"PATH={state}/a/bin:")


def test_with_services_the_environment_lets_a_person_trade(state):
    provider = LocalProvider(cluster="a")
    provider.root.mkdir(parents=True)
    (provider.root / "link.json").write_text('{"inner": "10.213.0.2", "device": "oc1"}')
    credentials_of(provider).make(address="10.213.0.2")
    told = environment_of(provider)
    assert told["OUTCRY_URL"] == "https://10.213.0.2:30443"
    alice = load_login(told)
    assert (alice.key, alice.ca) == ("alice", str(credentials_of(provider).authority))
    assert signer_of(alice).sign(b"an order")


def load_login(variables):
    """As `outcry` reads them."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in variables.items():
            patch.setenv(name, value)
        return login.load()


@pytest.mark.parametrize("services", [True, False])
def test_five_things_to_try_and_one_of_them_kills(services):
    told = up.next_steps(LocalProvider(cluster="two"), python="python", services=services)
    commands = [line for line in told.splitlines() if "  # " in line]
    assert len(commands) == 5
    assert sum("kill" in line for line in commands) == 1
    assert "env --name two" in told
    assert ("outcry order" in told) == services
    foreign = up.next_steps(
        CurrentProvider(cluster="outcry", agreed=False), python="python", services=services
    )
    assert "kubectl delete pod" in foreign


READY = "3 3 Ready=True=Ready HotReady=True=Hot Pinned=False=SharedCPU"


@pytest.mark.parametrize(
    ("line", "lacking"),
    [
        (READY, []),
        ("3", ["the operator's first look"]),
        ("3 2 Ready=True=Ready", ["the operator's first look"]),
        ("3 3 Ready=False=NoHot HotReady=False=NoHot TopicsReady=True=TopicsReady", ["HotReady NoHot"]),
    ],
)
def test_what_a_pair_lacks(line, lacking):
    assert lacks(line) == lacking


def test_clusters_have_devices_and_networks_of_their_own():
    names = [f"cluster-{number}" for number in range(50)]
    assert len({link_name(name) for name in names}) == 50
    assert all(len(link_name(name)) <= 15 for name in names)
    assert plan("outcry") == plan("outcry")
    assert plan("outcry").inner != plan("other").inner

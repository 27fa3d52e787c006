import pytest
from outcry_engine.shell.pinning import format_cpus, judge, parse_cpus


@pytest.mark.parametrize(
    ("policy", "wanted", "cpus", "machine", "exclusive", "reason"),
    [
        ("exclusive", 1, {3}, 8, True, ""),
        ("exclusive", 2, {3, 4}, 8, True, ""),
        ("exclusive", 1, {1}, 2, True, "exclusive within its node; never spins on a machine of 2 CPUs"),
        (
            "exclusive",
            1,
            {0, 1},
            2,
            False,
            "node has no static CPU manager: 1 asked for, container may run on CPUs 0-1",
        ),
        (
            "exclusive",
            2,
            {0, 1},
            2,
            False,
            "node has no static CPU manager: 2 asked for, container may run on CPUs 0-1",
        ),
        ("exclusive", 1, {0}, 1, False, "the machine has one CPU, which everything on it shares"),
        ("shared", 1, {3}, 8, False, "cpuPolicy is Shared: the container may run on CPUs 3"),
    ],
)
def test_judge(
    policy: str, wanted: int, cpus: set[int], machine: int, *, exclusive: bool, reason: str
) -> None:
    verdict = judge(policy=policy, wanted=wanted, cpus=frozenset(cpus), machine_cpus=machine, numa_node=0)
    assert (verdict.exclusive, verdict.reason) == (exclusive, reason)


@pytest.mark.parametrize("text", ["", "0", "0-2,5", "1,3,5-7"])
def test_cpu_lists_go_there_and_back(text: str) -> None:
    assert format_cpus(parse_cpus(text)) == text

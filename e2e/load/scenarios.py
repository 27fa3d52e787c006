"""The shapes of load, as k6's own options."""

from __future__ import annotations

from typing import Any

__all__ = ["SCENARIOS", "options"]

SCENARIOS = ("constant", "ramp", "burst", "storm")


def options(scenario: str, *, rate: int, seconds: int, connections: int) -> dict[str, Any]:
    """Open loop: requests begin when they are due, whether or not earlier ones were answered.

    `constant` is one rate; `ramp` rises to it over the whole time; `burst` is a tenth of it, and for a fifth
    of the time in the middle all of it. `storm` enters orders for three quarters of the time; in the last one
    everybody cancels all orders of the pair, again and again.
    """
    common = {
        "exec": "order",
        "timeUnit": "1s",
        "preAllocatedVUs": connections,
        "maxVUs": connections,
    }
    low = max(1, rate // 10)
    shapes: dict[str, dict[str, Any]] = {
        "constant": {"executor": "constant-arrival-rate", "rate": rate, "duration": f"{seconds}s"},
        "ramp": {
            "executor": "ramping-arrival-rate",
            "startRate": low,
            "stages": [{"target": rate, "duration": f"{seconds}s"}],
        },
        "burst": {
            "executor": "ramping-arrival-rate",
            "startRate": low,
            "stages": [
                {"target": target, "duration": f"{max(1, seconds * share // 10)}s"}
                for target, share in ((low, 4), (rate, 0), (rate, 2), (low, 0), (low, 4))
            ],
        },
    }
    calm = seconds - seconds // 4
    shapes["storm"] = shapes["constant"] | {"duration": f"{calm}s"}
    scenarios = {scenario: common | shapes[scenario]}
    if scenario == "storm":
        cancels = {"exec": "cancelAll", "startTime": f"{calm}s", "duration": f"{seconds - calm}s"}
        scenarios["cancels"] = common | shapes["constant"] | cancels
    return {
        "scenarios": scenarios,
        "summaryTrendStats": ["med", "p(99)", "p(99.9)", "max"],
        "discardResponseBodies": False,
    }

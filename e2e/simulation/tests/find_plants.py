"""Look for the first seed that finds each planted bug, for `found_by`, when stories have changed.

`python -m e2e.simulation.tests.find_plants` prints a line for each; what no seed finds is None.
"""

from __future__ import annotations

import sys
import warnings

from e2e.simulation.story import Stage
from e2e.simulation.tests.found_by import PLANTS, TRADES

MOST_SEEDS = 600


def main() -> int:
    """Exit status 1 where one is not found."""
    warnings.simplefilter("ignore")
    stage = Stage()
    missing = 0
    for plant in PLANTS:
        trades = TRADES.get(plant.__name__, 0)
        with plant():
            outcomes = (stage.play(seed, trades=trades) for seed in range(MOST_SEEDS))
            found = next((outcome.seed for outcome in outcomes if outcome.faults), None)
        missing += found is None
        print(f'    "{plant.__name__}": {found},', flush=True)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m e2e.checker SYMBOL`: judge a pair's topics; exit 1 when something is wrong."""

from __future__ import annotations

import argparse
import json
import os
import sys

from e2e.checker.judge import Judge
from e2e.checker.records import read_topic


def main() -> int:
    """Read both topics whole and print the report."""
    parser = argparse.ArgumentParser(prog="python -m e2e.checker", description=__doc__)
    parser.add_argument("symbol", help="for example BTC-USDT")
    parser.add_argument("--kafka", default=os.environ.get("OUTCRY_KAFKA"), help="HOST:PORT")
    options = parser.parse_args()
    if not options.kafka:
        parser.error('say where Kafka is: --kafka HOST:PORT, or eval "$(python -m e2e.cluster env)" first')
    judge = Judge(symbol=options.symbol, commands=read_topic(options.kafka, f"matching.{options.symbol}"))
    judge.events(read_topic(options.kafka, f"events.{options.symbol}"))
    report = judge.finish()
    print(json.dumps(report.as_dict(), indent=1))
    return 0 if report.fine else 1


if __name__ == "__main__":
    sys.exit(main())

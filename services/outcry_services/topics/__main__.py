"""`python -m outcry_services.topics`: make what is missing, say what is there."""

from __future__ import annotations

import logging
import sys

from outcry_services.common import logs
from outcry_services.common.errors import ServiceError
from outcry_services.topics.ensure import ensure_topics
from outcry_services.topics.settings import TopicsSettings

log = logging.getLogger("outcry_services.topics")


def main() -> int:
    """0 once every topic is there as it should be."""
    try:
        settings = TopicsSettings.load()
        logs.configure(service="topics", level=settings.log_level)
        for done in ensure_topics(
            settings.kafka, partitions=settings.shared_partitions, replication=settings.replication_factor
        ):
            log.info(
                "topic made" if done.made else "topic is there",
                extra={"topic": done.name, "partitions": done.partitions},
            )
    except ServiceError as error:
        print(f"topics: {error.message}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

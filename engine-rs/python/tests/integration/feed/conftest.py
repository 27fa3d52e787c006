"""A pair with a feed on loopback."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.feed.pair import FedPair

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.backends import ConsulServer, KafkaServer


@pytest.fixture
def pair(kafka: KafkaServer, consul: ConsulServer, symbol: str) -> Iterator[FedPair]:
    fed = FedPair(symbol=symbol, kafka=kafka, consul=consul)
    with fed.engines:
        fed.engines.wait_ready()
        fed.open()
        yield fed

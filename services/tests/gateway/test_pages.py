"""The examples of the pages do what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from cryptography.hazmat.primitives import serialization
from outcry.v1 import order_api_pb2

from e2e.cluster.paths import CHECKOUT

pytestmark = pytest.mark.integration

SIGNING = CHECKOUT / "docs" / "api" / "signing.md"


def example(language):
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", SIGNING.read_text(), re.MULTILINE | re.DOTALL)
    return found


@pytest.mark.parametrize(
    ("language", "program"), [("python", (sys.executable, "-c")), ("bash", ("bash", "-euc"))]
)
def test_an_example_signs_an_order_and_lists_it(language, program, front, keys, upstreams, tmp_path):
    async def create(_, __):
        return order_api_pb2.Order(order_id="2047")

    async def orders(_, __):
        return order_api_pb2.ListOrdersResponse(orders=[order_api_pb2.Order(order_id="2047")])

    upstreams.answers |= {"CreateOrder": create, "ListOrders": orders}
    file = tmp_path / "key.pem"
    file.write_bytes(
        keys["trader"].signer.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    variables = {
        "OUTCRY_URL": f"https://{front.host}:{front.port}",
        "OUTCRY_KEY": "trader",
        "OUTCRY_KEY_FILE": str(file),
        "OUTCRY_CA": str(front.certificate),
    }
    done = subprocess.run(
        [*program, example(language)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("2047") == 2
    created, listed = upstreams.seen
    assert (created.request.price, listed.request.symbol) == ("55000", "BTC-USDT")

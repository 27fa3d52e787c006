"""What `examples/signed.sh` sends is what the gateway takes."""

from __future__ import annotations

import subprocess
from itertools import pairwise

from outcry_services.gateway.authenticate import Authenticator, SignedRequest
from outcry_services.gateway.key_store import KeyStore

from e2e.cluster.credentials import Credentials
from e2e.cluster.paths import CHECKOUT

BODY = '{"symbol": "BTC-USDT", "clientOrderId": "50% é\\n"}'


class FirstUse:
    """No signature was used before."""

    async def first_use(self, digest, *, signed, expires):
        return True


def headers_sent(credentials, tmp_path, *words):
    """The headers that the function gives to curl, which here is one that writes down its arguments."""
    said = tmp_path / "said"
    stand_in = tmp_path / "curl"
    stand_in.write_text(f'#!/bin/sh\nprintf "%s\\0" "$@" >{said}\n')
    stand_in.chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", '. examples/signed.sh; signed "$@"', "signed", *words],
        cwd=CHECKOUT,
        env={
            "PATH": f"{tmp_path}:/usr/bin:/bin",
            "OUTCRY_URL": "https://gateway.example",
            "OUTCRY_CA": str(credentials.authority),
            "OUTCRY_KEYS": str(credentials.folder),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    arguments = said.read_text().split("\0")
    pairs = pairwise(arguments)
    headers = dict(value.split(": ", 1) for flag, value in pairs if flag == "--header")
    body = arguments[arguments.index("--data-binary") + 1] if "--data-binary" in arguments else ""
    return headers, body


async def test_the_gateway_takes_what_is_signed(tmp_path):
    credentials = Credentials(tmp_path / "keys")
    credentials.make(address="gateway.example")
    keys = tmp_path / "api-keys.json"
    keys.write_text(credentials.api_keys())
    for method, path, body in (
        ("GET", "/positions/1001/BTC", ""),
        ("GET", "/orders?state=open&symbol=BTC-USDT", ""),
        ("POST", "/orders", BODY),
    ):
        headers, sent = headers_sent(credentials, tmp_path, "alice", method, path, *([body] if body else []))
        assert sent == body
        request = SignedRequest(
            method=method, path=path, headers=headers, body=body.encode(), address="203.0.113.7"
        )
        judge = Authenticator(
            keys=KeyStore(keys), guard=FirstUse(), clock=lambda at=int(headers["outcry-timestamp"]): at
        )
        assert (await judge.identify(request)).user_id == 1001

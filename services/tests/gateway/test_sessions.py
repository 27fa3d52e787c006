"""Tokens of sessions: EdDSA by a key of the JWKS, for us, in time; nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from outcry.v1 import order_api_pb2

from e2e.gateway.secrets import Sessions

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def answers(upstreams):
    async def orders(_, __):
        return order_api_pb2.ListOrdersResponse()

    upstreams.answers["ListOrders"] = orders


def encoded(value):
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def forged(header, claims, signature=b""):
    return f"{encoded(header)}.{encoded(claims)}.{encoded(signature)}"


def hs256(secret, claims):
    head = {"alg": "HS256", "typ": "JWT", "kid": "1"}
    signed = f"{encoded(head)}.{encoded(claims)}"
    digest = hmac.digest(secret, signed.encode(), hashlib.sha256)
    return f"{signed}.{encoded(digest)}"


def test_a_session_is_its_user_and_its_permissions(client, front, upstreams):
    assert client.session(front.sessions.token(7, "read"), "GET", "/orders").status == 200
    (seen,) = upstreams.seen
    assert seen.metadata["x-outcry-user"] == ["7"]
    assert seen.metadata["x-outcry-permissions"] == ["read"]
    assert "authorization" not in seen.metadata
    refused = client.session(front.sessions.token(7, "trade"), "GET", "/orders")
    assert refused.error == (403, "PERMISSION_MISSING", "")


@pytest.mark.parametrize(
    "changed",
    [
        {"exp": 1},
        {"exp": None},
        {"iss": "somebody"},
        {"iss": None},
        {"aud": "somebody"},
        {"aud": None},
        {"nbf": 4102444800},
        {"exp": 4102444800},
    ],
    ids=str,
)
def test_a_token_of_another_time_or_place_is_refused(changed, client, front, upstreams):
    answer = client.session(front.sessions.token(7, **changed), "GET", "/orders")
    assert answer.error == (401, "TOKEN_INVALID", "authorization")
    assert not upstreams.seen


def test_a_token_that_names_nobody_is_no_credential(client, front, upstreams):
    answer = client.session(front.sessions.token(7, sub=None), "GET", "/orders")
    assert answer.error == (401, "CREDENTIALS_MISSING", "")
    for changed in (
        *({"sub": sub} for sub in ("", "0", "07", "7,8", "-7", "admin", "７")),  # noqa: RUF001
        *(
            {"permissions": granted}
            for granted in (None, "", "READ", "read trade", ["read"], "reader", {"read": 1})
        ),
    ):
        answer = client.session(front.sessions.token(7, **changed), "GET", "/orders")
        assert answer.error == (403, "PERMISSION_MISSING", ""), changed
    assert not upstreams.seen


@pytest.mark.parametrize("alg", ["none", "None", "NONE", ""])
def test_a_token_without_a_signature_is_refused(alg, client, front, upstreams):
    token = forged({"alg": alg, "typ": "JWT", "kid": "1"}, front.sessions.claims(7))
    assert client.session(token, "GET", "/orders").error == (401, "TOKEN_INVALID", "authorization")
    assert not upstreams.seen


def test_the_public_key_is_no_secret(client, front, upstreams):
    """HS256 under each form of the public key that a library might take for a secret."""
    public = front.sessions.private.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    jwk = json.loads(front.sessions.jwks())["keys"][0]
    for secret in (pem, pem.strip(), front.sessions.public, jwk["x"].encode(), json.dumps(jwk).encode()):
        token = hs256(secret, front.sessions.claims(7))
        assert client.session(token, "GET", "/orders").error == (401, "TOKEN_INVALID", "authorization")
    assert not upstreams.seen


def test_a_token_can_bring_no_key_of_its_own(client, front, upstreams):
    stranger = Sessions()
    jwk = json.loads(stranger.jwks())["keys"][0]
    for headers in (
        {"kid": "1"},
        {"kid": "1", "jwk": jwk},
        {"kid": "../../dev/null"},
        {"jku": "https://a.example"},
    ):
        token = jwt.encode(front.sessions.claims(7), stranger.private, algorithm="EdDSA", headers=headers)
        assert client.session(token, "GET", "/orders").error == (401, "TOKEN_INVALID", "authorization")
    assert not upstreams.seen


def test_a_token_with_other_claims_than_were_signed_is_refused(client, front):
    head, _, signature = front.sessions.token(7).split(".")
    changed = f"{head}.{encoded(front.sessions.claims(8))}.{signature}"
    assert client.session(changed, "GET", "/orders").error == (401, "TOKEN_INVALID", "authorization")


@pytest.mark.parametrize("text", ["Bearer x", "Bearer a.b.c", "Bearer ", "Bearer ...", "Basic Nzo3"])
def test_what_is_no_token_lets_nobody_in(text, client, upstreams):
    answer = client.send("GET", "/orders", headers={"authorization": text})
    assert answer.error[0] == 401
    assert answer.error[1] in ("TOKEN_INVALID", "CREDENTIALS_MISSING")
    assert not upstreams.seen


def test_a_token_in_the_query_is_no_token(client, front, upstreams):
    answer = client.send("GET", f"/orders?access_token={front.sessions.token(7)}")
    assert answer.error == (401, "CREDENTIALS_MISSING", "")
    assert not upstreams.seen


def test_a_bad_token_is_not_mended_by_a_good_signature(client, front, keys, upstreams):
    headers = client.headers(keys["trader"], "GET", "/orders")
    answer = client.send("GET", "/orders", headers=headers | {"authorization": "Bearer a.b.c"})
    assert answer.error == (401, "TOKEN_INVALID", "authorization")
    assert not upstreams.seen

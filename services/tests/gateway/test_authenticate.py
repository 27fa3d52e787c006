"""The logic alone, with a clock of its own: what is judged in which order, and what is remembered."""

from __future__ import annotations

import json
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.common.redis import Redis
from outcry_services.common.signing import Ed25519Signer, HmacKey, message, signed_headers
from outcry_services.gateway.authenticate import Authenticator, SignedRequest
from outcry_services.gateway.errors import (
    AddressNotAllowedError,
    CredentialsMalformedError,
    CredentialsMissingError,
    KeyUnknownError,
    ReplayGuardFullError,
    SignatureExpiredError,
    SignatureInvalidError,
    SignatureReplayedError,
    TimestampAheadError,
)
from outcry_services.gateway.keys import parse_keys
from outcry_services.gateway.replay import MemoryReplayGuard, RedisReplayGuard

from e2e.gateway.secrets import TestKey

NOW = 1_800_000_000_000
KEYS = {
    "ed": TestKey("ed", user=7),
    "hm": TestKey("hm", user=8, algorithm="hmac-sha256"),
    "far": TestKey("far", user=9, addresses=("203.0.113.0/24",)),
}


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def authenticator(clock):
    guard = MemoryReplayGuard(clock=clock, most=3)
    clock.now += 10_000
    return Authenticator(keys=parsed(*KEYS.values()), guard=guard, clock=clock)


def parsed(*keys):
    return parse_keys(json.dumps({"version": 1, "keys": [key.entry for key in keys]}), where="test")


def request(key, *, timestamp, window=5000, address="198.51.100.7", body=b"", **changed):
    headers = signed_headers(
        key.signer, key=key.name, timestamp=timestamp, window=window, method="GET", path="/orders", body=body
    )
    given = {name: value for name, value in (headers | changed).items() if value is not None}
    return SignedRequest(method="GET", path="/orders", headers=given, body=body, address=address)


async def test_a_right_request_is_its_user(authenticator, clock):
    for name, user in (("ed", 7), ("hm", 8)):
        identity = await authenticator.identify(request(KEYS[name], timestamp=clock.now))
        assert (identity.user_id, identity.key) == (user, name)


@pytest.mark.parametrize(
    ("age", "window", "error"),
    [
        (5000, 5000, None),
        (5001, 5000, SignatureExpiredError),
        (1, 1, None),
        (2, 1, SignatureExpiredError),
        (-1000, 5000, None),
        (-1001, 5000, TimestampAheadError),
        (0, 60000, None),
        (0, 60001, CredentialsMalformedError),
        (0, 0, CredentialsMalformedError),
    ],
)
async def test_time_is_judged_to_the_millisecond(age, window, error, authenticator, clock):
    asked = request(KEYS["ed"], timestamp=clock.now - age, window=window)
    if error is None:
        assert (await authenticator.identify(asked)).user_id == 7
    else:
        with pytest.raises(error):
            await authenticator.identify(asked)


async def test_a_request_is_used_up_until_its_time_is_over(authenticator, clock):
    asked = request(KEYS["ed"], timestamp=clock.now)
    await authenticator.identify(asked)
    for step in (0, 4999, 1):
        clock.now += step
        with pytest.raises(SignatureReplayedError):
            await authenticator.identify(asked)
    clock.now += 1
    with pytest.raises(SignatureExpiredError):
        await authenticator.identify(asked)


async def test_an_address_that_is_not_allowed_learns_nothing_of_its_signature(authenticator, clock):
    wrong = request(KEYS["far"], timestamp=clock.now - 10**6, **{"outcry-signature": "AAAA"})
    with pytest.raises(AddressNotAllowedError):
        await authenticator.identify(wrong)
    for address in ("203.0.113.9", "::ffff:203.0.113.9"):
        clock.now += 1
        asked = request(KEYS["far"], timestamp=clock.now, address=address)
        assert (await authenticator.identify(asked)).user_id == 9
    for address in ("", "unix", "203.0.114.1", "::1"):
        with pytest.raises(AddressNotAllowedError):
            await authenticator.identify(request(KEYS["far"], timestamp=clock.now, address=address))


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"outcry-key": None, "outcry-signature": None}, CredentialsMissingError),
        ({"outcry-key": ""}, CredentialsMalformedError),
        ({"outcry-key": "ed,ed"}, KeyUnknownError),
        ({"outcry-timestamp": None}, CredentialsMalformedError),
        ({"outcry-timestamp": "+1"}, CredentialsMalformedError),
        ({"outcry-timestamp": "01"}, CredentialsMalformedError),
        ({"outcry-timestamp": "1e12"}, CredentialsMalformedError),
        ({"outcry-timestamp": "１"}, CredentialsMalformedError),  # noqa: RUF001
        ({"outcry-timestamp": "9" * 400}, CredentialsMalformedError),
        ({"outcry-window": ""}, CredentialsMalformedError),
        ({"outcry-window": "-5"}, CredentialsMalformedError),
        ({"outcry-window": None}, None),
        ({"outcry-signature": ""}, CredentialsMalformedError),
        ({"outcry-signature": "not base64!"}, CredentialsMalformedError),
        ({"outcry-signature": "AAAA"}, SignatureInvalidError),
    ],
)
async def test_headers_have_one_form(changed, error, authenticator, clock):
    asked = request(KEYS["ed"], timestamp=clock.now, **changed)
    if error is None:
        assert (await authenticator.identify(asked)).user_id == 7
    else:
        with pytest.raises(error):
            await authenticator.identify(asked)


async def test_nobody_without_a_key_fills_the_memory(clock):
    guard = MemoryReplayGuard(clock=clock, most=3)
    authenticator = Authenticator(keys=parsed(KEYS["ed"]), guard=guard, clock=clock)
    for _ in range(10):
        with pytest.raises(SignatureInvalidError):
            await authenticator.identify(
                request(KEYS["ed"], timestamp=clock.now, **{"outcry-signature": "AAAA"})
            )
    assert len(guard) == 0


async def test_the_memory_is_bounded_and_lets_nobody_in_when_it_is_full(clock):
    guard = MemoryReplayGuard(clock=clock, most=3)
    for at in range(3):
        assert await guard.first_use(bytes([at]), signed=NOW, expires=NOW + at)
    with pytest.raises(ReplayGuardFullError):
        await guard.first_use(b"new", signed=NOW, expires=NOW + 9)
    clock.now = NOW + 1
    assert await guard.first_use(b"new", signed=NOW, expires=NOW + 9)
    assert not await guard.first_use(b"\x01", signed=NOW, expires=NOW + 1)


async def test_what_the_process_before_may_have_seen_is_refused(clock):
    guard = MemoryReplayGuard(clock=clock)
    with pytest.raises(SignatureExpiredError, match="before this gateway began"):
        await guard.first_use(b"x", signed=NOW - 1, expires=NOW + 5000)


@pytest.mark.integration
async def test_gateways_share_what_redis_remembers(redis_server, clock):
    digest = secrets.token_bytes(32)
    redis = Redis(redis_server.url)
    try:
        first, second = (RedisReplayGuard(redis, clock=clock) for _ in range(2))
        assert await first.first_use(digest, signed=NOW, expires=NOW + 60_000)
        assert not await first.first_use(digest, signed=NOW, expires=NOW + 60_000)
        assert not await second.first_use(digest, signed=NOW, expires=NOW + 60_000)
        left = await redis.command("PTTL", f"gateway:used:{digest.hex()}")
        assert 0 < left <= 65_000
    finally:
        await redis.close()


PARTS = st.tuples(
    st.integers(0, 10**15 - 1),
    st.integers(1, 60_000),
    st.sampled_from(["GET", "POST", "DELETE"]),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), min_size=1).map(
        lambda text: f"/{text}"
    ),
    st.binary(),
)


def text_of(parts):
    timestamp, window, method, path, body = parts
    return message(timestamp=timestamp, window=window, method=method, path=path, body=body)


@given(PARTS, PARTS)
def test_two_requests_never_have_one_text(one, other):
    assert (text_of(one) == text_of(other)) == (one == other)


@given(PARTS, PARTS)
def test_a_signature_verifies_for_its_text_and_key_alone(one, other):
    for key in (KEYS["ed"], KEYS["hm"]):
        verifier = parsed(key)[key.name].verifier
        signature = key.signer.sign(text_of(one))
        assert verifier.verifies(text_of(one), signature)
        assert verifier.verifies(text_of(other), signature) == (one == other)
        assert not verifier.verifies(text_of(one), signature[:-1])


def test_secrets_do_not_show():
    assert "secret" not in repr(HmacKey(b"secret" * 8))
    assert repr(KEYS["ed"].signer) == "Ed25519Signer()"
    assert isinstance(KEYS["ed"].signer, Ed25519Signer)
    assert "verifier" not in repr(parsed(KEYS["hm"])["hm"])

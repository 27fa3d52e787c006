"""The relay's decisions: who is asked, what is a signature, who is named. Signers here are scripts."""

from __future__ import annotations

import pytest
from outcry.v1 import signer_pb2 as api
from outcry_services.common.errors import IntegrityError, UnavailableError
from outcry_services.wallet.signing.errors import SignersDownError, SignersFaultError, SignersRefusedError
from outcry_services.wallet.signing.metrics import SigningMetrics
from outcry_services.wallet.signing.relay import Relay
from prometheus_client import CollectorRegistry

HONEST, DOWN, CHEATS, REFUSES = "honest", "down", "cheats", "refuses"


class Scripted:
    """One signer that behaves in one way."""

    def __init__(self, index, how):
        self.index, self.how, self.opened = index, how, 0

    async def status(self):
        if self.how == DOWN:
            raise UnavailableError("nobody there")
        return api.SignerStatus(index=self.index)

    async def open_signing(self, request):
        self.opened += 1
        if self.how == DOWN:
            raise UnavailableError("nobody there")
        if self.how == REFUSES:
            return api.RoundResponse(refusal=api.Refusal(code="REFUSED_LIMIT", message="per_day"))
        (other,) = set(request.participants) - {self.index}
        envelope = api.Envelope(sender=self.index, receiver=other, session_id=request.session_id)
        if self.how == CHEATS:
            envelope.sealed = b"nonsense"
        return api.RoundResponse(next=api.Envelopes(envelopes=[envelope]))

    async def round(self, request):
        if self.how == CHEATS:
            # What it says of itself is that all is well.
            return api.RoundResponse(signed=api.Signed(id="t", transaction=b"forged"))
        (envelope,) = request.envelopes
        assert envelope.receiver == self.index
        if envelope.sealed:
            fault = api.Fault(accused=envelope.sender, accuser=self.index, reason="no share of its own")
            return api.RoundResponse(fault=fault)
        return api.RoundResponse(signed=api.Signed(id="t", transaction=b"raw"))


def check(signed):
    if signed.transaction != b"raw":
        raise IntegrityError("no signature of that")


async def signed_by(*how):
    """The relay after one try, how often it said that it had begun, and what came of it."""
    registry = CollectorRegistry()
    ports = {index: Scripted(index, one) for index, one in enumerate(how, start=1)}
    relay, begun = Relay(ports, metrics=SigningMetrics(registry)), []

    async def begin():
        begun.append(True)

    try:
        answer = await relay.sign(api.Transaction(), [], begun=begin, check=check)
    except Exception as error:
        answer = error
    return answer, len(begun), registry, (relay, ports, begin)


def named(registry, signer, outcome):
    labels = {"signer": str(signer), "outcome": outcome}
    return registry.get_sample_value("outcry_wallet_signer_named_total", labels) or 0


async def test_the_first_pair_that_works_signs():
    answer, begun, registry, _ = await signed_by(HONEST, HONEST, HONEST)
    assert (answer.id, begun) == ("t", 1)
    assert not any(named(registry, index, "fault") for index in (1, 2, 3))


@pytest.mark.parametrize(("how", "outcome"), [(CHEATS, "fault"), (REFUSES, "refusal"), (DOWN, "down")])
@pytest.mark.parametrize("bad", [1, 2, 3])
async def test_one_that_stands_in_the_way_is_passed_by_and_named_and_asked_last(bad, how, outcome):
    signers = [how if index == bad else HONEST for index in (1, 2, 3)]
    answer, _, registry, (relay, ports, begin) = await signed_by(*signers)
    assert answer.id == "t"
    # The third is in no pair before the first one has signed.
    tries = ports[bad].opened
    assert bool(named(registry, bad, outcome)) == bool(tries) == (bad != 3)
    assert sum(named(registry, index, outcome) for index in {1, 2, 3} - {bad}) == 0
    await relay.sign(api.Transaction(), [], begun=begin, check=check)
    assert ports[bad].opened == tries


@pytest.mark.parametrize(
    ("how", "error", "begun"),
    [
        ((DOWN, DOWN, HONEST), SignersDownError, 0),
        ((REFUSES, REFUSES, REFUSES), SignersRefusedError, 0),
        ((REFUSES, DOWN, HONEST), SignersRefusedError, 0),
        ((CHEATS, CHEATS, DOWN), SignersFaultError, 1),
    ],
)
async def test_without_two_there_is_no_signature_and_it_says_why(how, error, begun):
    answer, times, _, _ = await signed_by(*how)
    assert isinstance(answer, error)
    # Whether a whole signature may exist hangs on this.
    assert times == begun


async def test_a_refusal_tells_its_code():
    answer, _, _, _ = await signed_by(REFUSES, REFUSES, REFUSES)
    assert (answer.refusal, answer.name) == ("REFUSED_LIMIT", "SIGNERS_REFUSED")
    assert "per_day" in answer.message

"""The relay: calls signers, carries their envelopes, and finds out who is in the way.

The protocol is that of `services/signer/src/relay.rs`. No share and no secret passes through here in the
clear, and nothing that is said here makes a signer sign: each decides by its own policy.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from outcry.v1 import signer_pb2 as api

from outcry_services.common.errors import IntegrityError, ServiceError
from outcry_services.wallet.signing.errors import (
    SignersDownError,
    SignersFaultError,
    SignersRefusedError,
    SigningError,
)
from outcry_services.wallet.signing.outcome import Broken, Claimed, Down, Refused, sort

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from outcry.v1.withdrawal_approval_pb2 import SignedApproval

    from outcry_services.wallet.signing.metrics import SigningMetrics

__all__ = ["Port", "Relay"]

log = logging.getLogger(__name__)

MOST_ROUNDS = 8
"""More than any protocol has."""


class Port(Protocol):
    """A way to one signer. Every call raises `ServiceError` where it is down, and nothing else."""

    async def status(self) -> api.SignerStatus:
        """Where it stands."""

    async def open_signing(self, request: api.OpenSigningRequest) -> api.RoundResponse:
        """See the schema."""

    async def round(self, request: api.RoundRequest) -> api.RoundResponse:
        """See the schema."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A pair that didn't sign, and how it ended."""

    pair: tuple[int, int]
    end: Down | Broken | Refused


class Relay:
    """To three signers. Signers that were in the way lately are asked last."""

    def __init__(self, ports: Mapping[int, Port], *, metrics: SigningMetrics) -> None:
        self._ports = ports
        self._metrics = metrics
        self._blamed: dict[int, int] = dict.fromkeys(ports, 0)

    async def status(self) -> dict[int, api.SignerStatus]:
        """Of those that answer."""
        answers = await asyncio.gather(
            *(port.status() for port in self._ports.values()), return_exceptions=True
        )
        found: dict[int, api.SignerStatus] = {}
        for index, answer in zip(self._ports, answers, strict=True):
            if isinstance(answer, api.SignerStatus):
                found[index] = answer
            elif not isinstance(answer, ServiceError):
                raise answer
            self._metrics.answered(index, up=index in found)
        return found

    async def sign(
        self,
        transaction: api.Transaction,
        approvals: Sequence[SignedApproval],
        *,
        begun: Callable[[], Awaitable[None]],
        check: Callable[[api.Signed], object] = lambda _: None,
    ) -> api.Signed:
        """Have two of three sign; pair after pair, until one does.

        `check` raises `IntegrityError` for what is no signature of that transaction: a compromised signer may
        say so of anything. Who gives none leaves it to the chain.

        `begun` is called before the first message after the openings: from then on a whole signature may
        exist. Raises `SigningError` by why there is none; nobody who asked for one may take that for
        "never".
        """
        failed: list[Attempt] = []
        started = time.monotonic()
        for pair in self._pairs():
            down = {index for attempt in failed if isinstance(attempt.end, Down) for index in attempt.end.who}
            if down & set(pair):
                continue
            end = await self._run(pair, transaction, approvals, begun, check)
            if isinstance(end, api.Signed):
                self._name(failed, worked=pair)
                self._metrics.signed(time.monotonic() - started)
                return end
            failed.append(Attempt(pair, end))
            self._metrics.failed(end.word)
            log.warning("a pair of signers did not sign", extra={"pair": pair, "why": str(end)})
        raise _why(failed)

    def _pairs(self) -> list[tuple[int, int]]:
        pairs = itertools.combinations(sorted(self._ports), 2)
        return sorted(pairs, key=lambda pair: (sum(self._blamed[index] for index in pair), pair))

    async def _run(
        self,
        pair: tuple[int, int],
        transaction: api.Transaction,
        approvals: Sequence[SignedApproval],
        begun: Callable[[], Awaitable[None]],
        check: Callable[[api.Signed], object],
    ) -> api.Signed | Down | Broken | Refused:
        session = time.time_ns() // 1_000_000
        request = api.OpenSigningRequest(
            session_id=session.to_bytes(8, "big") + secrets.token_bytes(24),
            participants=pair,
            transaction=transaction,
            approvals=approvals,
        )
        answers = await self._ask({index: self._ports[index].open_signing(request) for index in pair})
        for number in range(MOST_ROUNDS):
            sorted_out = sort(answers)
            if isinstance(sorted_out, Claimed):
                return _proven(sorted_out, check)
            if not isinstance(sorted_out, list):
                return sorted_out
            if number == 0:
                await begun()
            rounds = {
                index: api.RoundRequest(
                    session_id=request.session_id,
                    envelopes=[envelope for envelope in sorted_out if envelope.receiver == index],
                )
                for index in pair
            }
            answers = await self._ask({index: self._ports[index].round(it) for index, it in rounds.items()})
        return Broken(())

    async def _ask(
        self, calls: dict[int, Awaitable[api.RoundResponse]]
    ) -> dict[int, api.RoundResponse | ServiceError]:
        answers = await asyncio.gather(*calls.values(), return_exceptions=True)
        found: dict[int, api.RoundResponse | ServiceError] = {}
        for index, answer in zip(calls, answers, strict=True):
            if isinstance(answer, BaseException) and not isinstance(answer, ServiceError):
                raise answer
            found[index] = answer
            self._metrics.answered(index, up=not isinstance(answer, ServiceError))
        return found

    def _name(self, failed: Sequence[Attempt], *, worked: tuple[int, int]) -> None:
        """Who was in a failed pair, and not in the one that signed: the other one has shown that it works."""
        for index in worked:
            self._blamed[index] = 0
        for attempt in failed:
            for index in set(attempt.pair) - set(worked):
                self._blamed[index] += 1
                self._metrics.named(index, attempt.end.word)
                log.error(
                    "a signer stood in the way",
                    extra={
                        "signer": index,
                        "pair": attempt.pair,
                        "signed_by": worked,
                        "why": str(attempt.end),
                    },
                )


def _proven(claimed: Claimed, check: Callable[[api.Signed], object]) -> api.Signed | Broken:
    """The first that is one."""
    faults = list(claimed.faults)
    for index, signed in claimed.signed.items():
        try:
            check(signed)
        except IntegrityError as error:
            faults.append((0, index, error.message))
        else:
            return signed
    return Broken(tuple(faults))


def _why(failed: Sequence[Attempt]) -> SigningError:
    """A refusal tells most, then accusations; that signers are down is left."""
    for attempt in failed:
        if isinstance(attempt.end, Refused):
            code, message = next(iter(attempt.end.refusals.values()))
            return SignersRefusedError(f"{attempt.pair} refuse: {attempt.end}: {message}", refusal=code)
    for attempt in failed:
        if isinstance(attempt.end, Broken):
            return SignersFaultError(f"no pair of signers came to an end: {attempt.end}")
    told = {
        index: why
        for attempt in failed
        if isinstance(attempt.end, Down)
        for index, why in attempt.end.who.items()
    }
    away = "; ".join(f"signer {index}: {why}" for index, why in sorted(told.items()))
    return SignersDownError(f"two of three signers are needed, and fewer answer: {away}")

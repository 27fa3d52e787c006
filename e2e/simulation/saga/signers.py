"""Two of three signers by way of the relay, by their policy's rules: what is signed is what was approved.

Whatever they signed may reach the chain without the wallet: a signer that keeps a signature, or a relay whose
answer is lost, lets go of it at any time.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

from outcry.v1 import signer_pb2
from outcry.v1.withdrawal_approval_pb2 import WithdrawalApproval
from outcry_services.wallet.signing.errors import SignersDownError, SignersFaultError, SignersRefusedError

from e2e.simulation.saga.chain import Transfer

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from outcry.v1.withdrawal_approval_pb2 import SignedApproval

    from e2e.simulation.chance import Chance

__all__ = ["FakeSigners"]

DOWN, BROKEN, UNHEARD = 0.1, 0.1, 0.1
"""While things go wrong: fewer than two answer; they break off; they sign, and nobody hears of it."""


class FakeSigners:
    """See `Signers`; `whole` has every signature that there ever was, and outlives all processes.

    `coins`: an id doesn't cover the signatures.
    """

    def __init__(
        self,
        whole: list[Transfer],
        *,
        coins: bool,
        chance: Chance,
        now: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._whole = whole
        self._coins = coins
        self._chance = chance
        self._now = now
        self._sleep = sleep

    async def status(self) -> dict[int, signer_pb2.SignerStatus]:
        """Of those that answer."""
        await self._sleep(self._chance.seconds())
        answering = 1 if self._goes_wrong(DOWN) else 3
        return {index: signer_pb2.SignerStatus() for index in range(1, answering + 1)}

    async def sign(
        self,
        transaction: signer_pb2.Transaction,
        approvals: Sequence[SignedApproval],
        *,
        begun: Callable[[], Awaitable[None]],
        check: Callable[[signer_pb2.Signed], object],
    ) -> signer_pb2.Signed:
        """See `Relay`: nothing is whole before `begun`."""
        await self._sleep(self._chance.seconds())
        if self._goes_wrong(DOWN):
            raise SignersDownError("fewer than two answer")
        unsigned = transaction.ethereum.unsigned
        self._require(json.loads(unsigned), [WithdrawalApproval.FromString(it.approval) for it in approvals])
        await begun()
        await self._sleep(self._chance.seconds())
        if self._goes_wrong(BROKEN):
            raise SignersFaultError("they broke off")
        made = Transfer.of(self._signed(unsigned))
        self._whole.append(made)
        await self._sleep(self._chance.seconds())
        if self._goes_wrong(UNHEARD):
            raise SignersDownError("one was gone before its answer")
        answer = signer_pb2.Signed(transaction=made.raw(), id=made.txid)
        check(answer)
        return answer

    def _signed(self, unsigned: bytes) -> bytes:
        name = hashlib.blake2b(unsigned, digest_size=8).hexdigest()
        txid = name if self._coins else f"{name}-{len(self._whole)}"
        return json.dumps({"txid": txid, "unsigned": unsigned.decode()}).encode()

    def _require(self, whole: dict[str, object], approvals: Sequence[WithdrawalApproval]) -> None:
        """Refuse what pays anything else than what was approved, or spends not what it was approved for."""
        said = sorted([int(it.withdrawal_id), it.address, int(it.amount)] for it in approvals)
        points, fee = whole["points"], whole["fee"]
        if sorted(whole["pays"]) != said:  # type: ignore[call-overload]
            raise SignersRefusedError("it pays what nobody approved", refusal="REFUSED_OUTPUTS")
        if not {it.conflict_point for it in approvals} <= set(points):  # type: ignore[call-overload]
            raise SignersRefusedError("it doesn't spend the conflict point", refusal="REFUSED_CONFLICT")
        if any(it.expires_at <= self._now() for it in approvals):
            raise SignersRefusedError("an approval is over", refusal="REFUSED_EXPIRED")
        if approvals and fee > sum(int(it.max_fee) for it in approvals):  # type: ignore[operator]
            raise SignersRefusedError("its fee is above what was approved", refusal="REFUSED_FEE")

    def _goes_wrong(self, probability: float) -> bool:
        return self._chance.odds.refused > 0 and self._chance.happens(probability)

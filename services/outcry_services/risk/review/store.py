"""Reviews in MySQL: one transaction a step, begun by locking the user whose withdrawal it is."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from outcry.v1.withdrawal_approval_pb2 import SignedApproval

from outcry_services.risk.review.model import AddressRule, Listing, Question, Review, Status, Vote
from outcry_services.risk.review.rules import Tier

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from outcry_services.common.mysql import MySql, Session

__all__ = ["Books", "ReviewStore"]

_SELECT = (
    "SELECT withdrawal_id, user_id, ledger_asset, ledger_amount, scale, chain, network, asset, address, "
    "amount, tier, status, reason, message, actor, conflict_point, max_fee, not_before, asked_at, decided_at "
    "FROM risk.reviews "
)
_SELECT_RULES = (
    "SELECT chain, network, address, user_id, listing, reason, actor, time FROM risk.address_rules "
)


class Books:
    """What is read and written of one user in one transaction."""

    def __init__(self, session: Session, *, user_id: int) -> None:
        self._session = session
        self._user_id = user_id

    async def find(self, withdrawal_id: int) -> Review | None:
        """One of this user's."""
        rows = await self._session.query(
            _SELECT + "WHERE withdrawal_id = %s AND user_id = %s", [withdrawal_id, self._user_id]
        )
        return _review(rows[0], await _votes(self._session, withdrawal_id)) if rows else None

    async def add(self, review: Review) -> None:
        """A new one. Raises `DuplicateKeyError` for an id that another user's withdrawal has."""
        asked = review.question
        await self._session.execute(
            "INSERT INTO risk.reviews (withdrawal_id, user_id, ledger_asset, ledger_amount, scale, chain, "
            "network, asset, address, amount, tier, status, reason, message, actor, conflict_point, max_fee, "
            "not_before, asked_at, decided_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, "
            "%s, %s, %s, %s, %s, %s, %s)",
            [
                *(asked.withdrawal_id, asked.user_id, asked.ledger_asset, asked.ledger_amount, asked.scale),
                *(asked.chain, asked.network, asked.asset, asked.address, str(asked.amount)),
                *(str(review.tier), str(review.status), review.reason, review.message, review.actor),
                *(review.conflict_point, review.max_fee, review.not_before),
                *(review.asked_at, review.decided_at),
            ],
        )

    async def put(self, review: Review) -> None:
        """How it stands now."""
        await self._session.execute(
            "UPDATE risk.reviews SET tier = %s, status = %s, reason = %s, message = %s, actor = %s, "
            "conflict_point = %s, max_fee = %s, not_before = %s, decided_at = %s WHERE withdrawal_id = %s",
            [
                *(str(review.tier), str(review.status), review.reason, review.message, review.actor),
                *(review.conflict_point, review.max_fee, review.not_before, review.decided_at),
                review.question.withdrawal_id,
            ],
        )

    async def vote(self, withdrawal_id: int, vote: Vote) -> None:
        """What an administrator says now, in the place of what they said before."""
        await self._session.execute(
            "REPLACE INTO risk.votes (withdrawal_id, user_id, approve, reason, actor, time) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [withdrawal_id, vote.user_id, vote.approve, vote.reason, vote.actor, vote.time],
        )

    async def before(self, review: Review, *, nanos: int) -> tuple[int, int]:
        """How many of the asset the user asked for in so long before, not rejected, and what they come to."""
        asked = review.question
        ((count, amount),) = await self._session.query(
            "SELECT COUNT(*), COALESCE(SUM(ledger_amount), 0) FROM risk.reviews WHERE user_id = %s "
            "AND ledger_asset = %s AND asked_at > %s AND (asked_at, withdrawal_id) < (%s, %s) "
            "AND status <> %s",
            [
                *(asked.user_id, asked.ledger_asset, review.asked_at - nanos),
                *(review.asked_at, asked.withdrawal_id, str(Status.REJECTED)),
            ],
        )
        return int(count), int(amount)

    async def addresses(self, asked: Question) -> dict[str, int]:
        """Where the user asked for withdrawals to go on that chain, none rejected, and since when."""
        rows = await self._session.query(
            "SELECT address, MIN(asked_at) FROM risk.reviews WHERE user_id = %s AND chain = %s "
            "AND network = %s AND status <> %s GROUP BY address",
            [asked.user_id, asked.chain, asked.network, str(Status.REJECTED)],
        )
        return {str(address): int(since) for address, since in rows}

    async def listing(self, asked: Question) -> Listing:
        """What is said of the address, to this user or to all; a denial wins."""
        rows = await self._session.query(
            "SELECT user_id, listing FROM risk.address_rules WHERE address = %s AND chain = %s "
            "AND network = %s AND user_id IN (0, %s) ORDER BY id",
            [asked.address, asked.chain, asked.network, asked.user_id],
        )
        said = set({int(user): str(listing) for user, listing in rows}.values())
        return next((one for one in (Listing.DENY, Listing.ALLOW) if one in said), Listing.NONE)

    async def approved(self, withdrawal_id: int) -> tuple[SignedApproval, int, int] | None:
        """The last signature that was given, its time and its end."""
        rows = await self._session.query(
            "SELECT approval, key_id, signature, reviewed_at, expires_at FROM risk.approvals "
            "WHERE withdrawal_id = %s ORDER BY reviewed_at DESC LIMIT 1",
            [withdrawal_id],
        )
        if not rows:
            return None
        content, key_id, signature, reviewed_at, expires_at = rows[0]
        signed = SignedApproval(approval=content, key_id=key_id, signature=signature)
        return signed, int(reviewed_at), int(expires_at)

    async def approve(self, withdrawal_id: int, signed: SignedApproval, *, at: int, until: int) -> None:
        """A signature is given."""
        await self._session.execute(
            "INSERT INTO risk.approvals "
            "(withdrawal_id, reviewed_at, expires_at, key_id, approval, signature) "
            "VALUES (%s, %s, %s, %s, %s, %s)",
            [withdrawal_id, at, until, signed.key_id, signed.approval, signed.signature],
        )


class ReviewStore:
    """The database."""

    def __init__(self, mysql: MySql) -> None:
        self._mysql = mysql

    @asynccontextmanager
    async def of_user(self, user_id: int) -> AsyncIterator[Books]:
        """A transaction in which nobody else changes this user's reviews."""
        async with self._mysql.transaction() as session:
            await session.execute("INSERT IGNORE INTO risk.users (user_id) VALUES (%s)", [user_id])
            await session.query("SELECT user_id FROM risk.users WHERE user_id = %s FOR UPDATE", [user_id])
            yield Books(session, user_id=user_id)

    async def get(self, withdrawal_id: int) -> Review | None:
        """One, whoever's it is."""
        async with self._mysql.session() as session:
            rows = await session.query(_SELECT + "WHERE withdrawal_id = %s", [withdrawal_id])
            return _review(rows[0], await _votes(session, withdrawal_id)) if rows else None

    async def page(self, *, after: int, most: int, waiting: bool) -> list[Review]:
        """Those with ids above `after`, the lowest first; `waiting`: only those not decided."""
        chosen = "AND status = 'WAITING' " if waiting else ""
        async with self._mysql.session() as session:
            rows = await session.query(
                f"{_SELECT}WHERE withdrawal_id > %s {chosen}ORDER BY withdrawal_id LIMIT %s",
                [after, most],
            )
            return [_review(row, await _votes(session, int(row[0]))) for row in rows]

    async def add_rule(self, rule: AddressRule) -> None:
        """From now on this counts."""
        async with self._mysql.session() as session:
            await session.execute(
                "INSERT INTO risk.address_rules "
                "(chain, network, address, user_id, listing, reason, actor, time) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    *(rule.chain, rule.network, rule.address, rule.user_id),
                    *(str(rule.listing), rule.reason, rule.actor, rule.time),
                ],
            )

    async def rules(self, *, address: str, most: int) -> list[AddressRule]:
        """What was said, the newest first; of one address, or (empty) of all."""
        chosen, given = ("WHERE address = %s ", [address]) if address else ("", [])
        async with self._mysql.session() as session:
            rows = await session.query(
                f"{_SELECT_RULES}{chosen}ORDER BY id DESC LIMIT %s",
                [*given, most],
            )
        return [
            AddressRule(
                chain=str(row[0]),
                network=str(row[1]),
                address=str(row[2]),
                user_id=int(row[3]),
                listing=Listing(str(row[4])),
                reason=str(row[5]),
                actor=str(row[6]),
                time=int(row[7]),
            )
            for row in rows
        ]


async def _votes(session: Session, withdrawal_id: int) -> tuple[Vote, ...]:
    rows = await session.query(
        "SELECT user_id, approve, reason, actor, time FROM risk.votes WHERE withdrawal_id = %s "
        "ORDER BY time, user_id",
        [withdrawal_id],
    )
    return tuple(
        Vote(
            user_id=int(row[0]), approve=bool(row[1]), reason=str(row[2]), actor=str(row[3]), time=int(row[4])
        )
        for row in rows
    )


def _review(row: Sequence[Any], votes: tuple[Vote, ...]) -> Review:
    (withdrawal_id, user_id, ledger_asset, ledger_amount, scale, chain, network, asset, address, amount) = (
        row[:10]
    )
    (tier, status, reason, message, actor, conflict_point, max_fee, not_before, asked_at, decided_at) = row[
        10:
    ]
    return Review(
        question=Question(
            withdrawal_id=int(withdrawal_id),
            user_id=int(user_id),
            ledger_asset=ledger_asset,
            ledger_amount=int(ledger_amount),
            scale=int(scale),
            chain=chain,
            network=network,
            asset=asset,
            address=address,
            amount=int(amount),
        ),
        tier=Tier(tier),
        status=Status(status),
        asked_at=int(asked_at),
        decided_at=int(decided_at),
        reason=reason,
        message=message,
        actor=actor,
        conflict_point=conflict_point,
        max_fee=max_fee,
        votes=votes,
        not_before=int(not_before),
    )

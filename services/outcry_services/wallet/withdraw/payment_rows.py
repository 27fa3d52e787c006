"""The rows of payments and of their transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from outcry_services.wallet.withdraw.model import HOT, Form, Kind, Payment, Standing, Transaction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from outcry_services.common.mysql import Session

__all__ = ["PaymentRows"]

_PAYMENT = "id, kind, state, reason, asked, created"
_TRANSACTION = "txid, payment, version, state, unsigned_form, signed_form, fee, size, created"


class PaymentRows:
    """Inside one session."""

    def __init__(self, session: Session, named: Callable[[str], str]) -> None:
        self._session = session
        self._in = named

    async def add(self, kind: Kind, *, now: int) -> int:
        """A payment of which nothing is signed; its id."""
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.payments (kind, state, reason, asked, created) VALUES (%s, %s, '', 0, %s)"
            ),
            [str(kind), str(Standing.BUILT), now],
        )
        ((id_,),) = await self._session.query("SELECT LAST_INSERT_ID()")
        return int(id_)

    async def keep(self, payment: Payment) -> None:
        """As it is now."""
        await self._session.execute(
            self._in("UPDATE wallet.payments SET state = %s, reason = %s, asked = %s WHERE id = %s"),
            [str(payment.standing), payment.reason, payment.asked, payment.id],
        )

    async def get(self, id_: int) -> Payment:
        """As it is kept now."""
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.payments WHERE id = %s").format(_PAYMENT), [id_]
        )
        return _payment(rows[0])

    async def open_ones(self) -> list[Payment]:
        """Those that the chain has not decided, oldest first."""
        rows = await self._session.query(
            self._in("SELECT {} FROM wallet.payments WHERE state IN ('BUILT', 'SENT') ORDER BY id").format(
                _PAYMENT
            )
        )
        return [_payment(row) for row in rows]

    async def add_transaction(self, transaction: Transaction) -> None:
        """A version; raises `DuplicateKeyError` for one that is there."""
        await self._session.execute(
            self._in(
                "INSERT INTO wallet.transactions ({}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)"
            ).format(_TRANSACTION),
            [
                transaction.txid,
                transaction.payment,
                transaction.version,
                str(transaction.form),
                transaction.unsigned,
                transaction.signed or None,
                transaction.fee,
                transaction.size,
                transaction.created,
            ],
        )

    async def keep_transaction(self, was: str, transaction: Transaction) -> None:
        """As it is now; `was`: the id that it had. Ethereum's is known once it is signed."""
        await self._session.execute(
            self._in(
                "UPDATE wallet.transactions SET txid = %s, state = %s, signed_form = %s WHERE txid = %s"
            ),
            [transaction.txid, str(transaction.form), transaction.signed or None, was],
        )

    async def made(self, txids: Sequence[str]) -> set[str]:
        """Those that are ours."""
        if not txids:
            return set()
        rows = await self._session.query(
            self._in("SELECT txid FROM wallet.transactions WHERE txid IN ({})").format(
                ", ".join(["%s"] * len(txids))
            ),
            txids,
        )
        return {txid for (txid,) in rows}

    async def paying_out(self, txids: Sequence[str]) -> set[str]:
        """Those that pay withdrawals."""
        if not txids:
            return set()
        rows = await self._session.query(
            self._in(
                "SELECT t.txid FROM wallet.transactions t JOIN wallet.payments p ON p.id = t.payment "
                "WHERE p.kind = %s AND t.txid IN ({})"
            ).format(", ".join(["%s"] * len(txids))),
            [str(Kind.PAYOUT), *txids],
        )
        return {txid for (txid,) in rows}

    async def drop_transactions(self, payment: int) -> None:
        """Its versions, of which no signer was asked for more than whether it would."""
        await self._session.execute(self._in("DELETE FROM wallet.transactions WHERE payment = %s"), [payment])

    async def transactions(self, payment: int) -> list[Transaction]:
        """The versions of a payment, the first one first."""
        rows = await self._session.query(
            self._in(
                "SELECT {}, m.source, m.account, m.target FROM wallet.transactions t "
                "LEFT JOIN wallet.moves m ON m.payment = t.payment WHERE t.payment = %s ORDER BY version"
            ).format(", ".join(f"t.{name}" for name in _TRANSACTION.split(", "))),
            [payment],
        )
        return [_transaction(row) for row in rows]


def _payment(row: tuple[Any, ...]) -> Payment:
    id_, kind, standing, reason, asked, created = row
    return Payment(
        id=id_,
        kind=Kind(kind),
        standing=Standing(standing),
        reason=reason,
        asked=bool(asked),
        created=created,
    )


def _transaction(row: tuple[Any, ...]) -> Transaction:
    txid, payment, version, form, unsigned, signed, fee, size, created, source, account, target = row
    return Transaction(
        txid=txid,
        payment=payment,
        version=version,
        form=Form(form),
        unsigned=bytes(unsigned),
        signed=bytes(signed or b""),
        fee=int(fee),
        size=int(size),
        created=created,
        source=source or HOT,
        account="" if source in (None, HOT) else account,
        target=target or "",
    )

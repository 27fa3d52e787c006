"""Which coins are spent, and what comes back: sums to the satoshi, sizes to the byte."""

from __future__ import annotations

import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.withdraw.amounts import decimal_text
from outcry_services.wallet.withdraw.bitcoin.draft import DUST, FeeCapError, Wanted, draft, size_of
from outcry_services.wallet.withdraw.coin_rows import Coin
from outcry_services.wallet.withdraw.ethereum import rlp
from outcry_services.wallet.withdraw.ethereum.fields import Fields
from outcry_services.wallet.withdraw.ethereum.signature import recover
from outcry_services.wallet.withdraw.following import shares

PAYEE = bytes(22)


def coins(*units):
    return [
        Coin(outpoint=f"{number:064x}:0", path="0/0", script=bytes(34), units=one, height=1)
        for number, one in enumerate(units)
    ]


def wanted(paid, **changes):
    fields = {"scripts": [PAYEE], "paid": paid, "rate": 2, "most_fee": 20_000}
    return Wanted(**(fields | changes))


def test_a_transaction_of_one_taproot_input_and_two_outputs_has_the_size_that_bitcoin_core_gives_it():
    # 1 input (57.5), P2WPKH (31), P2TR (43), 10.5 around them.
    assert size_of(1, [22, 34]) == 142
    assert size_of(2, [22, 34]) == 200


def test_the_smallest_coin_that_is_enough_is_taken_and_else_the_largest_first():
    assert [coin.units for coin in draft(wanted(40_000), must=(), free=coins(90_000, 50_000)).coins] == [
        50_000
    ]
    found = draft(wanted(120_000), must=(), free=coins(90_000, 50_000, 10_000))
    assert [coin.units for coin in found.coins] == [90_000, 50_000]


def test_what_is_too_little_to_come_back_goes_to_the_miner_and_never_more_than_is_allowed():
    found = draft(wanted(50_000 - 300), must=(), free=coins(50_000))
    assert (found.change, found.fee) == ((), 300)
    assert draft(wanted(50_000), must=(), free=coins(50_000)) is None
    with pytest.raises(FeeCapError):
        draft(wanted(1_000, most_fee=50), must=(), free=coins(50_000))


def test_a_replacement_pays_more_than_what_it_replaces_or_is_none():
    found = draft(wanted(1_000, least_fee=5_000), must=coins(50_000), free=())
    assert found.fee == 5_000
    with pytest.raises(FeeCapError):
        draft(wanted(1_000, least_fee=20_001), must=coins(50_000), free=())


@given(
    must=st.lists(st.integers(DUST, 10**9), max_size=3),
    free=st.lists(st.integers(DUST, 10**9), max_size=12),
    paid=st.integers(1, 2 * 10**9),
    rate=st.integers(1, 100),
    changes=st.integers(1, 5),
)
def test_nothing_is_lost_and_nothing_made(must, free, paid, rate, changes):
    have = coins(*must, *free)
    asked = wanted(paid, rate=rate, changes=changes, most_fee=10**6, least_change=10_000)
    try:
        found = draft(asked, must=have[: len(must)], free=have[len(must) :])
    except FeeCapError:
        return
    if found is None:
        # Not even all of them, with nothing coming back, are enough.
        least = size_of(len(have), [len(PAYEE)])
        assert not have or sum(must) + sum(free) < paid + min(rate * least, 10**6) + 10**6
        return
    assert sum(coin.units for coin in found.coins) == paid + sum(found.change) + found.fee
    assert set(have[: len(must)]) <= set(found.coins)
    assert len(set(found.coins)) == len(found.coins)
    assert found.size <= found.fee <= 10**6
    assert all(one >= DUST for one in found.change)


@given(st.integers(0, 10**12), st.integers(1, 200))
def test_parts_of_a_fee_are_the_fee(fee, among):
    parts = shares(fee, among)
    assert (sum(parts), len(parts)) == (fee, among)
    assert max(parts) - min(parts) <= 1


def test_an_amount_has_all_its_decimals():
    assert decimal_text(1, scale=18) == "0.000000000000000001"
    assert decimal_text(123, scale=0) == "123"


@given(
    st.builds(
        Fields,
        chain_id=st.integers(1, 2**32),
        nonce=st.integers(0, 2**63),
        priority_fee=st.integers(0, 2**64),
        max_fee=st.integers(0, 2**64),
        gas=st.integers(21_000, 300_000),
        to=st.binary(min_size=20, max_size=20),
        value=st.integers(0, 2**100),
        data=st.binary(max_size=100),
    )
)
def test_an_unsigned_transaction_is_read_as_it_was_written(fields):
    assert Fields.read(fields.unsigned()) == fields


@pytest.mark.parametrize("broken", [b"", b"\x80", b"\xc1", b"\xf8", b"\xc0\x00"])
def test_rlp_that_is_cut_short_or_too_long_is_none(broken):
    with pytest.raises(ValueError, match="RLP"):
        rlp.split_list(broken)


def test_the_account_of_a_signature_is_the_one_that_another_library_recovers():
    signed = Account.from_key(bytes([7] * 32)).unsafe_sign_hash(b"\x05" * 32)
    account = bytes.fromhex(Account.from_key(bytes([7] * 32)).address[2:])
    assert recover(b"\x05" * 32, r=signed.r, s=signed.s, parity=signed.v - 27) == account
    assert recover(b"\x05" * 32, r=signed.r, s=signed.s, parity=28 - signed.v) != account
    assert recover(b"\x06" * 32, r=signed.r, s=signed.s, parity=signed.v - 27) != account
    # The other s of the same signature: no node takes it.
    order = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    assert recover(b"\x05" * 32, r=signed.r, s=order - signed.s, parity=28 - signed.v) is None

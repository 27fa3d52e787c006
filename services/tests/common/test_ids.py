"""An order id carries its shard, rises with its shard's commits, and comes back as it went."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.common.errors import InvalidError
from outcry_services.common.ids import (
    NUMBER_MAX,
    SHARDS,
    OrderId,
    database_of,
    parse_order_id,
    shard_of_user,
)

IDS = st.builds(
    lambda shard, number: OrderId.make(shard=shard, number=number),
    st.integers(0, SHARDS - 1),
    st.integers(1, NUMBER_MAX),
)


@given(IDS)
def test_an_id_comes_back_as_it_went(order):
    assert 0 < int(order) < 2**63
    assert parse_order_id(str(order)) == OrderId.of(int(order)) == order


@given(IDS, IDS)
def test_ids_differ_and_rise_within_a_shard(one, other):
    assert (int(one) == int(other)) == (one == other)
    if one.shard == other.shard:
        assert (int(one) < int(other)) == (one.number < other.number)


def test_the_layout_is_number_above_shard():
    assert int(OrderId.make(shard=1023, number=1)) == 2047
    assert int(OrderId.make(shard=0, number=NUMBER_MAX)) == 2**63 - 1024


@pytest.mark.parametrize("text", ["", "0", "-1", "01", "1023", "1e9", "９", " 2047", str(2**63)])  # noqa: RUF001
def test_what_can_be_no_id_is_refused(text):
    with pytest.raises(InvalidError) as raised:
        parse_order_id(text)
    assert (raised.value.name, raised.value.field) == ("INVALID_ORDER_ID", "orderId")


def test_a_user_has_one_shard_and_a_shard_one_database():
    assert shard_of_user(1024 * 7 + 5) == 5
    assert database_of(5) == "orders_0005"
    assert len({database_of(shard) for shard in range(SHARDS)}) == SHARDS
    for user in (0, -1, 2**63):
        with pytest.raises(InvalidError, match="no user id"):
            shard_of_user(user)
    with pytest.raises(InvalidError, match="no shard 1024"):
        database_of(1024)

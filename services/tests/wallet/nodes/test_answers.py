"""A field of an answer is what it should be, or the call fails by name."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outcry_services.wallet.nodes.answers import Answer
from outcry_services.wallet.nodes.errors import NodeAnswerError

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
READERS = [Answer.text, Answer.flag, Answer.count, Answer.number, Answer.hash, Answer.hash0x, Answer.items]


@given(json_values, st.sampled_from([*READERS, Answer.quantity, lambda a: a["x"], lambda a: a.get("x")]))
def test_whatever_comes_is_read_or_refused_and_nothing_else(value, read):
    try:
        read(Answer("n", "m", value))
    except NodeAnswerError as error:
        said = str(error)
    else:
        said = ""
    assert said == "" or said.startswith("node n: m should be")


@given(st.integers(0, 2**63 - 1))
def test_a_quantity_is_the_number_it_writes(number):
    assert Answer("n", "m", hex(number)).quantity() == number


@pytest.mark.parametrize(
    "text", ["0x", "1", "0x01", "0X1", "0x-1", "0xg", "0x1 ", "", "0x" + "f" * 65, "0x1\n"]
)
def test_what_is_no_quantity_is_refused(text):
    with pytest.raises(NodeAnswerError, match="a quantity"):
        Answer("n", "m", text).quantity()


def test_true_is_no_number_and_a_message_shows_no_value():
    with pytest.raises(NodeAnswerError, match="a whole number, and is bool"):
        Answer("n", "m", True).number()
    with pytest.raises(NodeAnswerError) as caught:
        Answer("n", "m", {"f": "s3cret"})["f"].hash()
    assert "s3cret" not in str(caught.value)
    assert "m.f" in str(caught.value)

"""The parts of the rules' language that are plain text."""

from __future__ import annotations

from outcry_operator.models import cel


def test_immutable_says_why_and_what_to_do():
    found = cel.immutable("tickSize")
    assert found["rule"] == "self == oldSelf"
    assert found["message"] == (
        "tickSize is immutable: the pair's log was written with it. Make a new pair instead"
    )


def test_immutable_may_have_another_reason():
    message = cel.immutable("storage", because="it is")["message"]
    assert message == "storage is immutable: it is. Make a new pair instead"


def test_a_guarded_rule_holds_where_its_condition_does_not():
    assert cel.when("a || b", "c") == "!(a || b) || (c)"


def test_quantities_are_compared_only_where_they_are_ones():
    at_least = cel.quantity_at_least("self.memory", "64Mi")
    assert at_least == (
        "!(isQuantity(self.memory)) || (quantity(self.memory).compareTo(quantity('64Mi')) >= 0)"
    )
    assert cel.quantity_at_least("x", "0", more=True).endswith("> 0)")


def test_durations_are_compared_only_where_they_are_ones():
    guard, computed = cel.duration_between("x", "1s", "2s").split(" || ", 1)
    assert guard == "!(x.matches('^[0-9]{1,6}(ms|s|m)$'))"
    assert computed == "(duration(x) >= duration('1s') && duration(x) <= duration('2s'))"


def test_nothing_is_computed_on_what_is_no_decimal():
    expression = cel.multiple("v", "s")
    guard, computed = expression.split(") || (", 1)
    assert cel.is_decimal("v") in guard
    assert cel.is_decimal("s") in guard
    assert cel.positive("s") in guard
    assert cel.fits("v", "s") in guard
    assert "int(" not in guard
    assert "int(" in computed

"""The tree of errors is whole, drawn as it is, and each kind can be told apart by its code."""

from __future__ import annotations

import grpc
import pytest
from outcry_services.common import errors

KINDS = [getattr(errors, name) for name in errors.__all__ if name.endswith("Error")]


def test_all_of_them_are_exported_and_drawn():
    there = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and kind.__module__ == errors.__name__
    }
    assert there <= set(errors.__all__)
    for kind in KINDS:
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("kind", KINDS)
def test_each_has_a_grpc_code_and_an_http_status(kind):
    assert grpc.StatusCode[kind.code]
    assert 400 <= kind.http_status < 600
    if kind is not errors.ServiceError:
        assert (
            f"{kind.http_status}  "
            in next(line for line in errors.__doc__.splitlines() if kind.__name__ in line) + "  "
        )


def test_the_one_shape_that_clients_see():
    error = errors.RefusedError("not enough BTC", name="INSUFFICIENT_FUNDS", field="quantity")
    assert error.as_json(trace_id="ab") == {
        "code": "FAILED_PRECONDITION",
        "name": "INSUFFICIENT_FUNDS",
        "message": "not enough BTC",
        "field": "quantity",
        "traceId": "ab",
    }

"""Services know who is asking from the gateway alone, and let nobody be somebody else."""

from __future__ import annotations

import pytest
from outcry_services.common.errors import ForbiddenError, InvalidError, UnauthenticatedError
from outcry_services.common.identity import (
    KEY,
    PERMISSIONS,
    SERVICE,
    USER,
    Identity,
    Permission,
    identity_of,
    parse_user_id,
    require_service,
)

TRADER = Identity(7, frozenset({Permission.READ, Permission.TRADE}), key="k1")
ADMIN = Identity(1, frozenset({Permission.ADMIN}))


class Call:
    def __init__(self, *metadata):
        self._metadata = metadata

    def invocation_metadata(self):
        return self._metadata or None


@pytest.mark.parametrize("identity", [TRADER, ADMIN, Identity(2**63 - 1, frozenset())])
def test_an_identity_comes_out_as_the_gateway_put_it_in(identity):
    assert identity_of(Call(("x-request-id", "1"), *identity.metadata())) == identity


@pytest.mark.parametrize(
    "metadata",
    [
        (),
        ((USER, "7"),),
        ((PERMISSIONS, "read"),),
        ((USER, ""), (PERMISSIONS, "read")),
        ((USER, "0"), (PERMISSIONS, "read")),
        ((USER, "-7"), (PERMISSIONS, "read")),
        ((USER, "+7"), (PERMISSIONS, "read")),
        ((USER, "07"), (PERMISSIONS, "read")),
        ((USER, "7 "), (PERMISSIONS, "read")),
        ((USER, "7,8"), (PERMISSIONS, "read")),
        ((USER, "７"), (PERMISSIONS, "read")),  # noqa: RUF001
        ((USER, b"\xff"), (PERMISSIONS, "read")),
        ((USER, str(2**63)), (PERMISSIONS, "read")),
        ((USER, "7"), (USER, "8"), (PERMISSIONS, "read")),
        ((USER, "7"), (PERMISSIONS, "read"), (PERMISSIONS, "admin")),
        ((USER, "7"), (PERMISSIONS, "READ")),
        ((USER, "7"), (PERMISSIONS, "read, trade")),
        ((USER, "7"), (PERMISSIONS, "root")),
        ((USER, "7"), (PERMISSIONS, "read"), (KEY, "a"), (KEY, "b")),
    ],
)
def test_anything_less_than_clear_is_nobody(metadata):
    with pytest.raises(UnauthenticatedError) as raised:
        identity_of(Call(*metadata))
    assert raised.value.name == "UNAUTHENTICATED"


def test_no_permission_implies_another():
    TRADER.require(Permission.TRADE)
    for identity, wanted in (
        (TRADER, Permission.WITHDRAW),
        (TRADER, Permission.ADMIN),
        (ADMIN, Permission.TRADE),
    ):
        with pytest.raises(ForbiddenError, match=wanted.value) as raised:
            identity.require(wanted)
        assert raised.value.name == "PERMISSION_MISSING"


def test_a_user_names_themselves_alone_and_an_administrator_anybody():
    assert TRADER.user_named("") == TRADER.user_named("7") == 7
    assert ADMIN.user_named("7") == 7
    with pytest.raises(ForbiddenError) as raised:
        TRADER.user_named("8")
    assert (raised.value.name, raised.value.field) == ("OTHER_USER", "userId")


@pytest.mark.parametrize("text", ["", "0", "-1", "1e3", "0x7", " 7", "7\n", "７", "7.0", str(2**63)])  # noqa: RUF001
def test_what_is_no_user_id_is_refused(text):
    with pytest.raises(InvalidError) as raised:
        parse_user_id(text)
    assert raised.value.name == "INVALID_USER_ID"


def test_records_name_the_actor():
    assert (TRADER.actor, ADMIN.actor) == ("user 7 key k1", "user 1")


def test_a_service_is_who_it_says_and_no_user_stands_behind_it():
    require_service(Call((SERVICE, "wallet")), "wallet")
    for metadata in (
        (),
        ((SERVICE, "risk"),),
        ((SERVICE, "wallet"), (SERVICE, "wallet")),
        ((SERVICE, "wallet"), *TRADER.metadata()),
        ADMIN.metadata(),
    ):
        with pytest.raises(UnauthenticatedError, match="wallet service alone"):
            require_service(Call(*metadata), "wallet")

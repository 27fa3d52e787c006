"""Who is asking: the user and the permissions that the gateway established, as services see them.

The gateway authenticates a request, strips every `x-outcry-…` header that came from outside, and tells
the service behind it in gRPC metadata who asked. A service believes that metadata because nothing else
reaches its port (NetworkPolicy); without it, or with a part missing, repeated or malformed, nobody is
asking, and the call ends as `UNAUTHENTICATED`.

    identity = identity_of(context)
    identity.require(Permission.TRADE)
    user = identity.user_named(request.user_id)

A user can name nobody but themselves; an administrator anybody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from outcry_services.common.errors import ForbiddenError, InvalidError, UnauthenticatedError
from outcry_services.common.ids import USER_MAX

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "KEY",
    "PERMISSIONS",
    "SERVICE",
    "USER",
    "Identity",
    "Permission",
    "identity_of",
    "parse_user_id",
    "require_service",
]

SERVICE = "x-outcry-service"
"""The metadata key by which one service tells another who it is; of a user's call the gateway strips it."""
USER = "x-outcry-user"
PERMISSIONS = "x-outcry-permissions"
KEY = "x-outcry-key"
"""The metadata keys; also the HTTP headers between Envoy and the services."""

_USER_ID = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)


class Permission(StrEnum):
    """What a key or a session may do."""

    READ = "read"
    TRADE = "trade"
    WITHDRAW = "withdraw"
    ADMIN = "admin"


class Context(Protocol):
    """What is needed of gRPC's servicer context."""

    def invocation_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """The metadata of the call, in order, repeated keys included."""


@dataclass(frozen=True, slots=True)
class Identity:
    """An authenticated caller; `key` names the API key, and is empty for a session."""

    user_id: int
    permissions: frozenset[Permission]
    key: str = ""

    @property
    def is_admin(self) -> bool:
        """Whether they may act for others."""
        return Permission.ADMIN in self.permissions

    @property
    def actor(self) -> str:
        """How records name who did it."""
        return f"user {self.user_id} key {self.key}" if self.key else f"user {self.user_id}"

    def require(self, permission: Permission) -> None:
        """Raise `ForbiddenError` (`PERMISSION_MISSING`) without it; no permission implies another."""
        if permission not in self.permissions:
            raise ForbiddenError(
                f"this needs the permission {permission.value!r}, which this key or session doesn't have",
                name="PERMISSION_MISSING",
            )

    def require_user(self, user_id: int, *, field: str = "userId") -> None:
        """Raise `ForbiddenError` (`OTHER_USER`) unless that is the caller, or an administrator calls."""
        if user_id != self.user_id and not self.is_admin:
            raise ForbiddenError(
                "this belongs to another user; name yourself or nobody", name="OTHER_USER", field=field
            )

    def user_named(self, text: str, *, field: str = "userId") -> int:
        """The user that a request names (empty: the caller).

        Raises `InvalidError` (`INVALID_USER_ID`) or `ForbiddenError` (`OTHER_USER`).
        """
        user = parse_user_id(text, field=field) if text else self.user_id
        self.require_user(user, field=field)
        return user

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """As the gateway sends it: what `identity_of` reads."""
        found = [
            (USER, str(self.user_id)),
            (PERMISSIONS, ",".join(sorted(self.permissions))),
        ]
        return (*found, (KEY, self.key)) if self.key else tuple(found)


def identity_of(context: Context) -> Identity:
    """Who makes this call; raises `UnauthenticatedError` when the gateway didn't say so, once and clearly."""
    found: dict[str, list[str]] = {USER: [], PERMISSIONS: [], KEY: []}
    for name, value in context.invocation_metadata() or ():
        if name in found:
            found[name].append(value if isinstance(value, str) else value.decode("ascii", "replace"))
    users, permissions, keys = found.values()
    if len(users) != 1 or len(permissions) != 1 or len(keys) > 1 or not _is_user_id(users[0]):
        raise UnauthenticatedError("nobody is signed in: sign the request, or send a session's token")
    try:
        granted = frozenset(Permission(word) for word in permissions[0].split(",") if word)
    except ValueError:
        raise UnauthenticatedError("the gateway names a permission that doesn't exist") from None
    return Identity(user_id=int(users[0]), permissions=granted, key=keys[0] if keys else "")


def require_service(context: Context, name: str) -> None:
    """Raise `UnauthenticatedError` unless a call is this service's own, and no user stands behind it."""
    metadata = list(context.invocation_metadata() or ())
    services = [value for key, value in metadata if key == SERVICE]
    if services != [name] or any(key in (USER, PERMISSIONS, KEY) for key, _ in metadata):
        raise UnauthenticatedError(f"this is asked by the {name} service alone")


def parse_user_id(text: str, *, field: str = "userId") -> int:
    """A user id as a client writes it; raises `InvalidError` (`INVALID_USER_ID`)."""
    if not _is_user_id(text):
        raise InvalidError(
            f"{text[:24]!r} is no user id: a whole number from 1", name="INVALID_USER_ID", field=field
        )
    return int(text)


def _is_user_id(text: str) -> bool:
    return _USER_ID.fullmatch(text) is not None and int(text) <= USER_MAX

"""Scripts as Redis runs them: the shipped text, in Lua 5.1, with Redis's conversions both ways.

Numbers of Lua are doubles. One that a script returns loses its fraction, and one that it gives to
`redis.call` is written out by Redis; amounts that pass through either are no longer exact, here as there.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from lupa.lua51 import LuaError, LuaRuntime, lua_type

from e2e.simulation.redis_keys import RefusedError, Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from e2e.simulation.redis_keys import Keys

__all__ = ["Scripts", "sha_of"]

_SANDBOX = b"""
local raw, status_of = ...
local function call(...)
    local reply = raw(...)
    if type(reply) == 'table' and reply.err then error(reply, 0) end
    return reply
end
local function pcall_redis(...) return raw(...) end
local redis = {
    call = call,
    pcall = pcall_redis,
    error_reply = function(text) return {err = text} end,
    status_reply = function(text) return {ok = text} end,
    sha1hex = status_of,
    log = function() end,
    LOG_DEBUG = 0, LOG_VERBOSE = 1, LOG_NOTICE = 2, LOG_WARNING = 3,
}
local allowed = {
    redis = redis, string = string, table = table, math = math, tonumber = tonumber, tostring = tostring,
    type = type, pairs = pairs, ipairs = ipairs, next = next, select = select, unpack = unpack,
    pcall = pcall, error = error, assert = assert,
}
local env = setmetatable({}, {
    __index = function(_, name)
        local found = allowed[name]
        if found == nil then
            error("Script attempted to access nonexistent global variable '" .. tostring(name) .. "'", 2)
        end
        return found
    end,
    __newindex = function(_, name)
        error("Attempt to modify a readonly table", 2)
    end,
})
local function compile(text)
    local found, why = loadstring('local KEYS, ARGV = ... ' .. text, '=user_script')
    if not found then return nil, why end
    return setfenv(found, env)
end
local function run(script, keys, argv)
    -- Of several results the first one counts.
    local ok, result = pcall(script, keys, argv)
    return ok, result
end
return compile, run
"""


def sha_of(text: str) -> str:
    """The hash that Redis knows a script by."""
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


class Scripts:
    """One Lua for a whole run of simulations: scripts are compiled once, and keep nothing between runs."""

    def __init__(self) -> None:
        self._lua = LuaRuntime(encoding=None, register_eval=False, register_builtins=False)
        self._keys: Keys | None = None
        self._compile, self._run = self._lua.execute(_SANDBOX, self._call, _sha1hex)
        self._known: dict[str, Any] = {}

    def compile(self, text: str) -> str:
        """Its hash; raises `RefusedError` for what is no Lua."""
        sha = sha_of(text)
        if sha not in self._known:
            found = self._compile(text.encode())
            if isinstance(found, tuple):
                raise RefusedError(f"ERR Error compiling script (new function): {found[1].decode()}")
            self._known[sha] = found
        return sha

    def run(self, sha: str, keys: Keys, names: Sequence[bytes], arguments: Sequence[bytes]) -> Any:  # noqa: ANN401
        """A script's reply, converted; raises `RefusedError` for an error of the script or of a command."""
        self._keys = keys
        tables = (self._lua.table_from(names), self._lua.table_from(arguments))
        try:
            result = self._run(self._known[sha], *tables)
        except LuaError as error:
            raise RefusedError(f"ERR {error}") from error
        finally:
            self._keys = None
        ok, reply = result if isinstance(result, tuple) else (result, None)
        if not ok:
            raise RefusedError(_error_text(reply))
        return _from_lua(reply)

    def _call(self, *words: Any) -> Any:  # noqa: ANN401
        if self._keys is None:
            raise RuntimeError("redis.call outside of a script")
        try:
            reply = self._keys.run([_argument(word) for word in words])
        except RefusedError as error:
            return self._lua.table_from({b"err": error.text.encode()})
        return self._to_lua(reply)

    def _to_lua(self, reply: Any) -> Any:  # noqa: ANN401
        if reply is None:
            return False
        if isinstance(reply, Status):
            return self._lua.table_from({b"ok": bytes(reply)})
        if isinstance(reply, list):
            return self._lua.table_from([self._to_lua(part) for part in reply])
        # A whole number is a double there, whatever it was here.
        return float(reply) if isinstance(reply, int) else reply


def _argument(word: Any) -> bytes:  # noqa: ANN401
    """As `luaArgsToRedisArgv` of Redis 7.0 has it."""
    if isinstance(word, bytes):
        return word
    if isinstance(word, bool) or not isinstance(word, (int, float)):
        raise RefusedError("ERR Lua redis lib command arguments must be strings or integers")
    return f"{word:.17g}".encode()


def _from_lua(reply: Any) -> Any:  # noqa: ANN401
    if isinstance(reply, bool):
        return 1 if reply else None
    if isinstance(reply, (int, float)):
        # C's cast of a double that doesn't fit.
        return int(reply) if -(2**63) <= reply < 2**63 else -(2**63)
    if lua_type(reply) != "table":
        return reply if isinstance(reply, bytes) else None
    if reply[b"err"] is not None:
        raise RefusedError(_error_text(reply))
    if reply[b"ok"] is not None:
        return Status(reply[b"ok"])
    return _list(reply)


def _list(reply: Any) -> list[Any]:  # noqa: ANN401
    """Up to the first nil, as Redis does."""
    found: list[Any] = []
    while (part := reply[len(found) + 1]) is not None:
        try:
            found.append(_from_lua(part))
        except RefusedError as error:
            found.append(error)
    return found


def _error_text(reply: Any) -> str:  # noqa: ANN401
    if lua_type(reply) == "table" and reply[b"err"] is not None:
        text = reply[b"err"].decode()
        return text if text.split(" ")[0].isupper() else f"ERR {text}"
    return f"ERR {reply.decode() if isinstance(reply, bytes) else reply}"


def _sha1hex(text: bytes) -> bytes:
    return hashlib.sha1(text, usedforsecurity=False).hexdigest().encode()

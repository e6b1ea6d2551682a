"""Tokens by which programs and people are known to `clusto serve`: made, listed, taken back. Only a hash is kept."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import NamedTuple

from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.records.history import user
from clusto_core.store.database import Row
from clusto_core.store.reader import Reader

READER, WRITER = "reader", "writer"
ROLES = (READER, WRITER)

_COLUMNS = ("name", "hash", "role", "scope", "made", "maker")
_TOKENS = "SELECT k.name, k.hash, k.role, k.scope, k.made, k.maker FROM tokens k"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,59}")
_TEXT = re.compile(r"clusto_([A-Za-z0-9][A-Za-z0-9._-]{0,59})_([A-Za-z0-9-]{43})")


class Token(NamedTuple):
    """A token, without its secret. `scope` is the expression that selects all that it sees, None for everything; `made`
    in seconds since 1970, UTC."""

    name: str
    hash: str
    role: str
    scope: str | None
    made: float
    maker: str


def create(settings: Settings, name: str, role: str, scope: str | None = None) -> str:
    """Makes a token, and gives it: it is not kept. Raises Malformed, Refused where there is one of that name."""
    from clusto_core.store.opening import write_transaction

    if not _NAME.fullmatch(name):
        raise Malformed(f"malformed name of a token: {name[:60]!a} (letters, digits, . _ and -, at most 60)")
    if role not in ROLES:
        raise Malformed(f"no such role: {role[:60]} (known: {', '.join(ROLES)})")
    text = f"clusto_{name}_{secrets.token_urlsafe(32).replace('_', '-')}"
    with write_transaction(settings, lambda line: None) as database:
        reader = Reader(database)
        if any(each.name == name for each in every(reader)):
            raise Refused(f"there is a token {name} (clusto serve token revoke {name})")
        if scope is not None:
            check_scope(reader, scope)
        row = (name, _hash(text), role, scope, time.time_ns() // 1000, user()[:100])
        database.insert("tokens", _COLUMNS, [row])
    return text


def check_scope(reader: Reader, scope: str) -> None:
    """Raises Malformed, NotFound for what is no expression, or selects parts: those come with what they are of."""
    from clusto_core.query.search import find

    if any(thing.is_part for thing in find(reader, scope).things):
        raise Malformed(f"{scope} selects parts: a token sees whole Things, with all of their parts")


def every(reader: Reader) -> list[Token]:
    """All tokens, by name."""
    return sorted(map(_token, reader.database.rows(_TOKENS)))


def revoke(settings: Settings, name: str) -> None:
    """Makes a token worth nothing. Raises NotFound."""
    from clusto_core.store.opening import write_transaction

    with write_transaction(settings, lambda line: None) as database:
        if not database.rows(_TOKENS + " WHERE k.name = :name", {"name": name}):
            raise NotFound(f"no such token: {name[:60]} (clusto serve token list)")
        database.execute("DELETE FROM tokens WHERE name = :name", {"name": name})


def known(reader: Reader, text: str) -> Token | None:
    """The token that this is; None for none. How long that takes says nothing of how much of it is right."""
    shape = _TEXT.fullmatch(text)
    rows = reader.database.rows(_TOKENS + " WHERE k.name = :name", {"name": shape[1]}) if shape else []
    token = _token(rows[0]) if rows else None
    right = hmac.compare_digest(_hash(text), token.hash if token else _hash(""))
    return token if right else None


def _hash(text: str) -> str:
    """A token is 256 random bits: no slow hash is needed for what cannot be guessed."""
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()


def _token(row: Row) -> Token:
    name, hash, role, scope, made, maker = row
    return Token(name, hash, role, scope, made / 1_000_000, maker)

"""Which keys hold secrets, what a reference to one looks like, and how anything that looks like a secret is masked."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from functools import lru_cache
from typing import Any

MASK = "****"

_ALWAYS = frozenset(("credential", "passcode", "passphrase", "passwd", "password", "secret", "token"))
"""Words that say so wherever they stand in a key: `password.root`, `api.token_2`."""
_LAST = frozenset(("apikey", "authkey", "community", "dsn", "key", "pass", "pin", "psk", "pwd"))
"""Words that say so at the end only: `ssh.key` holds one, `key.owner` does not."""
_ENVIRONMENT, _FILE, _NAMED = "env:", "file:", "secret:"
REFERENCES = (_ENVIRONMENT, _FILE, _NAMED)

_CAMEL = r"(?<=[a-z0-9])(?=[A-Z])"
_BREAKS = r"[\W_]+"
_PRIVATE_KEY = r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----"
_NAME = r"[\w-]*(?:community|passcode|passphrase|passwd|password|psk|pwd|secret|token|api_?key|auth_?key)s?"
_ASSIGNED = rf"(?i)(?<![\w-])({_NAME}[\"']?\s*[=:]\s*)(?:\"[^\"]*\"|'[^']*'|[^\s&])+"
_IN_URL = r"(?i)\b([a-z][a-z0-9+.-]*://[^\s:/@]*):[^\s/]+@"
_IN_QUERY = rf"(?i)([?&;]{_NAME}=)([^\s&]+)"
_MARKS = ("://", "private key", "pass", "pwd", "psk", "secret", "token", "key", "community")
_SHORTEST = 4
"""Texts below that are in everything that is printed."""

_NUMBER = r"#(?:[0-9]+|\*|\+)"

_resolved: set[str] = set()
_declared: set[str] = set()
"""The keys that a site declared as secret."""
_proposed: ContextVar[frozenset[str] | None] = ContextVar("proposed", default=None)
"""Those that something would declare that is not decided yet; None where nothing is being done."""


def declare(key: str) -> None:
    """Has `is_secret` say so of a key, whatever its number, from now on and in whatever store."""
    _declared.add(key)


def propose(key: str) -> None:
    """The same for who does what is not decided yet; for everybody where nothing is `proposing`."""
    proposed = _proposed.get()
    if proposed is None:
        declare(key)
    else:
        _proposed.set(proposed | {key})


@contextlib.contextmanager
def proposing() -> Iterator[Callable[[], None]]:
    """What is proposed meanwhile is forgotten at the end, but for what the function given has kept: in what this is
    done within, or for everybody."""
    outer = _proposed.get()
    kept: set[str] = set()
    _proposed.set(outer or frozenset())
    try:
        yield lambda: kept.update(_proposed.get() or ())
    finally:
        _proposed.set(outer)
        for key in kept - (outer or frozenset()):
            propose(key)


def is_secret(key: str) -> bool:
    """Whether a key (`snmp.community`, `bmc.password`, `vault.token`, `apiKey`) holds secrets, by the words in it or
    because a site declared it so."""
    if _sounds_secret(key):
        return True
    proposed = _proposed.get()
    if not _declared and not proposed:
        return False
    bare = re.sub(_NUMBER, "", key, count=1)
    return bare in _declared or bare in (proposed or ())


@lru_cache(4096)
def _sounds_secret(key: str) -> bool:
    words = key.split(".")
    if not (key.islower() and all(map(str.isalpha, words))):  # most are: quick commands compile no patterns for it
        words = [word.lower() for word in re.split(_BREAKS, re.sub(_CAMEL, "_", key)) if word]
    return bool(words) and (words[-1] in _LAST or any(word in _ALWAYS or word[:-1] in _ALWAYS for word in words))


def is_reference(text: str) -> bool:
    """Whether a value says where a secret is instead of what it is: `env:NAME`, `file:PATH`, `secret:NAME`."""
    return text.startswith(REFERENCES) and not text[text.index(":") + 1 :][:1].isspace()


def masked(text: str) -> str:
    """The text with what looks like a secret as `****`: passwords in URLs and in their queries, `password=...`, and
    private keys."""
    lower = text.lower()
    if not any(mark in lower for mark in _MARKS):
        return text
    if re.search(_PRIVATE_KEY, text):
        return MASK
    return re.sub(_ASSIGNED, rf"\g<1>{MASK}", re.sub(_IN_URL, rf"\g<1>:{MASK}@", text))


def masked_structure(value: Any) -> Any:
    """Decoded JSON with the members that hold secrets as `****`, at any depth."""
    if isinstance(value, dict):
        return {key: _masked_member(str(key), member) for key, member in value.items()}
    if isinstance(value, list):
        return [masked_structure(member) for member in value]
    return masked(value) if isinstance(value, str) else value


def _masked_member(key: str, member: Any) -> Any:
    # Yes and no are no secrets.
    return MASK if is_secret(key) and not isinstance(member, bool) else masked_structure(member)


def masked_url(url: str) -> str:
    """The URL of a store without its password, wherever that is and whatever it holds: `#`, `@` and `/` too."""
    head, separator, tail = url.partition("://")
    credentials, at, place = tail.rpartition("@")
    user, colon, _ = credentials.partition(":")
    return masked(f"{head}{separator}{user}:{MASK}@{place}" if at and colon else url)


def remember_url(url: str) -> None:
    """Has `redacted` mask the password in the URL of a store, and what a driver takes for its pieces."""
    from urllib.parse import unquote

    _, _, tail = url.partition("://")
    password = tail.rpartition("@")[0].partition(":")[2]
    for found in (password, *(value for _, value in re.findall(_IN_QUERY, tail))):
        for text in (found, unquote(found)):
            _resolved.update(piece for piece in (text, *re.split(r"[/#?@:&]", text)) if len(piece) >= _SHORTEST)


def remember(text: str) -> str:
    """The text itself, which `redacted` masks from now on."""
    _resolved.update(line for line in (text, *text.splitlines()) if len(line) >= _SHORTEST)
    return text


def redacted(text: str) -> str:
    """A message without the secrets that this process has read, wherever they came from, and without those in URLs."""
    for secret in sorted(_resolved, key=len, reverse=True):
        text = text.replace(secret, MASK)
    if "://" in text:
        text = re.sub(_IN_URL, rf"\g<1>:{MASK}@", re.sub(_IN_QUERY, rf"\g<1>{MASK}", text))
    return text

"""What a half-typed expression can become: terms, drivers, keys, values, names, and the words between tests."""

from __future__ import annotations

import re
from collections.abc import Iterable

from clusto_core.answers import candidates
from clusto_core.answers.candidates import Candidate
from clusto_core.drivers import registry
from clusto_core.errors import Malformed
from clusto_core.model.attributes import IN, IP, Key
from clusto_core.model.wiring import KINDS
from clusto_core.query.parser import TERMS
from clusto_core.query.saved import saved
from clusto_core.spelling import natural_key
from clusto_core.store.reader import Reader

_TOKEN = re.compile(r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s()"'])+|[()]""")
_BEFORE_SET = ("to", "in", "by")
_JOINTS = ("and", "or", "not", "(", "")
_ENDS = {"free": (" ", "("), "cabled": (" ", "(")}


def complete(reader: Reader, text: str) -> list[Candidate]:
    """The texts, each the whole expression so far, that `text` may become."""
    tokens = list(_TOKEN.finditer(text))
    last = tokens[-1] if tokens and tokens[-1].end() == len(text) and tokens[-1][0] not in "()" else None
    word = last[0] if last else ""
    before = text[: len(text) - len(word)]
    words = [token[0] for token in tokens if token.end() <= len(before)]
    return [
        Candidate(before + found.text, found.partial)
        for found in _words(reader, words, word)
        if found.text.startswith(word)
    ]


def _words(reader: Reader, words: list[str], word: str) -> list[Candidate]:
    previous = words[-1].lower() if words else ""
    if previous == "(" and len(words) > 1 and words[-2].lower() == "haskey":
        return [Candidate(f"{key}) ", True) for key in _keys(reader)]
    if previous == "(" and len(words) > 1 and words[-2].lower() in ("free", "cabled"):
        return _partial(*(f"{kind}) " for kind in KINDS))
    if previous == "(" and len(words) > 1 and words[-2].lower() == "count":
        return _partial("connected to ", "in ", "fed by ")
    if previous == "connected":
        return _partial("to ")
    if previous == "fed":
        return _partial("by ")
    if previous == "via":
        return [Candidate(kind) for kind in KINDS]
    if previous in _BEFORE_SET or previous in _JOINTS:
        return _operand(reader, word, relations=previous in _JOINTS)
    found = _partial("and ", "or ")
    if len(words) > 1 and words[-2].lower() == "to":
        found += _partial("via ")
    elif len(words) < 2 or words[-2].lower() not in _BEFORE_SET:
        found += _partial("connected to ", "in ", "fed by ")
    if previous.startswith("attr:") or previous == ")":
        found += _partial("inherited ")
    return found


def _operand(reader: Reader, word: str, *, relations: bool) -> list[Candidate]:
    head, colon, tail = word.partition(":")
    if word.startswith("@"):
        return [Candidate(f"@{each.name}") for each in saved(reader)]
    if colon and head == "name":
        return _prefixed("name:", _names(reader, tail))
    if colon and head == "driver":
        names = sorted((driver.__name__ for driver in registry if driver.__name__ != "Mounted"), key=natural_key)
        return _prefixed("driver:", [Candidate(name) for name in names if name.lower().startswith(tail.lower())])
    if colon and head == "attr":
        return _attribute(reader, tail)
    if colon and head == "_ip":
        return _address(reader, tail)
    if colon:
        return []
    found = _partial(*(f"{word}{end}" for word in TERMS for end in _ENDS.get(word, ("",))), "(", "@")
    return found + _partial("not ", "connected to ", "in ", "fed by ") if relations else found


def _names(reader: Reader, prefix: str) -> list[Candidate]:
    if ":" in prefix:
        return candidates.listed((part.name for part in candidates.parts(reader, prefix)), prefix)
    return candidates.things(reader, prefix)


def _attribute(reader: Reader, text: str) -> list[Candidate]:
    key_text, comma, value = text.partition(",")
    if not comma:
        keys = candidates.numbered(reader, text, "*") if "#" in text else _keys(reader)
        return [Candidate(f"attr:{key},", True) for key in keys]
    try:
        key = Key.pattern(key_text)
    except Malformed:
        return []
    known = (each for each in _choices(reader, key) if each.startswith(value))
    found = dict.fromkeys([*known, *candidates.values(reader, key, value)])
    return [Candidate(f"attr:{key_text},{_quoted(each)}") for each in found]


def _choices(reader: Reader, key: Key) -> list[str]:
    """The values that a key is declared to take, where they can be listed."""
    from clusto_core.model import keys
    from clusto_core.rules.declared import of_site

    bare = Key(key.key, None, key.subkey)
    declared = keys.of(bare) or of_site(reader).get(bare)
    return declared.choices if declared is not None else []


def _address(reader: Reader, text: str) -> list[Candidate]:
    """The address spaces behind `_ip:10.2.0.0/16@`."""
    address, at, _ = text.partition("@")
    if not at:
        return []
    return [Candidate(f"_ip:{address}@{space.name}") for space in reader.spaces().values()]


def _keys(reader: Reader) -> list[str]:
    known = reader.keys()
    return [key for key in known if not key.startswith("_")] + [IP, IN]


def _quoted(text: str) -> str:
    from clusto_core.query.patterns import Literal

    return str(Literal(text))


def _prefixed(prefix: str, found: Iterable[Candidate]) -> list[Candidate]:
    return [Candidate(prefix + each.text, each.partial) for each in found]


def _partial(*texts: str) -> list[Candidate]:
    return [Candidate(text, True) for text in texts]

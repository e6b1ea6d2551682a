"""Attributes: how a key is spelled, what types a value has, and how text becomes a value.

An attribute is (key, optional number, optional subkey, value), spelled `KEY`, `KEY.SUBKEY`, `KEY#2`, `KEY#2.SUBKEY`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from clusto_core.errors import Malformed
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from datetime import datetime

IN = "_in"
"""What a Thing is in: relations, many-valued."""
IP = "_ip"
"""The addresses a Thing or one of its parts holds."""

HEAD = 255
"""How many characters of a value's text the store keeps in the indexed column; the rest goes beside it."""

# Compiled when they are first needed: a quick command reads few keys, and no values.
_KEY = r"(?P<key>\w[\w-]{0,99})(?:#(?P<number>0|[1-9][0-9]{0,8}))?(?:\.(?P<subkey>[\w.:/+-]{1,100}))?"
_INTEGER = r"0|-?[1-9][0-9]{0,18}"
_FLOAT = r"-?[0-9]+\.[0-9]+(?:e[+-]?[0-9]+)?"
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?"
_CONTROL = "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028\u2029]"


_PLAIN = 100
"""How long the words of a key may be."""
_PATTERN = r"(?P<key>\w[\w-]{0,99})(?P<number>#\*|#[0-9]{1,9})?(?P<subkey>\.\*|\.[\w.:/+-]{1,100})?"
ANY_NUMBER = -1
ANY_SUBKEY = "*"
NEXT_NUMBER = -2
"""Stands for the number behind the highest, `disk#+`, where a key is written to."""
_SIGNS = {ANY_NUMBER: "*", NEXT_NUMBER: "+"}
_NEXT = r"(?P<key>\w[\w-]{0,99})#\+(?:\.(?P<subkey>[\w.:/+-]{1,100}))?"


class Key(NamedTuple):
    """The spelled-out name of an attribute; or what asks for several at once, `disk#*.serial`: see `pattern`."""

    key: str
    number: int | None = None
    subkey: str | None = None

    @classmethod
    def parse(cls, text: str) -> Key:
        """`KEY[#NUMBER][.SUBKEY]`; everything behind the first dot is the subkey. Raises Malformed."""
        if isinstance(text, str) and text.isascii() and len(text) <= _PLAIN:
            key, dot, subkey = text.partition(".")
            if key.isidentifier() and (subkey.isidentifier() or not dot):
                return cls(key, None, subkey or None)  # as most keys, and without a pattern
        match = re.fullmatch(_KEY, text) if isinstance(text, str) else None
        if match is None:
            raise Malformed(f"malformed key: {str(text)[:60]!r} (write KEY, KEY.SUBKEY or KEY#2.SUBKEY)")
        number = match["number"]
        return cls(match["key"], int(number) if number is not None else None, match["subkey"])

    @classmethod
    def pattern(cls, text: str) -> Key:
        """A key, or the keys that differ in number or subkey alone: `disk#*`, `disk#*.serial`, `disk#0.*`, `disk#*.*`.

        Raises Malformed.
        """
        match = re.fullmatch(_PATTERN, text) if "*" in text else None
        if match is None:
            return cls.parse(text)
        number, subkey = match["number"], match["subkey"]
        return cls(
            match["key"],
            None if number is None else ANY_NUMBER if number == "#*" else int(number[1:]),
            None if subkey is None else subkey[1:],
        )

    @classmethod
    def next(cls, text: str) -> tuple[Key, bool]:
        """A key that is written to, and whether its number is the next one that is free: `disk#+`, `disk#+.serial`.

        Raises Malformed.
        """
        match = re.fullmatch(_NEXT, text) if "#+" in text else None
        return (cls.parse(text), False) if match is None else (cls(match["key"], None, match["subkey"]), True)

    @classmethod
    def written(cls, given: str | Key) -> Key:
        """A key that is written to: `disk#+.serial`, too, whose number is NEXT_NUMBER. Raises Malformed."""
        text = str(given)
        key, is_next = cls.next(text)
        return key._replace(number=NEXT_NUMBER) if is_next else cls.of(given)

    @property
    def is_pattern(self) -> bool:
        """Whether it asks for several keys."""
        return self.number == ANY_NUMBER or self.subkey == ANY_SUBKEY

    def covers(self, other: Key) -> bool:
        """Whether it is that key, or asks for it among others."""
        number = other.number is not None if self.number == ANY_NUMBER else self.number == other.number
        subkey = other.subkey is not None if self.subkey == ANY_SUBKEY else self.subkey == other.subkey
        return self.key == other.key and number and subkey

    def has(self, other: Key) -> bool:
        """Whether who has that key has this one: `disk` is had by whoever has any number of it (`disk#0.serial`)."""
        table = self.number is None and self.subkey is None and other.number is not None
        return self.covers(other) or (table and self.key == other.key)

    def meant(self, present: Iterable[Key]) -> list[Key]:
        """Which of the keys that are there are meant: just this one, or what it asks for; without that, what is below
        it: `disk` means all of `disk#*.*`, `disk#0` all of `disk#0.*`, `snmp` all of `snmp.*`."""
        keys = list(dict.fromkeys(present))
        found = [key for key in keys if self.covers(key)]
        return found or [key for key in keys if self.above(key)]

    def above(self, other: Key) -> bool:
        """Whether another key is this one with a number or a subkey besides."""
        below = self.subkey is None and other != self and self.number in (None, other.number)
        return below and self.key == other.key

    @classmethod
    def of(cls, given: str | Key) -> Key:
        """The key that a caller means by text or by a Key. Raises Malformed, for a Key too that no text spells."""
        return _respelled(given) if isinstance(given, Key) else cls.parse(given)

    def __str__(self) -> str:
        number = "" if self.number is None else f"#{_SIGNS.get(self.number, self.number)}"
        return f"{self.key}{number}" if self.subkey is None else f"{self.key}{number}.{self.subkey}"

    @property
    def reserved(self) -> bool:
        """Written by clusto's own verbs only, and hidden unless named."""
        return self.key.startswith("_")

    @property
    def secret(self) -> bool:
        """Whether values are shown as `****`: `snmp.community`, `bmc.password`, `ssh.key`, `vault.token`... Nothing
        that clusto itself keeps is one: `_key` is what is declared of a key."""
        from clusto_core.secrecy import is_secret

        return not self.reserved and is_secret(str(self))


@lru_cache(10_000)
def key_text(key: Key) -> str:
    """How a key is spelled, for those who spell a few keys very often."""
    return str(key)


@lru_cache(1000)
def _respelled(key: Key) -> Key:
    spelled = Key.parse(str(key))
    if spelled != key:
        raise Malformed(f"malformed key: {tuple(key)!a} (it is spelled as {tuple(spelled)!a} is)")
    return spelled


class Value(NamedTuple):
    """A typed value: `text` is its one canonical spelling, `ref` the id of the Thing that a relation names.

    A relation's text is the name of the Thing as it was when the value was read.
    """

    type: str
    text: str
    ref: int | None = None

    @property
    def integer(self) -> int | None:
        """What orders integers (the number) and datetimes (microseconds since 1970, UTC); None for other types."""
        if self.type == "integer":
            return int(self.text)
        if self.type == "datetime":
            return _microseconds(self.text)
        return None

    @property
    def float(self) -> float | None:
        """What orders floats; None for other types."""
        return float(self.text) if self.type == "float" else None

    def python(self) -> Any:
        """The value as Python has it: str, int, float, bool, datetime (UTC), decoded JSON, a relation's name."""
        if self.type == "integer":
            return int(self.text)
        if self.type == "float":
            return float(self.text)
        if self.type == "boolean":
            return self.text == "true"
        if self.type == "datetime":
            return _moment(self.text)
        if self.type == "json":
            import json

            return json.loads(self.text)
        return self.text

    def concealed(self, key: Key) -> bool:
        """Whether what people see under this key is not the value."""
        return self.shown(key) != self.text

    def shown(self, key: Key) -> str:
        """The text for people: secrets masked and what looks like one, but not the place they are read from
        (`env:NAME`, `file:PATH`, `secret:NAME`)."""
        return _shown(self, key)


# What is inherited is shown for every Thing that it comes to.
@lru_cache(10_000)
def _shown(value: Value, key: Key) -> str:
    from clusto_core import secrecy

    if value.type == "relation" or secrecy.is_reference(value.text):
        return value.text
    if key.secret:
        return secrecy.MASK
    if value.type == "json":
        shown = structure(secrecy.masked_structure(value.python()))
        return value.text if shown.text == value.text else shown.text
    return secrecy.masked(value.text)


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime

    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


# An inventory has few dates and many Things of each: those of one delivery.
@lru_cache(1000)
def _microseconds(text: str) -> int:
    from datetime import UTC, datetime, timedelta

    return (_moment(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def string(text: str) -> Value:
    """A string value, with the line ends of Windows as all others are; raises Malformed for control characters other
    than tab and newline, and for broken UTF-8."""
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not text.isprintable() and (found := re.search(_CONTROL, text)):
        if "\udc80" <= found[0] <= "\udcff":
            raise Malformed(f"this is not UTF-8: {text[:40]!a} (save the file as UTF-8)")
        raise Malformed(f"a value cannot hold the control character {found[0]!a}: {text[:40]!a}")
    return Value("string", text)


def infer(text: str) -> Value:
    """What a person means by `text`: `5` integer, `1.5` float, `true` boolean, an ISO date or time, else a string.

    A number is a number only when its text is just how clusto prints it, so that the serial `007` and the release
    `1.10` stay what they are. Raises Malformed as `string` does, and for a date that no calendar has.
    """
    if text in ("true", "false"):
        return Value("boolean", text)
    if re.fullmatch(_INTEGER, text) and -(2**63) <= int(text) < 2**63:
        return Value("integer", text)
    if re.fullmatch(_FLOAT, text) and repr(float(text)) == text:
        return Value("float", text)
    if re.fullmatch(_DATE, text) or re.fullmatch(_TIME, text):
        return instant(text)
    return string(text)


@lru_cache(1000)
def instant(text: str) -> Value:
    """An ISO 8601 date, or a time brought to UTC (one without an offset is UTC). Raises Malformed."""
    from datetime import UTC, datetime

    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise Malformed(f"no such date or time: {text[:60]!r} ({error}; --string keeps it as text)") from None
    if re.fullmatch(_DATE, text):
        return Value("datetime", text)
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        raise Malformed(f"no such time: {text[:60]!r}") from None
    return Value("datetime", moment.isoformat().replace("+00:00", "Z"))


def structure(value: object) -> Value:
    """A JSON value, in one canonical spelling. Raises Malformed for what JSON cannot hold."""
    import json

    try:
        text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
        if "\\ud" in text:
            # Half of a surrogate pair is no character: no file and no database could hold it.
            json.dumps(value, ensure_ascii=False).encode()
        return Value("json", text)
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"not a JSON value: {error}") from None


def from_python(value: object) -> Value:
    """The value for what a YAML or JSON file, or a library caller, gives; a string stays a string.

    Raises Malformed for integers beyond 64 bits, NaN and infinity.
    """
    import datetime

    if isinstance(value, Value):
        return value
    if isinstance(value, bool):
        return Value("boolean", "true" if value else "false")
    if isinstance(value, str):
        return string(value if type(value) is str else str.__str__(value))
    if isinstance(value, int):
        if not -(2**63) <= value < 2**63:
            raise Malformed(f"an integer has at most 64 bits: {str(value)[:40]} (quote it to keep it as text)")
        return Value("integer", int.__str__(value))
    if isinstance(value, float):
        if value != value or value in (float("inf"), float("-inf")):
            raise Malformed(f"not a number: {value}")
        return Value("float", float.__repr__(value))
    if isinstance(value, datetime.date):
        return instant(value.isoformat())
    return structure(value)


def _respelled_json(text: str) -> Value:
    import json

    return structure(json.loads(text))


_RESPELLED: Mapping[str, Callable[[str], Value]] = {
    "string": string,
    "boolean": infer,
    "integer": infer,
    "float": lambda text: from_python(float(text)),
    "datetime": instant,
    "json": _respelled_json,
}


def checked(value: Value) -> Value:
    """The value itself. Raises Malformed unless its text is the one spelling of a value of its type.

    What a relation names is not looked at here.
    """
    type, text, ref = value
    if type == "relation" and isinstance(text, str) and text:
        return value
    respelled = _RESPELLED.get(type) if isinstance(text, str) and ref is None else None
    try:
        if respelled is not None and respelled(text) == value:
            return value
    except (ValueError, RecursionError):
        pass
    raise Malformed(f"not a value of the type {str(type)[:20]}: {str(text)[:60]!a}")

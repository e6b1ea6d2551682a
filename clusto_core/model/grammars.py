"""What the values under a key may be: grammars that read what people, spreadsheets and tools write.

A grammar takes a value of any type and gives it in the one form that the store keeps. It raises Malformed, saying what
is expected, for what it cannot read without guessing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol

from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model import addresses
from clusto_core.model.attributes import Value, from_python, infer, instant, string
from clusto_core.spelling import suggest
from clusto_core.tuples import NamedTuple

if TYPE_CHECKING:
    from fractions import Fraction

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))
_LISTED = 8
"""How many choices a message names."""
_ISO = r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ][0-9:.]+(?:Z|[+-][0-9:]+)?)?"
_DOTTED = r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})"


class Grammar(Protocol):
    """One form of values."""

    @property
    def expects(self) -> str:
        """What is read, as the end of a sentence: `true or false`."""
        ...

    def read(self, value: Value) -> Value | None:
        """The value as it is kept; None for what it cannot be."""
        ...


class Anything:
    """A value of any type, as it was given."""

    expects = "anything"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        return value


class Text(NamedTuple):
    """Text, of a form perhaps: `pattern` is a regular expression of RE2 that matches the whole of it."""

    pattern: str = ""

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"text that matches {self.pattern}" if self.pattern else "text"

    def read(self, value: Value) -> Value | None:
        """See Grammar. What looks like a number stays the text that it was."""
        if value.type in ("relation", "json") or (self.pattern and not _compiled(self.pattern)(value.text)):
            return None
        return value if value.type == "string" else string(value.text)


@lru_cache(100)
def _compiled(pattern: str) -> Callable[[str], object]:
    """What tells whether a whole text matches. Raises Malformed for what is no expression of RE2."""
    import re2

    options = re2.Options()
    options.log_errors = False
    try:
        found: Callable[[str], object] = re2.compile(pattern, options).fullmatch
    except re2.error as error:
        reason = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise Malformed(f"malformed expression: {pattern[:60]!a} ({reason})") from None
    return found


class Structure:
    """JSON."""

    expects = "JSON"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        return value if value.type == "json" else None


class Choice(NamedTuple):
    """One of some words, without regard to case. `open`: other words may be right too, where packages or sites add
    their own."""

    words: Callable[[], Iterable[str]]
    open: bool = False

    @property
    def expects(self) -> str:
        """See Grammar."""
        words = list(self.words())
        listed = ", ".join(words[:_LISTED]) + (", ..." if len(words) > _LISTED else "")
        return f"{listed}, or one of your own" if self.open else f"one of {listed}"

    def read(self, value: Value) -> Value | None:
        """See Grammar. Raises Malformed for what is like a word that there is."""
        if value.type in ("relation", "json"):
            return None
        if self.open:
            return value
        words = list(self.words())
        found = value.text if value.text in words else {each.lower(): each for each in words}.get(value.text.lower())
        if found is None and (guess := suggest(value.text, words)) is not None:
            raise Malformed(f"no such choice: {value.text[:40]}{did_you_mean(guess)}")
        return None if found is None else infer(found)


class Truth(NamedTuple):
    """True or false, or text: a file instead of a yes."""

    otherwise: str

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"true, false or {self.otherwise}"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        return Boolean().read(value) or (value if value.type == "string" and value.text else None)


class Number(NamedTuple):
    """A number in a unit; in another unit of its kind it is converted: `2kW` where W is kept."""

    unit: str = ""
    low: float | None = None
    high: float | None = None
    whole: bool = False

    @property
    def expects(self) -> str:
        """See Grammar."""
        kind = "a whole number" if self.whole else "a number"
        bounds = (
            ""
            if self.low is None and self.high is None
            else f" from {self._bound(self.low)} to {self._bound(self.high)}"
        )
        return kind + bounds + (f" in {self.unit}" if self.unit else "")

    @staticmethod
    def _bound(bound: float | None) -> str:
        return "any" if bound is None else f"{bound:g}"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        found = self._number(value)
        if found is None or not self._within(found):
            return None
        if found == int(found):
            return from_python(int(found))
        return None if self.whole else from_python(float(found))

    def _within(self, number: Fraction | int) -> bool:
        return (self.low is None or number >= self.low) and (self.high is None or number <= self.high)

    def _number(self, value: Value) -> Fraction | int | None:
        if value.type == "integer":
            return int(value.text)
        if value.type not in ("float", "string"):
            return None
        from clusto_core.model import units

        return units.measure(value.text, self.unit)


class Date:
    """A day or a moment: ISO 8601, or a day as 31.01.2026, which is written with the day first wherever it has dots."""

    expects = "a date: 2026-01-31, or a time: 2026-01-31T12:00:00Z"

    def read(self, value: Value) -> Value | None:
        """See Grammar. Raises Malformed for a day that no calendar has."""
        if value.type == "datetime":
            return value
        text = value.text.strip()
        if (day := re.fullmatch(_DOTTED, text)) is not None:
            text = f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}"
        return instant(text) if value.type == "string" and re.fullmatch(_ISO, text) else None


class Relation(NamedTuple):
    """A Thing, of some kind perhaps. Which one a name means, and whether it is of that kind, the rules look up."""

    to: str = ""

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"the name of a {self.to}" if self.to else "the name of a Thing"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        if value.type == "relation":
            return value
        return Value("relation", value.text) if value.type in ("string", "integer") and value.text else None


class Boolean:
    """True or false, as spreadsheets (`TRUE`), YAML (`yes`, `on`) and programs (`1`) write it."""

    expects = "true or false"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        word = value.text.strip().lower()
        if value.type not in ("boolean", "string", "integer") or word not in _TRUE | _FALSE:
            return None
        return Value("boolean", "true" if word in _TRUE else "false")


class Integer(NamedTuple):
    """A whole number within bounds, both of them allowed."""

    low: int
    high: int

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"a whole number from {self.low} to {self.high}"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        text = value.text.strip()
        if value.type not in ("integer", "string") or not text.isascii() or not text.isdecimal() or len(text) > 18:
            return None
        return Value("integer", str(int(text))) if self.low <= int(text) <= self.high else None


class RackUnits:
    """A height in rack units of 44.45 mm (EIA-310), in halves: 1, 2.5, 2U."""

    expects = "a number of rack units, in halves: 1, 2.5 or 2U"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        text = value.text.strip().removesuffix("U").removesuffix("u").rstrip()
        whole, point, half = text.partition(".")
        if value.type not in ("integer", "float", "string") or not whole.isascii() or not whole.isdecimal():
            return None
        if len(whole) > 3 or (point and half not in ("0", "5")):
            return None
        return Value("float", f"{int(whole)}.5") if half == "5" else Value("integer", str(int(whole)))


class Mac:
    """A MAC address in any of the usual spellings, twelve digits without marks included; kept with colons."""

    expects = "a MAC address: 52:54:00:12:34:56"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        digits = addresses.parse_mac(value.text.strip(), bare=True)
        if value.type not in ("string", "integer") or digits is None:
            return None
        return Value("string", addresses.mac_spellings(digits)[0])


class Block:
    """An IP block whose address is its first one."""

    expects = "a block of addresses by its first one: 10.2.0.0/24 or 2001:db8::/64"

    def read(self, value: Value) -> Value | None:
        """See Grammar. Raises Malformed for the address of a host in a block, naming the block."""
        from ipaddress import ip_interface

        try:
            found = ip_interface(value.text.strip())
        except ValueError:
            return None
        if "/" not in value.text or value.type != "string":
            return None
        if found.ip != found.network.network_address:
            raise Malformed(f"{value.text} is an address within a block: write {found.network}")
        return string(str(found.network))


class Address:
    """One IP address."""

    expects = "an IP address"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        address = addresses.parse(value.text.strip())
        return None if address is None or value.type != "string" else string(str(address))


class Span:
    """Addresses: one, a block, or from one to another (10.2.1.1-10.2.1.20)."""

    expects = "an address, a block or a span of addresses: 10.2.1.1-10.2.1.20"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        if value.type != "string":
            return None
        low, dash, high = (each.strip() for each in value.text.partition("-"))
        if not dash:
            return Address().read(value) or Block().read(value)
        one, other = addresses.parse(low), addresses.parse(high)
        if one is None or other is None or one.version != other.version or int(one) > int(other):
            return None
        return string(f"{one}-{other}")


class OwnPart(NamedTuple):
    """A part of the Thing itself, or one beside a part, by the name it has there: what parts it can be, by driver."""

    of: tuple[str, ...]

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"the name of one of its own parts ({' or '.join(self.of)})"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        return value if value.type == "relation" else None

"""What the values under a key may be: grammars that read what people, spreadsheets and tools write.

A grammar takes a value of any type and gives it in the one form that the store keeps. It raises Malformed, saying what
is expected, for what it cannot read without guessing.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.attributes import Value, string

_TRUE = frozenset(("true", "yes", "on", "1"))
_FALSE = frozenset(("false", "no", "off", "0"))


class Grammar(Protocol):
    """One form of values."""

    @property
    def expects(self) -> str:
        """What is read, as the end of a sentence: `true or false`."""
        ...

    def read(self, value: Value) -> Value | None:
        """The value as it is kept; None for what it cannot be."""
        ...


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


class Choice(NamedTuple):
    """One of a few words, in whatever case they are written."""

    words: tuple[str, ...]

    @property
    def expects(self) -> str:
        """See Grammar."""
        return f"one of {', '.join(self.words)}"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        word = value.text.strip().lower()
        return string(word) if value.type == "string" and word in self.words else None


class Reference:
    """Another Thing or part."""

    expects = "a Thing or a part: @switch1:49"

    def read(self, value: Value) -> Value | None:
        """See Grammar."""
        return value if value.type == "relation" else None

"""A family of PDUs as data: which variables say what an outlet does, and which switch it.

A profile is a TOML file of `profiles/power/`; docs/pdu-profiles.md describes every key. Loading checks all of it, so
that a slip in a profile is an error that names the file and the key, and never a wrong outlet.
"""

from __future__ import annotations

import functools
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from clusto_cli.backends.base import Concern, Relay
from clusto_cli.backends.power.loadprofile import LoadTable, parse_loads
from clusto_cli.backends.power.template import OidTemplate, TemplateError
from clusto_cli.backends.snmp import Oid, Tag, Value, parse_oid

_LONGEST_DELAY = 86_400.0
TYPES = {"integer": Tag.INTEGER, "gauge": Tag.GAUGE32, "string": Tag.OCTET_STRING}


class ProfileError(ValueError):
    """A profile that cannot be used: which, where, and what is wrong."""


class Meaning(NamedTuple):
    """What one code stands for: a state of the relay, a concern with its text, both, or (a plain `ok`) neither."""

    relay: Relay | None = None
    concern: Concern | None = None
    text: str = ""

    @classmethod
    def parse(cls, words: str) -> Meaning:
        """`on`, `changing`, `lock: locked by the PDU`, `off, fault: tripped`, `ok`; ValueError for anything else."""
        relay: Relay | None = None
        rest = words.strip()
        head, _, tail = rest.partition(",")
        if head.strip() in set(Relay):
            relay, rest = Relay(head.strip()), tail.strip()
        if not rest or rest == "ok":
            return cls(relay)
        kind, colon, text = rest.partition(":")
        if not colon or kind.strip() not in set(Concern) or not text.strip():
            raise ValueError(f"{words!r} is neither a state, nor ok, nor lock/bar/fault and a text")
        return cls(relay, Concern(kind.strip()), text.strip())


class Column(NamedTuple):
    """One variable of each outlet. With `separator` one string holds the values of all outlets of a unit."""

    oid: OidTemplate
    codes: Mapping[str, Meaning] = MappingProxyType({})
    otherwise: Meaning | None = None
    separator: str | None = None
    bit: int | None = None

    def meaning(self, value: Value, position: int | None) -> Meaning | None:
        """What a value says; None when the variable is absent or its code is not in the profile."""
        text = self.text(value, position)
        if text is None:
            return None
        return self.codes.get(text, self.otherwise)

    def text(self, value: Value, position: int | None) -> str | None:
        """The value of the outlet at `position`, counted from 1, as text."""
        if value is None:
            return None
        if self.bit is not None:
            octets = value if isinstance(value, bytes) else b""
            byte, shift = divmod(self.bit, 8)
            return "1" if byte < len(octets) and octets[byte] & 0x80 >> shift else "0"
        if self.separator is None:
            return (value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)).strip()
        parts = self.parts(value)
        return parts[position - 1] if position is not None and 0 < position <= len(parts) else None

    def parts(self, value: Value) -> list[str]:
        """The values of all outlets that one string holds."""
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value or "")
        separator = self.separator or ","
        return [part.strip() for part in text.split(None if separator.isspace() else separator)]


class Command(NamedTuple):
    """How an outlet is switched: for each of on and off a variable and the value to write."""

    on: tuple[OidTemplate, int | str]
    off: tuple[OidTemplate, int | str]
    tag: Tag = Tag.INTEGER
    separator: str | None = None
    unlock: tuple[OidTemplate, int] | None = None
    one_by_one: bool = False
    settle: float = 10.0
    """Seconds within which the relay shows the change when the device adds no delay of its own."""


class Delay(NamedTuple):
    """A delay that the device adds by itself before it turns an outlet on or off.

    With `each` it comes between two outlets, so that the delays of all that are told add up for the last; else it
    concerns its own outlet. `never` is the value by which the device does not turn the outlet at all.
    """

    oid: OidTemplate
    scale: float
    never: int | None
    each: bool

    def seconds(self, value: Value) -> float:
        """The delay that a value of the variable says, a day at most: 0 when the device lacks it, or by it never turns
        the outlet.
        """
        if not isinstance(value, int) or value == self.never:
            return 0.0
        return min(max(value, 0) * self.scale, _LONGEST_DELAY)


class Rows(NamedTuple):
    """A flat table over chained units, whose rows say which unit and which outlet of it they are."""

    unit: OidTemplate
    number: OidTemplate


class Named(NamedTuple):
    """A table of variables of all kinds, in which the device's own name for each says what it is.

    A row is an outlet where its name in the column `oid` is wholly `outlet`, whose group is the number; `label` is the
    name of the row that holds the outlet's label, likewise. The first number of a row is the unit.
    """

    oid: OidTemplate
    outlet: re.Pattern[str]
    label: re.Pattern[str] | None


@dataclass(frozen=True, slots=True)
class Profile:
    """One family. Exactly one of `index`, `rows`, `search` and `named` says how outlets become rows."""

    name: str
    vendor: str
    family: str
    mib: str
    sources: tuple[str, ...]
    sysobjectids: tuple[Oid, ...]
    priority: int
    model: bool
    table: Oid
    probe: tuple[Oid, str] | None
    index: OidTemplate | None
    rows: Rows | None
    search: bool
    named: Named | None
    unit: int
    count: OidTemplate | None
    outlet_id: OidTemplate | None
    label: Column | None
    state: Column
    signs: tuple[Column, ...]
    """Columns beside the state whose codes say pending, locked, not switchable or broken."""
    command: Command
    delays: Mapping[bool, Delay]
    """By direction: before an outlet is turned on (True), or off."""
    v1_only: bool
    loads: tuple[LoadTable, ...] = ()
    """What it measures, where that is known."""
    load_source: str = ""
    """Where that is from."""
    unmeasured: str = ""
    """Why nothing that it measures is known."""


_KNOWN = {
    "": {"vendor", "family", "mib", "sources", "recognise", "outlets", "name", "state", "command", "delay"}
    | {"pending", "lock", "switchable", "fault", "version", "load", "load_source", "unmeasured"},
    "recognise": {"sysobjectid", "priority", "model", "table", "probe"},
    "outlets": {"index", "rows", "search", "named", "unit", "count", "id"},
    "named": {"oid", "outlet", "label"},
    "delays": {"on", "off"},
    "delay": {"oid", "unit", "never", "each"},
    "command": {"on", "off", "oid", "type", "separator", "unlock", "one_by_one", "settle"},
}
_SIGNS = ("pending", "lock", "switchable", "fault")


def parse(name: str, text: str) -> Profile:
    """The profile in `text`; ProfileError says what is wrong in it."""
    try:
        return _build(name, tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ProfileError(f"profile {name}: {error}") from None
    except KeyError as error:
        raise ProfileError(f"profile {name}: {error.args[0]} is missing") from None
    except (TemplateError, ValueError, TypeError, AttributeError, re.error) as error:
        raise ProfileError(f"profile {name}: {error}") from None


def directories() -> tuple[str, ...]:
    """Where profiles are, by precedence: the user's own, the machine's, the package's."""
    user = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    places = os.path.join(user, "clusto"), "/etc/clusto", os.path.dirname(os.path.dirname(__file__))
    return tuple(os.path.join(place, "profiles", "power") for place in places)


def names() -> list[str]:
    """The profiles that can be had: the package's and the site's."""
    files = [name for directory in directories() if os.path.isdir(directory) for name in os.listdir(directory)]
    return sorted({name.removesuffix(".toml") for name in files if name.endswith(".toml")})


def load(name: str) -> Profile:
    """The profile of that name, a site's own before the package's; ProfileError when there is none."""
    return _load(name, directories())


@functools.cache
def _load(name: str, places: tuple[str, ...]) -> Profile:
    for directory in places:
        path = os.path.join(directory, f"{name}.toml")
        if "/" not in name and os.path.isfile(path):
            with open(path, encoding="utf-8") as file:
                return parse(name, file.read())
    raise ProfileError(f"no such PDU profile: {name} (`clusto power profiles` lists them)")


def _build(name: str, data: dict[str, Any]) -> Profile:
    _only_known("", data)
    recognise, outlets, delays = data["recognise"], data["outlets"], data.get("delay", {})
    _only_known("recognise", recognise)
    _only_known("outlets", outlets)
    _only_known("delays", delays)
    forms = [form for form in ("index", "rows", "search", "named") if outlets.get(form)]
    if len(forms) != 1:
        raise ValueError("outlets needs exactly one of index, rows, search and named")
    state = _column(data["state"])
    rows = outlets.get("rows")
    signs = [_column(item) for key in _SIGNS for item in _several(data.get(key))]
    if Relay.ON not in {meaning.relay for meaning in state.codes.values()}:
        raise ValueError("state.codes has no code for on")
    if Relay.OFF not in {meaning.relay for meaning in state.codes.values()}:
        raise ValueError("state.codes has no code for off")
    probe = recognise.get("probe")
    return Profile(
        name=name,
        vendor=data["vendor"],
        family=data["family"],
        mib=data["mib"],
        sources=tuple(data["sources"]),
        sysobjectids=tuple(parse_oid(oid) for oid in recognise["sysobjectid"]),
        priority=recognise.get("priority", 0),
        model=recognise.get("model", False),
        table=parse_oid(recognise["table"]) if "table" in recognise else state.oid.fixed,
        probe=(parse_oid(probe["oid"]), probe["starts"]) if probe else None,
        index=OidTemplate(outlets["index"]) if "index" in outlets else None,
        rows=Rows(OidTemplate(rows["unit"]), OidTemplate(rows["number"])) if rows else None,
        search=bool(outlets.get("search")),
        named=_named(outlets["named"]) if "named" in outlets else None,
        unit=outlets.get("unit", 1),
        count=OidTemplate(outlets["count"]) if "count" in outlets else None,
        outlet_id=OidTemplate(outlets["id"]) if "id" in outlets else None,
        label=_column(data["name"]) if "name" in data else None,
        state=state,
        signs=tuple(signs),
        command=_command(data["command"]),
        delays={key == "on": _delay(item) for key, item in delays.items()},
        v1_only=data.get("version") == 1,
        loads=parse_loads(data.get("load", ())),
        load_source=data.get("load_source", ""),
        unmeasured=data.get("unmeasured", "its profile has no [[load]]"),
    )


def _only_known(table: str, data: Mapping[str, Any]) -> None:
    unknown = sorted(set(data) - _KNOWN[table])
    if unknown:
        raise ValueError(f"unknown key {table + '.' if table else ''}{unknown[0]}")


def _several(item: Any) -> list[dict[str, Any]]:
    return [] if item is None else item if isinstance(item, list) else [item]


def _column(item: dict[str, Any]) -> Column:
    unknown = set(item) - {"oid", "codes", "otherwise", "separator", "bit"}
    if unknown:
        raise ValueError(f"unknown key {min(unknown)} beside {item.get('oid')}")
    codes = {str(code): Meaning.parse(words) for code, words in item.get("codes", {}).items()}
    otherwise = Meaning.parse(item["otherwise"]) if "otherwise" in item else None
    return Column(OidTemplate(item["oid"]), codes, otherwise, item.get("separator"), item.get("bit"))


def _named(item: dict[str, Any]) -> Named:
    _only_known("named", item)
    patterns = {key: re.compile(item[key]) for key in ("outlet", "label") if key in item}
    for key, pattern in patterns.items():
        if pattern.groups != 1:
            raise ValueError(f"outlets.named.{key} needs one group, around the number")
    return Named(OidTemplate(item["oid"]), patterns["outlet"], patterns.get("label"))


def _command(item: dict[str, Any]) -> Command:
    _only_known("command", item)

    def verb(key: str) -> tuple[OidTemplate, int | str]:
        found = item[key]
        if isinstance(found, dict):
            return OidTemplate(found["oid"]), found["value"]
        return OidTemplate(item["oid"]), found

    unlock = item.get("unlock")
    return Command(
        on=verb("on"),
        off=verb("off"),
        tag=TYPES[item.get("type", "integer")],
        separator=item.get("separator"),
        unlock=(OidTemplate(unlock["oid"]), unlock["value"]) if unlock else None,
        one_by_one=item.get("one_by_one", False),
        settle=float(item.get("settle", 10)),
    )


def _delay(item: dict[str, Any]) -> Delay:
    _only_known("delay", item)
    scale = {"s": 1.0, "ms": 0.001}[item.get("unit", "s")]
    return Delay(OidTemplate(item["oid"]), scale, item.get("never"), item.get("each", False))

"""The transfer object: what a file says of one Thing, read from the plain data that YAML and JSON give, and back.

{"name": "server1", "driver": "Server", "type": "dell/poweredge-r650", "in": ["web-pool"], "at": "rack101:RU13",
 "attrs": {"status": "unallocated", "tag": ["x", "y"], "bought": {"time": "2026-01-01"}}, "parts": {"nic": 4},
 "ip": [{"eth0": ["10.0.0.1"]}], "connect": {"eth0": "switch2a:4"},
 "part_attrs": {"eth0": {"mac": "52:54:00:00:00:01"}}}
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from clusto_core.drivers import Part, registry
from clusto_core.drivers.resources import DeviceType, Policy, Query, SiteKey
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model import addresses, mounting, reserved
from clusto_core.model.attributes import (
    IN,
    IP,
    NEXT_NUMBER,
    Key,
    Value,
    from_python,
    instant,
    key_text,
    string,
    structure,
)
from clusto_core.model.names import MalformedName, check_name, composed, split_part
from clusto_core.model.origins import Origin
from clusto_core.rules import kinds
from clusto_core.rules.parts import checked_part_name
from clusto_core.spelling import suggest
from clusto_core.transfer import evidence
from clusto_core.transfer.evidence import Evidence, Path

Values = Mapping[Key, tuple[Value, ...]]
Lines = Mapping[tuple[str, ...], int]

Form = Literal["whole", "same", "gone"]
WHOLE: Form = "whole"
"""All that is to be said of a Thing."""
SAME: Form = "same"
"""The object of a source is as it was when it was read last."""
GONE: Form = "gone"
"""The source has the object no more."""

_NONE: Mapping[Any, Any] = MappingProxyType({})


def _none() -> Mapping[Any, Any]:
    return _NONE


class Problem(NamedTuple):
    """What is wrong, and on which line of the file (from 1)."""

    line: int
    text: str


class Lined(dict[str, Any]):
    """A mapping that knows on which line of the file each of its keys stands."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}


@dataclass(slots=True)
class Document:
    """One object of the transfer format. What a file does not say is empty, and then nothing of that kind changes.

    Relations in `attrs` and `part_attrs` have the name of a Thing as text and no id. `addresses` are by the name of the
    part that holds them, "" for the Thing itself. `columns` are a spreadsheet's cells under headers that may be names
    of parts or keys of attributes: which, shows when the parts of the Thing are known. `notes` are for the operator.

    What a source yields besides (`sources.protocol`): `origin` is its own identity of the Thing, `part_origins` those
    of parts, by their names. `called` is what it calls the Thing, where `name` is another one because that one could
    not be a name, or not the only one. `stamp` is short text that is another one whenever the object is (a time of
    change, a digest), empty where clusto is to work that out. `if_there`: another source keeps the Thing, and where it
    is not in the inventory nothing is to be said of it.

    What spreadsheets leave open: `new_driver` and `new_parts` count where the Thing is new, and the file does not say
    them itself. `implied`: the file names the Thing and does not speak of it, so that it is made only where that is
    wanted.

    `evidence`: the object is a proposal, and never overwrites anything (`proposed`); each has a path of this object.
    `digest` tells the object from any that says otherwise, where the format has a quick one (see `packing.digest`).
    """

    name: str
    file: str
    line: int
    driver: str = ""
    type: str = ""
    parents: tuple[str, ...] = ()
    at: str = ""
    attrs: Values = field(default_factory=_none)
    parts: Mapping[str, int | tuple[str, ...]] = field(default_factory=_none)
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=_none)
    connect: Mapping[str, str] = field(default_factory=_none)
    part_attrs: Mapping[str, Values] = field(default_factory=_none)
    columns: Mapping[str, tuple[Value, ...]] = field(default_factory=_none)
    lines: Lines = field(default_factory=_none)
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
    origin: Origin | None = None
    part_origins: Mapping[str, Origin] = field(default_factory=_none)
    called: str = ""
    stamp: str = ""
    form: Form = WHOLE
    if_there: bool = False
    new_driver: str = ""
    new_parts: Mapping[str, int | tuple[str, ...]] = field(default_factory=_none)
    implied: bool = False
    evidence: tuple[Evidence, ...] = ()
    digest: int = 0

    @property
    def parts_when_new(self) -> Mapping[str, int | tuple[str, ...]]:
        """The parts that are said for a Thing that is new."""
        return {**self.new_parts, **self.parts} if self.new_parts else self.parts

    def joined(self) -> set[str]:
        """The names of whole Things that it says are joined to each other: its own, and those of its cables and of its
        rack; of columns, whatever stands in them."""
        names = {self.name, self.at.partition(":")[0]}
        names.update([far.partition(":")[0] for far in self.connect.values()])
        for cells in self.columns.values():
            names.update([split_part(each.text)[0] for each in cells])
        names.discard("")
        return names

    def named(self) -> set[str]:
        """The names of all whole Things that it speaks of."""
        names = self.joined()
        names.update(self.parents)
        names.add(self.type)
        for found in (self.attrs, *self.part_attrs.values()):
            for given in found.values():
                names.update([split_part(each.text)[0] for each in given if each.type == "relation"])
        names.discard("")
        return names

    def line_of(self, *path: str) -> int:
        """The line that says this: `line_of("connect", "eth0")`; the line of the Thing where none is known."""
        while path:
            if path in self.lines:
                return self.lines[path]
            path = path[:-1]
        return self.line


def broken(file: str, line: int, text: str, name: str = "") -> Document:
    """An object that cannot be read at all."""
    return Document(name, file, line, problems=(Problem(line, text),))


# --- from plain data -------------------------------------------------------------------------------------------------


def parse(data: object, file: str, line: int) -> Document:
    """The Document for a transfer object as JSON and YAML give it; all that is wrong is in its `problems`."""
    if not isinstance(data, dict):
        return broken(file, line, f"expected an object with the name of a Thing, found {_what(data)}")
    document = Document("", file, line)
    problems = _Problems(line)
    if isinstance(data, Lined):
        document.lines = problems.lines = {}
        problems.note(data)
    for key, content in data.items():
        read = _FIELDS.get(key)
        if read is None:
            guess = did_you_mean(suggest(str(key), _FIELDS))
            problems.add(f"unknown key: {str(key)[:60]!a}{guess} (known: {', '.join(_FIELDS)})", str(key))
            continue
        try:
            read(document, content, problems)
        except Malformed as error:
            problems.add(f"{key}: {error}", key)
    _check_name(document, data, problems)
    _check_evidence(document, problems)
    document.problems = tuple(problems.found)
    return document


class _Problems:
    """Collects what is wrong with one object, each with its line."""

    def __init__(self, line: int) -> None:
        self.line = line
        self.found: list[Problem] = []
        self.lines: dict[tuple[str, ...], int] | None = None

    def add(self, text: str, *path: str) -> None:
        line = self.line
        while self.lines and path:
            if path in self.lines:
                line = self.lines[path]
                break
            path = path[:-1]
        self.found.append(Problem(line, text))

    def note(self, mapping: object, *path: str) -> None:
        if self.lines is not None and isinstance(mapping, Lined):
            for key, line in mapping.lines.items():
                self.lines[(*path, key)] = line


def _what(data: object) -> str:
    if data is None:
        return "nothing"
    names = {dict: "a mapping", list: "a list", str: "text", bool: "a boolean", int: "a number", float: "a number"}
    for kind, name in names.items():
        if isinstance(data, kind):
            return name
    return type(data).__name__


_DESCRIBING = {kind.__name__: kind for kind in (Policy, Query, SiteKey)}
"""Kinds of Things with names of their own form, by the names of their drivers."""


def _check_name(document: Document, data: Mapping[str, Any], problems: _Problems) -> None:
    if not document.name:
        if "name" not in data:
            problems.add("a Thing needs a name")
        return
    try:
        if (kind := _DESCRIBING.get(document.driver)) is not None:
            kinds.checked_name(document.name, kind)
        elif document.driver == DeviceType.__name__ or (not document.driver and "/" in document.name):
            kinds.checked_type(document.name)
        elif ":" in document.name:
            raise Malformed(
                f"{document.name[:60]!a} is a part: say it under parts, connect and part_attrs of its owner"
            )
        else:
            kinds.checked_name(document.name)
    except Malformed as error:
        problems.add(str(error), "name")
        document.name = ""


def _check_evidence(document: Document, problems: _Problems) -> None:
    if not document.evidence:
        return
    said = set(said_by(document))
    for path in (each.path for each in document.evidence if each.path not in said):
        problems.add(f"evidence: the object says nothing of {' '.join(path)[:80]!a}", "evidence")


def said_by(document: Document) -> Iterator[Path]:
    """The paths of all that an object says, as evidence names them."""
    whole: dict[str, object] = {"driver": document.driver, "type": document.type, "in": document.parents}
    whole |= {"at": document.at, "parts": document.parts, "ip": document.addresses}
    yield from ((field,) for field, content in whole.items() if content)
    yield from (("attrs", str(key)) for key in document.attrs)
    yield from (("connect", part) for part in document.connect)
    yield from (("part_attrs", part, str(key)) for part, found in document.part_attrs.items() for key in found)


def _text(content: object) -> str:
    if not isinstance(content, str) or not content:
        hint = " (quote it)" if isinstance(content, int | float) else ""
        raise Malformed(
            f"expected text, found {_what(content)}{hint}" if content != "" else "expected text, found none"
        )
    return composed(content)


def _texts(content: object) -> tuple[str, ...]:
    return tuple(_text(each) for each in content) if isinstance(content, list) else (_text(content),)


def _mapping(content: object) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise Malformed(f"expected a mapping, found {_what(content)}")
    return content


@lru_cache(1000)
def driver_name(text: str) -> str:
    """The name of a driver of whole Things as the store has it. Raises Malformed."""
    driver = registry.get(text)
    if issubclass(driver, Part):
        raise Malformed(f"a {driver.__name__} is a part: say it under parts of its owner")
    return driver.__name__


def _read_name(document: Document, content: object, problems: _Problems) -> None:
    document.name = _text(content)


def _read_driver(document: Document, content: object, problems: _Problems) -> None:
    document.driver = driver_name(_text(content))


def _read_type(document: Document, content: object, problems: _Problems) -> None:
    document.type = kinds.checked_type(_text(content))


def _read_in(document: Document, content: object, problems: _Problems) -> None:
    document.parents = _texts(content)
    for name in document.parents:
        if ":" in name:
            raise Malformed(f"{name[:60]!a} is a part: only whole Things are put in each other")


def _read_at(document: Document, content: object, problems: _Problems) -> None:
    document.at = _text(content)
    if mounting.parse_span(document.at) is None:
        raise Malformed(f"malformed position: {document.at[:60]!a} (write RACK:RU13, RACK:RU13-14, RACK:RU13.5/rear)")


def _read_attrs(document: Document, content: object, problems: _Problems) -> None:
    document.attrs = _values(content, problems, "attrs")


def _read_parts(document: Document, content: object, problems: _Problems) -> None:
    found: dict[str, int | tuple[str, ...]] = {}
    problems.note(content, "parts")
    for kind, wanted in _mapping(content).items():
        if isinstance(wanted, int) and not isinstance(wanted, bool):
            found[kind] = wanted
            continue
        try:
            found[kind] = tuple(map(checked_part_name, _texts(wanted)))
        except Malformed as error:
            problems.add(f"parts: {kind}: {error} (write a count or a list of names)", "parts", kind)
    document.parts = found


def _read_connect(document: Document, content: object, problems: _Problems) -> None:
    found: dict[str, str] = {}
    problems.note(content, "connect")
    for part, far in _mapping(content).items():
        try:
            found[_checked_part(part)] = _checked_end(_text(far))
        except (Malformed, MalformedName) as error:
            problems.add(f"connect: {part}: {error}", "connect", part)
    document.connect = found


@lru_cache(10_000)
def _checked_part(name: str) -> str:
    return checked_part_name(name)


@lru_cache(10_000)
def _check_owner(name: str) -> None:
    check_name(name)


def _checked_end(text: str) -> str:
    owner, part = split_part(text)
    _check_owner(owner)
    if part is not None:
        _checked_part(part)
    return text


def _read_part_attrs(document: Document, content: object, problems: _Problems) -> None:
    found: dict[str, Values] = {}
    problems.note(content, "part_attrs")
    for part, attributes in _mapping(content).items():
        try:
            found[_checked_part(part)] = _values(attributes, problems, "part_attrs", part)
        except Malformed as error:
            problems.add(f"part_attrs: {part}: {error}", "part_attrs", part)
    document.part_attrs = found


def _read_ip(document: Document, content: object, problems: _Problems) -> None:
    found: dict[str, list[str]] = {}
    for item in content if isinstance(content, list) else [content]:
        if isinstance(item, dict):
            problems.note(item, "ip")
            for part, texts in item.items():
                found.setdefault(_checked_part(part), []).extend(map(addresses.spelled, _texts(texts)))
        else:
            found.setdefault("", []).append(addresses.spelled(_text(item)))
    if content == []:
        found[""] = []
    document.addresses = {part: tuple(dict.fromkeys(held)) for part, held in found.items()}


def _read_id(document: Document, content: object, problems: _Problems) -> None:
    document.origin = Origin("thing", _identity(content))


def _read_part_ids(document: Document, content: object, problems: _Problems) -> None:
    document.part_origins = {
        _checked_part(part): Origin("part", _identity(each)) for part, each in _mapping(content).items()
    }


def _read_evidence(document: Document, content: object, problems: _Problems) -> None:
    document.evidence = tuple(evidence.read(content))


def _identity(content: object) -> str:
    """What a source knows an object by; a number is as good as text."""
    return str(content) if isinstance(content, int) and not isinstance(content, bool) else _text(content)


_FIELDS: dict[str, Callable[[Document, object, _Problems], None]] = {
    "name": _read_name,
    "id": _read_id,
    "part_ids": _read_part_ids,
    "driver": _read_driver,
    "type": _read_type,
    "in": _read_in,
    "at": _read_at,
    "attrs": _read_attrs,
    "parts": _read_parts,
    "ip": _read_ip,
    "connect": _read_connect,
    "part_attrs": _read_part_attrs,
    "evidence": _read_evidence,
}


# --- values ----------------------------------------------------------------------------------------------------------


@lru_cache(10_000)
def attribute_key(text: str) -> Key:
    """A key that a file gives values to; other reserved keys than these two are taken as an export wrote them.

    Raises Malformed.
    """
    return _checked_key(Key.parse(text), text)


@lru_cache(10_000)
def written_key(text: str) -> Key:
    """As `attribute_key`, and `disk#+.serial`, which stands for the next number of a table."""
    return _checked_key(Key.written(text), text)


def _checked_key(key: Key, text: str) -> Key:
    if (instead := {IN: "in", IP: "ip"}.get(key.key)) is not None:
        raise Malformed(f"the key {text} is reserved (say it under {instead})")
    if key.reserved:
        reserved.type_of(key)
    return key


def _values(content: object, problems: _Problems, *path: str) -> Values:
    found: dict[Key, tuple[Value, ...]] = {}
    problems.note(content, *path)
    for text, given in _mapping(content).items():
        try:
            key = written_key(text)
            if type(given) is str:
                found[key] = (string(given),)
            elif type(given) is list:
                values = map(value, given)
                # Those of a table are of two numbers where they are equal.
                found[key] = tuple(values if key.number == NEXT_NUMBER else dict.fromkeys(values))
            else:
                found[key] = (value(given),)
        except Malformed as error:
            problems.add(f"{': '.join((*path, str(text)[:60]))}: {error}", *path, text)
    return found


def value(data: object) -> Value:
    """The value for a plain one, or for an object with a tag: {"ref": NAME}, {"time": TEXT}, {"json": ...}.

    Raises Malformed.
    """
    if isinstance(data, dict):
        if len(data) == 1:
            ((tag, content),) = data.items()
            if tag == "ref":
                return Value("relation", _text(content))
            if tag == "time":
                moment = instant(content) if isinstance(content, str) else from_python(content)
                if moment.type != "datetime":
                    raise Malformed(f"not a date or time: {moment.text[:60]!a}")
                return moment
            if tag == "json":
                return structure(content)
        raise Malformed('a value that is an object is {"ref": NAME}, {"time": TEXT} or {"json": ...}')
    if data is None:
        raise Malformed("no value is given (write [] to take all values out)")
    if isinstance(data, list):
        raise Malformed('a list in a list (write {"json": [...]} for a value that is a list)')
    return from_python(data)


# --- to plain data ---------------------------------------------------------------------------------------------------


def plain(document: Document, convert: Callable[[Value], object]) -> dict[str, Any]:
    """The transfer object for a Document, keys in the one order in which they are written; `convert` writes a value."""
    data: dict[str, Any] = {"name": document.name}
    if document.driver:
        data["driver"] = document.driver
    if document.type:
        data["type"] = document.type
    if document.parents:
        data["in"] = list(document.parents)
    if document.at:
        data["at"] = document.at
    if document.attrs:
        data["attrs"] = _plain_values(document.attrs, convert)
    if document.parts:
        data["parts"] = {
            kind: wanted if isinstance(wanted, int) else list(wanted) for kind, wanted in document.parts.items()
        }
    if document.addresses:
        held: list[object] = [*document.addresses.get("", ())]
        of_parts = {part: list(texts) for part, texts in document.addresses.items() if part}
        data["ip"] = [*held, of_parts] if of_parts else held
    if document.connect:
        data["connect"] = dict(document.connect)
    if document.part_attrs:
        data["part_attrs"] = {part: _plain_values(found, convert) for part, found in document.part_attrs.items()}
    if document.evidence:
        data["evidence"] = evidence.plain(document.evidence)
    return data


def _plain_values(values: Values, convert: Callable[[Value], object]) -> dict[str, object]:
    return {
        key_text(key): convert(found[0]) if len(found) == 1 else [convert(each) for each in found]
        for key, found in values.items()
    }


_BEYOND = re.compile("[\x7f-\U0010ffff]")


def escaped(text: str, *, pairs: bool = True) -> str:
    """JSON, or YAML in double quotes, without characters that steer a terminal or hide what stands there: all that
    Unicode has not as printable. JSON spells what is beyond U+FFFF as a pair of surrogates, YAML does not.
    """
    if text.isascii() and "\x7f" not in text:
        return text

    def spelled(match: re.Match[str]) -> str:
        if match[0].isprintable():
            return match[0]
        code = ord(match[0])
        if code < 0x10000:
            return f"\\u{code:04x}"
        high, low = divmod(code - 0x10000, 0x400)
        return f"\\u{0xD800 + high:04x}\\u{0xDC00 + low:04x}" if pairs else f"\\U{code:08x}"

    return _BEYOND.sub(spelled, text)


def hides(text: str) -> bool:
    """Whether a text has such characters beyond ASCII, which JSON and YAML would not escape by themselves."""
    return not text.isprintable() and any(not each.isprintable() for each in _BEYOND.findall(text))


def tagged(found: Value) -> object:
    """A value as JSON has it: plain, or an object with a tag for what JSON has no type for."""
    if found.type == "string":
        return found.text
    if found.type == "relation":
        return {"ref": found.text}
    if found.type == "datetime":
        return {"time": found.text}
    if found.type == "json":
        return {"json": found.python()}
    return found.python()

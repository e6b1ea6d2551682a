"""YAML: a list of transfer objects under `things:`, for people.

What stands there unquoted means what it means on the command line: `5` is a number, `true` a boolean, a date a date,
and `007`, `1.10`, `on`, `no` and a MAC address are text, which YAML 1.1 takes for something else. Quoted, everything
is text. Things are read one at a time, so that a file may be large.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import Any, TextIO

import yaml
from yaml import (
    AliasEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    Node,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Value, infer, instant, string
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document, Lined, Problem, broken, escaped, hides, parse, plain, tagged
from clusto_core.transfer.exporter import begun, documents
from clusto_core.transfer.leaving import SAFE, Leaving
from clusto_core.transfer.quickyaml import WIDTH, Elaborate, Quick

LIMIT = 1_000_000
"""The most values that one Thing may have once its aliases are written out."""
DEPTH = 100
"""How deep values may be nested."""

_STANDARD = "tag:yaml.org,2002:"
_LONG_INTEGER = re.compile("-?[1-9][0-9]{18,999}").fullmatch
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]").search
_NOTHING = ("", "~", "null")
# libyaml's parser and emitter where PyYAML was built with them: ten times as fast.
_Parser: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BaseDumper: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


class _WrongError(Exception):
    """What one Thing says cannot be read; the next one can."""

    def __init__(self, line: int, text: str) -> None:
        self.line = line
        super().__init__(text)


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The Documents of a file. After what is no YAML at all nothing more is read."""
    events = _Events()
    try:
        events.open(file)
        yield from _documents(events, name)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        yield broken(name, line, f"not YAML: {error.problem or error.context or 'it cannot be read'}")
    except yaml.YAMLError as error:
        text = str(error).partition("\n")[0]
        yield broken(name, _first_unreadable(file) or events.line, f"not YAML: {text}")
    except UnicodeError:
        yield broken(name, _first_unreadable(file) or events.line, "not YAML: the text is not UTF-8")
    except _WrongError as error:
        yield broken(name, error.line, str(error))


def _line(event: Event) -> int:
    return event.start_mark.line + 1 if event.start_mark else 1


def _first_unreadable(file: TextIO) -> int | None:
    """The line of the first character that no YAML may hold: the parser, which reads ahead, does not tell it."""
    if file.seekable():
        file.seek(0)
        return next((number for number, line in enumerate(file, 1) if _UNREADABLE(line)), None)
    return None


class _Events:
    """The parser's events, one ahead."""

    def __init__(self) -> None:
        self.parser: Any = None
        self.line = 1

    def open(self, file: TextIO) -> None:
        """Begins with a file."""
        self.parser = _Parser(file)

    def next(self) -> Event:
        event: Event = self.parser.get_event()
        self.line = _line(event)
        return event

    def ends(self, event: type[Event]) -> bool:
        """Whether the next event is of that type; if so, it is passed."""
        if self.parser.check_event(event):
            self.next()
            return True
        return False


def _documents(events: _Events, name: str) -> Iterator[Document]:
    events.next()
    while not events.ends(StreamEndEvent):
        events.next()
        event = events.next()
        if isinstance(event, SequenceStartEvent):
            yield from _things(events, name)
        elif isinstance(event, MappingStartEvent):
            seen: set[str] = set()
            while not events.ends(MappingEndEvent):
                key = events.next()
                text = key.value if isinstance(key, ScalarEvent) else ""
                line = _line(key)
                if text in seen:
                    raise _WrongError(line, f"the key {text[:60]!a} is there twice")
                seen.add(text)
                if text != "things":
                    raise _WrongError(line, f"unknown key: {text[:60]!a} (Things are a list under things:)")
                event = events.next()
                if isinstance(event, SequenceStartEvent):
                    yield from _things(events, name)
                elif not (isinstance(event, ScalarEvent) and event.value in _NOTHING):
                    raise _WrongError(line, "things: expected a list")
        elif not (isinstance(event, ScalarEvent) and event.value in _NOTHING):
            raise _WrongError(_line(event), "expected a list of Things under things:")
        events.next()


def _things(events: _Events, name: str) -> Iterator[Document]:
    builder = _Builder(events)
    while not events.ends(SequenceEndEvent):
        event = events.next()
        line = _line(event)
        builder.problems = []
        data = builder.build(event, 0)[0]
        if builder.problems:
            known = data.get("name") if isinstance(data, dict) else None
            document = broken(name, line, "", known if isinstance(known, str) else "")
            document.problems = tuple(builder.problems)
            yield document
        else:
            yield parse(data, name, line)


class _Builder:
    """Makes plain data from events. Aliases share what they name, and count in full towards the limit."""

    def __init__(self, events: _Events) -> None:
        self.events = events
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.problems: list[Problem] = []

    def build(self, event: Event, depth: int) -> tuple[Any, int]:
        """The data that begins with an event, and how many values it has."""
        line = _line(event)
        if depth > DEPTH:
            raise _WrongError(line, f"values are nested more than {DEPTH} deep")
        if isinstance(event, AliasEvent):
            if event.anchor not in self.anchors:
                raise _WrongError(line, f"no such anchor before: {str(event.anchor)[:60]!a}")
            return self.anchors[event.anchor]
        if isinstance(event, ScalarEvent):
            built: tuple[Any, int] = (self._scalar(event, line), 1)
        elif isinstance(event, SequenceStartEvent):
            built = self._sequence(depth)
        else:
            built = self._mapping(depth)
        if built[1] > LIMIT:
            raise _WrongError(line, f"more than {LIMIT:,} values, with its aliases written out")
        if (anchor := getattr(event, "anchor", None)) is not None:
            self.anchors[anchor] = built
        return built

    def _sequence(self, depth: int) -> tuple[Any, int]:
        found = []
        size = 1
        while not self.events.ends(SequenceEndEvent):
            data, count = self.build(self.events.next(), depth + 1)
            found.append(data)
            size += count
        return found, size

    def _mapping(self, depth: int) -> tuple[Any, int]:
        found = Lined()
        merged: dict[str, Any] = {}
        size = 1
        while not self.events.ends(MappingEndEvent):
            event = self.events.next()
            line = _line(event)
            if isinstance(event, AliasEvent):
                key, _ = self.build(event, depth + 1)
            elif isinstance(event, ScalarEvent):
                key = event.value
                if event.anchor is not None:
                    self.anchors[event.anchor] = (key, 1)
            else:
                raise _WrongError(line, "a key must be text")
            data, count = self.build(self.events.next(), depth + 1)
            size += count
            if not isinstance(key, str):
                raise _WrongError(line, "a key must be text")
            if key == "<<" and isinstance(event, ScalarEvent) and not event.style:
                for each in reversed(data if isinstance(data, list) else [data]):
                    if not isinstance(each, dict):
                        raise _WrongError(line, "<< takes the keys of a mapping, or of a list of mappings")
                    merged.update(each)
            elif key in found:
                text = f"the key {key[:60]!a} is there twice (first on line {found.lines[key]})"
                self.problems.append(Problem(line, text))
            else:
                found[key] = data
                found.lines[key] = line
        for key, data in merged.items():
            found.setdefault(key, data)
        return found, size

    def _scalar(self, event: Any, line: int) -> object:
        text: str = event.value
        tag = event.tag
        if tag is None or tag == "!":
            if event.style or tag == "!":
                return text
            if text in _NOTHING:
                return None
            if _LONG_INTEGER(text):
                return int(text)
            read: Callable[[str], Value] = infer
        elif (kind := tag.removeprefix(_STANDARD)) in _TAGS:
            read = _TAGS[kind]
        else:
            self.problems.append(Problem(line, f"the tag {tag[:60]} means nothing here"))
            return text
        try:
            found = read(text)
        except (Malformed, ValueError) as error:
            self.problems.append(Problem(line, f"{error}".replace("--string keeps", "quotes keep")))
            return text
        return date.fromisoformat(text) if found.type == "datetime" and len(text) == 10 else found.python()


def _integer(text: str) -> Value:
    return Value("integer", str(int(text)))


def _float(text: str) -> Value:
    return Value("float", repr(float(text)))


def _boolean(text: str) -> Value:
    if text not in ("true", "false"):
        raise Malformed(f"neither true nor false: {text[:60]!a}")
    return Value("boolean", text)


_TAGS: dict[str, Callable[[str], Value]] = {
    "str": string,
    "int": _integer,
    "float": _float,
    "bool": _boolean,
    "timestamp": instant,
}


# --- writing ---------------------------------------------------------------------------------------------------------


class _Dumper(_BaseDumper):  # type: ignore[misc]  # a class of PyYAML, which of two is known when it runs
    """Writes values so that `read` gives them back: what it would infer otherwise is quoted or has a tag."""

    def ignore_aliases(self, data: object) -> bool:
        """Nothing is written as an alias."""
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Node:
        """A mapping, on one line if it is short of structure."""
        return self._styled(super().represent_mapping(tag, mapping, flow_style))

    def represent_sequence(self, tag: str, sequence: Any, flow_style: bool | None = None) -> Node:
        """A list, on one line if it is short of structure."""
        return self._styled(super().represent_sequence(tag, sequence, flow_style))

    def _styled(self, node: Any) -> Node:
        # Between brackets nothing with a colon can be written without quotes: a time could not be told from text.
        scalars = [each for pair in node.value for each in (pair if isinstance(pair, tuple) else (pair,))]
        if node.flow_style and any(":" in each.value for each in scalars):
            node.flow_style = False
        found: Node = node
        return found

    def text(self, data: str) -> Node:
        """A string; PyYAML quotes by itself what YAML 1.1 takes for something else."""
        return self._scalar("str", data, None if _is_text(data) else '"')

    def integer(self, data: int) -> Node:
        """An integer of any size."""
        return self._scalar("int", str(data))

    def float(self, data: float) -> Node:
        """A float, with a tag when its text is not inferred to be one (`1e+16`)."""
        return self._scalar("float", repr(data))

    def instant(self, data: Value) -> Node:
        """A date or time in its one spelling."""
        return self._scalar("timestamp", data.text)

    def _scalar(self, kind: str, text: str, style: str | None = None) -> Node:
        node: Node = self.represent_scalar(_STANDARD + kind, text, style)
        return node


_Dumper.add_representer(str, _Dumper.text)
_Dumper.add_representer(int, _Dumper.integer)
_Dumper.add_representer(float, _Dumper.float)
_Dumper.add_representer(Value, _Dumper.instant)


def _is_text(data: str) -> bool:
    try:
        return data not in _NOTHING and not hides(data) and not _LONG_INTEGER(data) and infer(data).type == "string"
    except Malformed:
        return False


def _written(value: Value) -> object:
    return value if value.type == "datetime" else tagged(value)


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things as a list under `things:`, one at a time."""
    write_documents(documents(reader, things), out)


def write_documents(found: Iterable[Document], out: TextIO) -> None:
    """Writes Documents as a list under `things:`, one at a time."""
    out.write("things:\n")
    quick = Quick(_is_text)
    for document in begun(out, found):
        data = plain(document, _written)
        try:
            out.write(quick.item(data))
        except Elaborate:
            out.write(_elaborate(data))


def _elaborate(data: dict[str, Any]) -> str:
    text = yaml.dump([data], None, _Dumper, default_flow_style=None, sort_keys=False, allow_unicode=True, width=WIDTH)
    return escaped(text, pairs=False)

"""The YAML of a transfer object, letter by letter as PyYAML has it, where its texts need no thought.

PyYAML makes nodes and events of every scalar, and an inventory is millions of short words. What is not plain to see
(control characters, quotes, texts that would be folded, structures) raises Elaborate, and PyYAML writes that object.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import yaml

from clusto_core.model.attributes import Value

WIDTH = 120
"""Where lines are folded."""

_SIMPLE = re.compile(r"[A-Za-z0-9](?:[\w.:/+-]*\w)?(?: [A-Za-z0-9(](?:[\w./+()-]*[\w)])?)*", re.ASCII).fullmatch
_ADDRESS = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}|(?=.*[a-f])(?:[0-9a-f]{2}:){5}[0-9a-f]{2}").fullmatch
_WORDS = frozenset(("yes", "no", "true", "false", "on", "off", "null"))
"""What YAML 1.1, or clusto, takes for something other than text and begins with a letter, in any case."""
_STRUCTURES = frozenset((dict, list))
_KNOWN = 10_000
_RESOLVERS = yaml.SafeDumper.yaml_implicit_resolvers


class Elaborate(Exception):  # nothing is wrong
    """Something in it is for PyYAML to write."""


class Quick:
    """Writes transfer objects; `is_text` says of a text whether reading it unquoted gives that text."""

    def __init__(self, is_text: Callable[[str], bool]) -> None:
        # A few words are said of every Thing, and others of one.
        self._scalar = lru_cache(10_000, typed=True)(_Scalars(is_text))
        self._heads: dict[tuple[str, str], str] = {}

    def item(self, data: dict[str, object]) -> str:
        """An object as an item of a list. Raises Elaborate."""
        flow = self._flow(data, 2)
        return f"- {flow}\n" if flow else "- " + self._block(data, "  ")[2:]

    def _block(self, data: dict[str, object], indent: str) -> str:
        lines = []
        scalar, heads = self._scalar, self._heads
        for key, value in data.items():
            head = heads.get((indent, key)) or self._head(indent, key)
            if type(value) not in _STRUCTURES:
                line = f"{head} {scalar(value)}\n"
                lines.append(line if len(line) <= WIDTH + 1 else _fitting(line))
            elif flow := self._flow(value, len(head) + 1):  # type: ignore[arg-type]
                lines.append(f"{head} {flow}\n")
            elif isinstance(value, dict):
                lines.append(f"{head}\n{self._block(value, indent + '  ')}")
            else:
                lines.append(f"{head}\n{self._items(value, indent)}")  # type: ignore[arg-type]
        return "".join(lines)

    def _head(self, indent: str, key: str) -> str:
        """A key at the beginning of a line; most are those of every Thing."""
        head = f"{indent}{self._scalar(key)}:"
        if len(self._heads) < _KNOWN:
            self._heads[indent, key] = head
        return head

    def _items(self, data: list[object], indent: str) -> str:
        """A list below its key."""
        return "".join(self._below(each, indent) for each in data)

    def _below(self, data: object, indent: str) -> str:
        if type(data) not in _STRUCTURES:
            return _fitting(f"{indent}- {self._scalar(data)}\n")
        if not isinstance(data, dict):
            raise Elaborate
        if flow := self._flow(data, len(indent) + 2):
            return f"{indent}- {flow}\n"
        return f"{indent}- {self._block(data, indent + '  ')[len(indent) + 2 :]}"

    def _flow(self, data: dict[str, object] | list[object], column: int) -> str:
        """A collection on one line, where there are but scalars in it, no quotes are wanted and no time could be
        taken for something else; empty where it is written in lines."""
        if not data:
            raise Elaborate
        scalar = self._scalar
        if type(data) is dict:
            if not _STRUCTURES.isdisjoint(map(type, data.values())) or _has_colon(data.values()):
                return ""
            text = "{" + ", ".join([f"{scalar(key)}: {scalar(each)}" for key, each in data.items()]) + "}"
            if '"' in text or text.count(":") > len(data):
                return ""
        else:
            if not _STRUCTURES.isdisjoint(map(type, data)):
                return ""
            text = f"[{', '.join(map(scalar, data))}]"
            if '"' in text or ":" in text:
                return ""
        if column + len(text) > WIDTH:
            raise Elaborate
        return text


def _has_colon(values: Iterable[object]) -> bool:
    """Whether it shows at once that a collection of texts could be taken for times, without spelling them."""
    try:
        return ":" in "".join(values)  # type: ignore[arg-type]
    except TypeError:
        return False


def _fitting(line: str) -> str:
    """The line itself. Raises Elaborate for one that could be folded."""
    if len(line) > WIDTH + 1:
        raise Elaborate
    return line


class _Scalars:
    """How scalars are spelled."""

    def __init__(self, is_text: Callable[[str], bool]) -> None:
        self._is_text = is_text

    def __call__(self, data: object) -> str:
        if isinstance(data, Value):
            text = data.text
            if len(text) != len("2026-01-31"):
                raise Elaborate
            return text
        if isinstance(data, bool):
            return "true" if data else "false"
        if isinstance(data, int):
            return str(data)
        if not isinstance(data, str) or len(data) > WIDTH or not _SIMPLE(data):
            raise Elaborate
        if data[0].isalpha() and data.lower() not in _WORDS:
            return data
        if _ADDRESS(data):
            return data  # which is neither a number nor a time
        if not self._is_text(data):
            return f'"{data}"'
        return f"'{data}'" if _is_resolved(data) else data


def _is_resolved(text: str) -> bool:
    """Whether YAML 1.1 takes it for something other than text."""
    resolvers = [*_RESOLVERS.get(text[0], ()), *_RESOLVERS.get(None, ())]
    return any(regex.match(text) for _, regex in resolvers)

"""Keys with a meaning: what their values may be, which Things have them, and whether there can be several.

A value is read by the grammar of its key on every way in, so that whoever uses it later need not guess. Each key is
declared in the room that reads it, as plain data (`keys.py` of a wing, of the adapters, of another package under the
entry point group `clusto.keys`), by the same words with which a site declares its own: see `declare`.

The registry is loaded when a value is written or a setting is used; what only looks up places and names does without.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, lru_cache, partial
from importlib import import_module
from typing import Any

from clusto_core.drivers import Category, Driver, registry
from clusto_core.drivers.equipment import PLACES
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.model import grammars
from clusto_core.model.attributes import Key, Value
from clusto_core.model.grammars import Grammar
from clusto_core.model.things import Thing
from clusto_core.secrecy import is_reference, is_secret
from clusto_core.spelling import suggest
from clusto_core.tuples import NamedTuple

Kind = type[Driver]
Kinds = tuple[Kind, ...]
Data = Mapping[str, Any]
"""A declaration as plain data: see `declare`."""

ROOMS = (
    "clusto_core.rules.keys",
    "clusto_core.answers.keys",
    "clusto_core.resources.keys",
    "clusto_core.transfer.keys",
    "clusto_cli.backends.keys",
    "clusto_cli.rebuild.keys",
    "clusto_cli.discovery.keys",
)
"""The modules whose KEYS are known, found by name as plugins are: the core works without those of the command line."""
ENTRY_POINTS = "clusto.keys"


class Declared(NamedTuple):
    """A key: what it means, on which Things it is read so (empty: any), how many values it has.

    unique: no two Things have one value; required: each of these Things has a value; inherited: it is in force for
    what is in a Thing too; writer: who writes it, where that is not anyone; type: the word for its grammar; site:
    declared by the site and not by a program.
    """

    grammar: Grammar
    meaning: str
    on: Kinds = ()
    several: bool = False
    unique: bool = False
    required: bool = False
    inherited: bool = True
    writer: str = ""
    type: str = "any"
    site: bool = False
    cooldown: float = 0
    """How many seconds a number of a table (`KEY#+`) that was taken out is not given again."""

    def fits(self, kind: Kind) -> bool:
        """Whether a Thing of that kind may have it: for itself, or for what is in it."""
        return not self.on or issubclass(kind, self.on) or (self.inherited and issubclass(kind, (Category, *PLACES)))

    def governs(self, key: Key, kind: Kind) -> bool:
        """Whether a value of a Thing of that kind is read so. A word may mean something else on another kind of Thing;
        a setting of a group (`snmp.port`) and a key that the site declared mean the same everywhere; the name of a part
        says nothing of what has no such parts."""
        if self.type == "part":
            return issubclass(kind, self.on)
        return self.site or key.subkey is not None or self.fits(kind)

    @property
    def choices(self) -> list[str]:
        """The values that it is known to take; none where they cannot be listed."""
        if isinstance(self.grammar, grammars.Choice):
            return list(self.grammar.words())
        return ["false", "true"] if isinstance(self.grammar, grammars.Boolean | grammars.Truth) else []


# --- from plain data -------------------------------------------------------------------------------------------------


def _choice(data: Data) -> Grammar:
    words = data.get("choices") or ()
    if not callable(words):
        words = partial(list, words)
    return grammars.Choice(words, bool(data.get("open")))


def _number(data: Data, *, whole: bool = False) -> Grammar:
    return grammars.Number(data.get("unit", ""), data.get("low"), data.get("high"), whole)


TYPES: Mapping[str, Callable[[Data], Grammar]] = {
    "any": lambda data: grammars.Anything(),
    "block": lambda data: grammars.Block(),
    "boolean": lambda data: grammars.Boolean(),
    "choice": _choice,
    "date": lambda data: grammars.Date(),
    "integer": lambda data: _number(data, whole=True),
    "ip": lambda data: grammars.Address(),
    "json": lambda data: grammars.Structure(),
    "mac": lambda data: grammars.Mac(),
    "number": _number,
    "part": lambda data: grammars.OwnPart(tuple(data.get("of") or ())),
    "rackunits": lambda data: grammars.RackUnits(),
    "relation": lambda data: grammars.Relation(data.get("to", "")),
    "span": lambda data: grammars.Span(),
    "text": lambda data: grammars.Text(data.get("regex", "")),
    "truth": lambda data: grammars.Truth(data.get("otherwise", "text")),
    "vlan": lambda data: grammars.Integer(1, 4094),
}
"""The grammars by name. IEEE 802.1Q, 9.6: VLAN 0 is for frames without a VLAN, 4095 is reserved."""
_NAMING = ("part", "relation")
"""The types whose values name Things or parts."""

WORDS: Mapping[str, type] = {
    **dict.fromkeys(("type", "meaning", "writer", "unit", "regex", "to"), str),
    **dict.fromkeys(("many", "unique", "required", "no_inherit", "open", "secret"), bool),
    **dict.fromkeys(("low", "high", "cooldown"), float),
    **dict.fromkeys(("on", "choices", "of"), list),
}
"""What a declaration may say, and what that is."""


def declare(data: Data, *, site: bool = False) -> Declared:
    """A declaration from plain data: `type` and `meaning`; `on` (drivers), `many`, `unique`, `required`, `no_inherit`,
    `writer`, `secret`; of a table `cooldown`, in seconds; of a type `unit`, `low`, `high`, `choices` and `open`,
    `regex`, `to`, `of`. Raises Malformed."""
    type = data.get("type", "any")
    if type not in TYPES:
        meant = did_you_mean(suggest(str(type), TYPES)) or f" (there are {', '.join(sorted(TYPES))})"
        raise Malformed(f"no such type of values: {str(type)[:40]}{meant}")
    return Declared(
        TYPES[type](data),
        data.get("meaning", ""),
        tuple(map(registry.get, data.get("on") or ())),
        bool(data.get("many")),
        bool(data.get("unique")),
        bool(data.get("required")),
        not data.get("no_inherit"),
        data.get("writer", ""),
        type,
        site,
        data.get("cooldown") or 0,
    )


# --- the registry ----------------------------------------------------------------------------------------------------


@cache
def every() -> Mapping[Key, Declared]:
    """All keys that clusto and the installed packages declare, in alphabetical order."""
    return {key: _declared(key) for key in _data()}


@cache
def _data() -> Mapping[Key, Data]:
    """What is declared, as plain data: of the hundreds of keys most commands ask for a few."""
    found: dict[str, Data] = {}
    for room in ROOMS:
        found |= _keys_of(room)
    for keys in _of_packages():
        found |= keys
    return {Key.parse(text): found[text] for text in sorted(found)}


@cache
def _declared(key: Key) -> Declared:
    return declare(_data()[key])


def _keys_of(room: str) -> Mapping[str, Data]:
    try:
        declared: Mapping[str, Data] = import_module(room).KEYS
    except ModuleNotFoundError as error:
        if error.name != room.partition(".")[0]:
            raise
        return {}
    return declared


def _of_packages() -> Iterator[Mapping[str, Data]]:
    from clusto_core.drivers.registry import names_group

    if names_group(ENTRY_POINTS):
        from importlib.metadata import entry_points

        yield from (point.load() for point in entry_points(group=ENTRY_POINTS))


def of(key: Key) -> Declared | None:
    """What is known of a key; None of one that nobody declared."""
    bare = key if key.number is None else Key(key.key, None, key.subkey)
    return _declared(bare) if bare in _data() else None


@cache
def own() -> frozenset[Key]:
    """The keys that are not inherited."""
    return frozenset(key for key, data in _data().items() if data.get("no_inherit"))


@cache
def references() -> Mapping[Key, Declared]:
    """The keys whose values name Things or parts: kept by id, so that they follow a rename."""
    return {key: _declared(key) for key, data in _data().items() if data.get("type") in _NAMING}


def case_clashes(names: Iterable[str]) -> Iterator[str]:
    """What to say of keys that differ from a known one, or from each other, in case alone."""
    known = {str(key).lower(): str(key) for key in _data()}
    for name in sorted(names, reverse=True):
        other = known.setdefault(name.lower(), name)
        if other != name:
            yield f"the key {name} differs from {other} in case alone"


# --- reading values --------------------------------------------------------------------------------------------------


def checked(declared: Declared, thing: Thing, key: Key, values: Iterable[Value]) -> list[Value]:
    """The values as they are kept under a key of a Thing; relations by name alone. Raises Malformed for what the key
    cannot have. A secret that is kept elsewhere is read when it is used."""
    found = []
    grammar = declared.grammar
    for value in values:
        kept = grammar.read(value)
        if kept is None:
            if not (is_reference(value.text) and is_secret(_spelled(key))):
                raise Malformed(wrong(declared, key, thing.name, value))
            kept = value
        found.append(kept)
    return found


def wrong(declared: Declared, key: Key, name: str, value: Value) -> str:
    """What to say of a value that a key cannot have."""
    shown = value.shown(key) if is_secret(_spelled(key)) else value.text[:40]
    return f"{key} of {name} is {declared.grammar.expects}, not {shown!r}"


_spelled = lru_cache(4096)(str)


def text_of(key: str, text: str, whose: str) -> str:
    """A setting's text as its grammar keeps it. Raises Malformed, saying whose it is."""
    declared = of(Key.parse(key))
    if declared is None or is_reference(text):
        return text
    value = Value("string", text)
    found = declared.grammar.read(value)
    if found is None:
        raise Malformed(f"{whose} is {declared.grammar.expects}, not {text[:40]!r}")
    return found.text


def is_true(text: str) -> bool:
    """Whether a stored value says yes, in whatever spelling it came in."""
    found = grammars.Boolean().read(Value("string", text))
    return found is not None and found.text == "true"

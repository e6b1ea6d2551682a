"""What a source is to clusto: something that is read again and again, and knows its objects by an identity of its own.

A module of this package is a type of source, `type = "..."` of a table `[source.NAME]` in the configuration. It has

    SETTINGS: Mapping[str, Setting]                     what else its table may say
    def source(declared: Declared) -> Source            the source that a table means

A source reads everything there is, or what changed since it was read last, and yields Documents:

* a whole one says all that the source knows of a Thing, as `Document(name, ..., origin=..., part_origins=...)`. What it
  said last time and does not say now is taken out; what it never said is none of its business. `whole` is of help.
* `same(origin)`, or the Origin alone, which costs less: the object is there, and is as it was last time.
* `gone(origin)`: the object is not in the source any more. Only of use to one that does not read everything.
* a Document without name and origin carries `notes` for the operator; with `problems`, the source is not to be trusted,
  and nothing of it is taken.

Things are named among each other as in every file: by the names of the Documents. In a reading that is not complete,
names that the source used last time (`last.names`) mean what they meant then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from clusto_core.errors import Malformed, NotFound
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import GONE, SAME, Document, parse

Progress = Callable[[str, int, int], None]
"""Told what is being done, and how much of how much is done; 0 of what is not known."""


def quiet(what: str, done: int, total: int) -> None:
    """Progress that nobody looks at."""


class Last(Protocol):
    """What clusto remembers of a source from when it was last in step with it; all empty the first time."""

    @property
    def state(self) -> str:
        """What the source left in its `state`; empty too when its settings are others now."""

    @property
    def time(self) -> float | None:
        """When it was taken in last, in seconds since 1970, UTC."""

    @property
    def again(self) -> frozenset[Origin]:
        """What was held back: to be yielded whole now, whether it changed in the source or not."""

    @property
    def stamps(self) -> Mapping[Origin, str]:
        """The stamps of the objects that are in step (see `Document.stamp`): where it is what it was, `same` will do.
        Those that were held back, and those that the source has not any more, are not in it."""

    @property
    def names(self) -> Mapping[Origin, str]:
        """What the source's Documents called each object that it had."""


class Source(Protocol):
    """Something to be in step with. `complete` and `state` are asked when all Documents have been read."""

    complete: bool
    """Whether everything was read, so that what was in none of the Documents is not there any more."""
    state: str
    """What the source wants to know next time: a cursor, a time. Kept when the reading was taken in."""

    def read(self, last: Last, progress: Progress) -> Iterator[Document | Origin]:
        """Reads the source. What it raises ends the sync, with nothing written: Refused and NotFound for what is in the
        way, Malformed for what it does not understand."""


class Past(NamedTuple):
    """What a source once was: one entry of its own history.

    source: what changed with it; it is never complete. time: in seconds since 1970, UTC. user: who did it there.
    command: what did it. message: why, as was said there.
    """

    source: Source
    time: float
    user: str
    command: str
    message: str


class Remembering(Source, Protocol):
    """A Source with a history of its own, which is taken over entry by entry before what it is now."""

    def past(self, last: Last, since: float | None) -> Iterator[Past]:
        """What it was, the oldest first, of the entries that were not taken over yet; only of those made after `since`,
        in seconds since 1970, UTC: the newest entry of the inventory's own history, in which times never go back. The
        first one tells also of all that was before it."""


class Setting(NamedTuple):
    """One setting of a type of source.

    kinds: the Python types that its value may have, as TOML gives them. secret: the value is a reference
    (`secret:NAME`, `file:PATH`, `env:NAME`), which `Declared.secret` reads.
    """

    meaning: str
    kinds: tuple[type, ...] = (str,)
    required: bool = False
    secret: bool = False


@dataclass(frozen=True)
class Declared:
    """A source as the configuration declares it.

    file: the configuration file, for messages. settings: what its type has, checked against the module's SETTINGS.
    mapping: keys of attributes that are others in clusto; left out where they are empty. schedule: how often it should
    run, for people and for what starts it.
    """

    name: str
    type: str
    file: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    mapping: Mapping[str, str] = field(default_factory=dict)
    schedule: str = ""

    @property
    def where(self) -> str:
        """Where it is, for people: its address or its file."""
        return self.text("address") or self.text("file")

    def text(self, key: str, default: str = "") -> str:
        """A setting that is text."""
        found = self.settings.get(key, default)
        return found if isinstance(found, str) else default

    def secret(self, key: str, to: str) -> str:
        """What a setting refers to, for the host, or the URL, `to`; empty where the setting is not there.

        Raises Refused where the configuration does not let it be read, or sent there, NotFound where it is not there.
        """
        from clusto_core.boundary import destinations, permissions, references
        from clusto_core.errors import Refused

        written = self.text(key)
        if not written:
            return ""
        what, allowed = f"source.{self.name}.{key}", permissions.in_force()
        networks = references.bound(written, allowed)
        host = destinations.host_in(to)
        if networks is not None and (host is None or not destinations.permitted(host, networks)):
            raise Refused(f"{what} may not be sent to {to[:100]!a}: {allowed.path} binds it to {', '.join(networks)}")
        return references.resolve(written, what, allowed)


def whole(
    data: Mapping[str, Any],
    origin: Origin,
    part_origins: Mapping[str, Origin] | None = None,
    *,
    called: str = "",
    stamp: str = "",
    where: tuple[str, int] = ("", 1),
) -> Document:
    """The Document for a transfer object as plain data; what is wrong with it is in its `problems`. `where` is the file
    and line, or the address, that messages name."""
    document = parse(data, *where)
    document.origin, document.part_origins = origin, part_origins or {}
    document.called, document.stamp = called, stamp
    return document


def same(origin: Origin) -> Document:
    """The object is as it was."""
    return Document("", "", 0, origin=origin, form=SAME)


def gone(origin: Origin) -> Document:
    """The source has the object no more."""
    return Document("", "", 0, origin=origin, form=GONE)


class Type(Protocol):
    """A type of source: a module of this package, or what stands for one."""

    @property
    def SETTINGS(self) -> Mapping[str, Setting]:
        """What its table may say."""

    def source(self, declared: Declared) -> Source:
        """The source that a table means."""


def check(declared: Declared, kind: Type) -> None:
    """Raises Malformed for settings that the type has not, or not so; NotFound for one that is missing."""
    known = kind.SETTINGS
    for key, value in declared.settings.items():
        where = f"{declared.file}: source.{declared.name}.{key}"
        if key not in known:
            from clusto_core.errors import did_you_mean
            from clusto_core.spelling import suggest

            raise Malformed(
                f"{where} is unknown{did_you_mean(suggest(key, known))} (a source of the type {declared.type} has "
                f"{', '.join(sorted(known)) or 'none'})"
            )
        setting = known[key]
        if not isinstance(value, setting.kinds) or (isinstance(value, bool) and bool not in setting.kinds):
            raise Malformed(f"{where} is {' or '.join(map(_noun, setting.kinds))}, not {value!r:.60}")
        if setting.secret:
            from clusto_core.secrecy import is_reference

            if not is_reference(str(value)):
                raise Malformed(f"{where} is a secret: write where it is kept, as secret:{declared.name}")
    for key, setting in known.items():
        if setting.required and key not in declared.settings:
            raise NotFound(f"{declared.file}: source.{declared.name} has no {key} ({setting.meaning})")


_NOUNS = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list", dict: "a table"}


def _noun(kind: type) -> str:
    return _NOUNS.get(kind, kind.__name__)

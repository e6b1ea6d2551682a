"""What is told of keys: on the page docs/keys.md, by `clusto help keys`, and by completion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from clusto_core.model import keys as registry
from clusto_core.model.attributes import Key

if TYPE_CHECKING:
    from clusto_core.drivers import Driver
    from clusto_core.model.keys import Declared

_HEAD = """\
# Keys

The keys of attributes that clusto itself reads, written by `make docs` from where they are declared. A value is read
by what its key says on every way in, in the spellings that people, spreadsheets and tools use, and kept in one; what
cannot be read is refused, with what is expected. Any other key is yours, and its values are what you write, unless you
declare it: [key](verbs/key.md).

A word (`height`) is read so on the kinds of Things that are named, and on what they are in where it is inherited; a
setting of a group (`snmp.port`) is so wherever it is set. *Own*: not inherited. *Secret*: shown as `****`, and best
kept elsewhere ([security](security.md)). A value in another unit is converted: `500ms`, `2min`.
"""
_OWN = "Keys of the site"
_PLAIN = "Keys without a group"
_COLUMNS = ("key", "value", "of", "is")


def groups() -> tuple[str, ...]:
    """The first words of the settings: `snmp`, `power`."""
    return tuple(sorted({key.key for key in registry.every() if key.subkey is not None}))


def meanings() -> dict[str, str]:
    """The keys that clusto reads, each with what it means."""
    return {str(key): each.meaning for key, each in registry.every().items()}


def row(key: Key, each: Declared) -> tuple[str, str, str, str]:
    """What a table says of a key: the key, its values, whose it is, what it means."""
    marks = [
        word
        for word, holds in (
            ("several", each.several),
            ("unique", each.unique),
            ("required", each.required),
            ("own", not each.inherited),
            ("secret", key.secret),
        )
        if holds
    ]
    drivers = ", ".join(driver.__name__ for driver in each.on)
    meaning = each.meaning + (f"; written by `{each.writer}`" if each.writer else "")
    return f"`{key}`", ", ".join((each.grammar.expects, *marks)), drivers, meaning


def page(known: Mapping[Key, Declared] | None = None) -> str:
    """The page docs/keys.md; for a site, with the keys that it declared first."""
    own = [row(key, each) for key, each in (known or {}).items() if each.site]
    told = f"\n## {_OWN}\n\n{''.join(table(own))}" if own else ""
    return _HEAD + told + "".join(_sections(registry.every()))


def matching(pattern: str, known: Mapping[Key, Declared]) -> str:
    """A table of the keys whose names match a pattern: `snmp.*`, `snmp`, `*timeout`; empty without any."""
    found = {key: each for key, each in known.items() if _matches(str(key), pattern)}
    return "".join(table(row(key, each) for key, each in found.items())) if found else ""


def _matches(key: str, pattern: str) -> bool:
    return fnmatchcase(key, pattern) or key.startswith(f"{pattern}.")


def _sections(known: Mapping[Key, Declared]) -> Iterator[str]:
    plain = {key: each for key, each in known.items() if key.subkey is None or Key(key.key) in known}
    yield f"\n## {_PLAIN}\n\n"
    yield from table(row(key, each) for key, each in plain.items())
    for group in groups():
        found = [row(key, each) for key, each in known.items() if key.key == group and key not in plain]
        if found:
            yield f"\n## {group}\n\n"
            yield from table(found)


def table(rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    """The lines of a table in Markdown."""
    for each in (_COLUMNS, ("---",) * len(_COLUMNS), *rows):
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in each)} |\n"


# --- completion ------------------------------------------------------------------------------------------------------


def values(known: Declared | None) -> list[str]:
    """The values that a key is known to take; none where they cannot be listed."""
    return known.choices if known is not None else []


def keys(beginning: str, known: Mapping[Key, Declared], kinds: Iterable[type[Driver]] = ()) -> list[str]:
    """The known keys that begin so and fit Things of all these kinds; of a group that is not typed to its end, the
    group: `snmp.`."""
    wanted = list(kinds)
    fitting = [str(key) for key, each in known.items() if not each.writer and all(each.fits(kind) for kind in wanted)]
    plain = {key for key in fitting if "." not in key}
    shown = {key if "." in beginning or _group(key) in plain else f"{_group(key)}." for key in fitting}
    return sorted(key for key in {*plain, *shown} if key.startswith(beginning))


def _group(key: str) -> str:
    return key.partition(".")[0]

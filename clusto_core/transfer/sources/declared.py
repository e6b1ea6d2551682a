"""The sources that the configuration declares: its tables `[source.NAME]`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from clusto_core import config
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.spelling import suggest
from clusto_core.transfer import sources
from clusto_core.transfer.sources.protocol import Declared, check

if TYPE_CHECKING:
    from clusto_core.transfer.sources.protocol import Source

SECTION = "source"
_COMMON = ("type", "mapping", "schedule")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,59}").fullmatch


def checked_name(name: str) -> str:
    """The name itself. Raises Malformed when no source can be called so: it is the subkey of `_source`."""
    if not _NAME(name):
        raise Malformed(f"malformed name of a source: {name[:60]!a} (letters, digits, - and _)")
    return name


def names() -> list[str]:
    """How the sources are called that are declared, in alphabetical order. Raises as `config.section`."""
    return sorted(config.section(SECTION))


def every() -> list[Declared]:
    """All sources that are declared, in the order of the file. Raises Malformed for tables that cannot be."""
    return [_declared(name, table) for name, table in config.section(SECTION).items()]


def named(name: str) -> Declared:
    """The source of that name. Raises NotFound with a suggestion, Malformed."""
    tables = config.section(SECTION)
    if name not in tables:
        guess = did_you_mean(suggest(name, tables))
        raise NotFound(f"no such source: {name[:60]}{guess} (declare it as [source.{name[:60]}] in {_file()})")
    return _declared(name, tables[name])


def opened(declared: Declared) -> Source:
    """The source itself. Raises Malformed and NotFound for settings that cannot be, and what its type raises."""
    kind = sources.of_type(declared.type)
    check(declared, kind)
    return kind.source(declared)


def _declared(name: str, table: Any) -> Declared:
    where = f"{_file()}: source.{checked_name(name)}"
    if not isinstance(table, dict):
        raise Malformed(f"{where} must be a table, as [source.{name}]")
    mapping = table.get("mapping", {})
    if not isinstance(mapping, dict) or not all(isinstance(to, str) for to in mapping.values()):
        raise Malformed(f'{where}.mapping is a table of keys: asset_tag = "asset.tag", comments = ""')
    for key in ("type", "schedule"):
        if not isinstance(table.get(key, ""), str):
            raise Malformed(f"{where}.{key} is text")
    if not table.get("type"):
        raise NotFound(f"{where} has no type (known: {', '.join(sources.types())})")
    settings = {key: value for key, value in table.items() if key not in _COMMON}
    return Declared(name, table["type"], _file(), settings, mapping, table.get("schedule", ""))


def _file() -> str:
    return config.file_in_force()

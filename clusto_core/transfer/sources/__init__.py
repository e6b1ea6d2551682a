"""The types of source, each a module of this package, found by its name and loaded when it is asked for: `protocol` has
what they are to clusto, `declared` what the configuration says of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from clusto_core.errors import Malformed, did_you_mean

if TYPE_CHECKING:
    from clusto_core.transfer.sheets.how import How
    from clusto_core.transfer.sources.protocol import Declared, Source, Type

_NO_TYPES = ("protocol", "declared", "formatted")


def types() -> list[str]:
    """The types of source there are, in alphabetical order."""
    from clusto_core.transfer import formats

    return sorted({*_modules(), *formats.sources()})


def _modules() -> list[str]:
    found = (entry.removesuffix(".py") for entry in os.listdir(os.path.dirname(__file__)) if entry.endswith(".py"))
    return [name.replace("_", "-") for name in found if not name.startswith("_") and name not in _NO_TYPES]


def of_type(name: str) -> Type:
    """What a type of source is: its module, or a format whose files are all that a source has. Raises Malformed when
    there is no such type."""
    known = types()
    if name not in known:
        from clusto_core.spelling import suggest

        guess = did_you_mean(suggest(name, known))
        raise Malformed(f"no such type of source: {name[:40]}{guess} (known: {', '.join(known)})")
    if name not in _modules():
        from clusto_core.transfer.sources.formatted import Formatted

        return Formatted(name)
    from importlib import import_module

    found: Type = import_module(f"{__name__}.{name.replace('-', '_')}")
    return found


def of_format(
    format_name: str | None,
    places: tuple[str, ...],
    declared: Declared,
    how: How | None = None,
    *,
    create: bool = False,
) -> Source:
    """The source that files, or whatever else is at those places, are in that format, or in the one that they say.

    Of spreadsheets: `how` they are read, and whether to `create` what their rows name and do not speak of. Raises
    Malformed for a format that cannot be read, and for settings that cannot be.
    """
    from clusto_core.transfer import formats
    from clusto_core.transfer.sources.file import FileSource

    name = formats.source_of(format_name) if format_name else None
    if name is not None and name in types() and (opener := getattr(of_type(name), "of_places", None)) is not None:
        if how is not None:
            raise formats.no_spreadsheet(name)
        source: Source = opener(places, declared)
        return source
    return FileSource(places, format_name, how, create)

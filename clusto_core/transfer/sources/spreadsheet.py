"""A spreadsheet that somebody keeps: CSV, XLSX or ODS with columns of its own, read again and again.

Its Things are known by the column that `id` is mapped to, else by their names.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from clusto_core.errors import Malformed
from clusto_core.transfer.sheets import mapping
from clusto_core.transfer.sheets.how import How
from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, Setting, Source

SETTINGS: Mapping[str, Setting] = {
    "file": Setting("the path of the file", required=True),
    "format": Setting("csv, xlsx or ods, where its name does not say it"),
    "sheet": Setting("the name of the sheet, or its number from 1; else the first that is not empty"),
    "columns": Setting('what columns mean that are not to be guessed: Hostname = "name"', (dict,)),
    "driver": Setting("the driver of new Things whose rows do not say it: Server"),
    "dates": Setting("the order in 03/04/2025: dmy, mdy or ymd"),
    "decimal": Setting("what separates decimals: comma or point"),
    "encoding": Setting("of text that is neither Unicode nor Windows-1252"),
    "create": Setting("add racks, switches and PDUs that rows name and that are nowhere", (bool,)),
}


def source(declared: Declared) -> Source:
    """The source that a table of the type `spreadsheet` means. Raises Malformed for settings that cannot be."""
    path = os.path.expanduser(declared.text("file"))
    create = declared.settings.get("create") is True
    return FileSource((path,), declared.text("format") or None, _how(declared), create)


def _how(declared: Declared) -> How:
    columns = declared.settings.get("columns", {})
    if not all(isinstance(target, str) for target in columns.values()):
        raise Malformed(f'{declared.file}: source.{declared.name}.columns is a table: Hostname = "name", Notes = ""')
    said: dict[str, Any] = {
        key: declared.text(key) for key in ("sheet", "driver", "dates", "decimal", "encoding") if declared.text(key)
    }
    meant = {mapping.folded(title): mapping.checked(target) for title, target in columns.items()}
    return How(columns=meant, **said)

"""A file in another tool's format, which is all that the source has: `type` is the name of the format."""

from __future__ import annotations

import os
from collections.abc import Mapping

from clusto_core.transfer.sources.file import FileSource
from clusto_core.transfer.sources.protocol import Declared, Setting, Source


class Formatted:
    """The type of source that a format with a `SOURCE` makes."""

    SETTINGS: Mapping[str, Setting] = {"file": Setting("the path of the file, or a list of them", (str, list), True)}

    def __init__(self, format_name: str) -> None:
        self._format = format_name

    def source(self, declared: Declared) -> Source:
        """The source that a table means."""
        given = declared.settings["file"]
        paths = [str(each) for each in given] if isinstance(given, list) else [given]
        return FileSource(tuple(map(os.path.expanduser, paths)), self._format)

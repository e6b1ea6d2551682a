"""How a spreadsheet is to be read, where it does not say it itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clusto_core.errors import Malformed
from clusto_core.spelling import suggest

DATES = ("dmy", "mdy", "ymd")
DECIMALS = ("comma", "point")


@dataclass(frozen=True)
class How:
    """sheet: the name or the number (from 1) of a workbook's sheet, else its first that is not empty. columns: what
    columns mean (`mapping`), for what is not to be guessed; `only` where no other column counts. driver: of new Things
    whose rows do not say it. dates: the order of day, month and year in `03/04/2025`. decimal: what separates decimals.
    encoding: of text, where that is neither Unicode nor Windows-1252.
    """

    sheet: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    only: bool = False
    driver: str = "Server"
    dates: str = ""
    decimal: str = ""
    encoding: str = ""

    def __post_init__(self) -> None:
        _check("dates", self.dates, DATES)
        _check("decimal", self.decimal, DECIMALS)
        if self.encoding:
            import codecs

            try:
                codecs.lookup(self.encoding)
            except LookupError:
                raise Malformed(f"no such encoding: {self.encoding[:40]}") from None


def _check(what: str, given: Any, known: tuple[str, ...]) -> None:
    if given and given not in known:
        from clusto_core.errors import did_you_mean

        raise Malformed(
            f"no such {what}: {str(given)[:40]}{did_you_mean(suggest(str(given), known))} ({', '.join(known)})"
        )


USUAL = How()
"""All is told by the file itself."""

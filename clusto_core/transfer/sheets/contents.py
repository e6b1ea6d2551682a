"""What stands in cells as people write it: dates and numbers as a country writes them, positions, far ends, names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import date
from functools import lru_cache

from clusto_core.errors import Malformed
from clusto_core.transfer.sheets.typed import Typed

_NOTHING = frozenset(("-", "--", "–", "—", "n/a", "n.a.", "#n/a"))
_NOBODY = _NOTHING | frozenset(("none", "nil", "null", "tbd", "tba", "unknown", "?", "na"))

_DAY = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})").fullmatch
_BIG_ENDIAN = re.compile(r"([0-9]{4})([./])([0-9]{1,2})\2([0-9]{1,2})").fullmatch
_MONTH = re.compile(r"([0-9]{1,2})[ .-]+([A-Za-z]{3,9})[ .,-]+([0-9]{4}|[0-9]{2})").fullmatch
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})[ .-]+([0-9]{1,2})(?:st|nd|rd|th)?[ ,-]+([0-9]{4}|[0-9]{2})").fullmatch
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_COMMA = re.compile(r"-?(?:[0-9]{1,3}(?:[. ][0-9]{3})+|[0-9]+)(?:,[0-9]+)?").fullmatch
_POINT = re.compile(r"-?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?").fullmatch

_UNITS = re.compile(
    r"(?:RU|U)?\s*#?([0-9]{1,4}(?:\.[05])?)\s*U?(?:\s*(?:-|–|to|\.\.|,|/)\s*(?:RU|U)?\s*([0-9]{1,4}(?:\.[05])?)\s*U?)?",
    re.IGNORECASE,
).fullmatch
_PORT = re.compile(
    r"(?:switch ?port|port|outlet|socket|receptacle|jack|line|no\.?|p)?[\s#:.]*0*([0-9]+)", re.I
).fullmatch
_FAR = re.compile(r"(\S+?),?\s+(\S.*)").fullmatch
_PREFIX = re.compile(r"/[0-9]{1,3}\b")
_NO_NAME = re.compile(r"[^\w.+-]+")


def is_nothing(cell: str) -> bool:
    """Whether a cell says in so many words that nothing is to be said."""
    return cell.lower() in _NOTHING


def is_nobody(cell: str) -> bool:
    """The same where the cell would name a Thing, a place or a port."""
    return cell.lower() in _NOBODY


@lru_cache(10_000)
def name(text: str) -> str:
    """A name for what a sheet calls so: a dash for each run of characters that no name may have."""
    return _NO_NAME.sub("-", str.__str__(text)).strip("-") or str.__str__(text)


def units(text: str) -> str:
    """`U13`, `13-14` or `RU 14 - 13` as `RU13`, `RU13-14`. Raises Malformed."""
    match = _UNITS(text.strip())
    if match is None:
        raise Malformed(f"no rack unit: {text[:40]!a} (write 13, or 13-14)")
    low, high = sorted((match[1], match[2] or match[1]), key=float)
    return f"RU{low}" if low == high else f"RU{low}-{high}"


def port(text: str) -> str:
    """`Port 07` as `7`; any other text without its blanks, as the device calls it."""
    match = _PORT(text.strip())
    return match[1] if match is not None else text.strip().replace(" ", "")


def addresses(text: str) -> str:
    """Addresses without the lengths of their prefixes: `10.0.0.1/24` is an address of a machine."""
    return _PREFIX.sub("", text)


def far(text: str) -> tuple[str, str]:
    """The device and the port of a cell that says both: `sw1:12`, `sw1 12`, `sw1 port 12`; or the device alone."""
    owner, colon, rest = text.partition(":")
    if not colon and (match := _FAR(text)) is not None:
        owner, rest = match[1], match[2]
    return name(owner.strip()), port(rest) if rest.strip() else ""


# --- columns ---------------------------------------------------------------------------------------------------------


def localised(cells: Iterable[str], dates: str, decimal: str) -> Callable[[str], str]:
    """How the cells of one column are brought to the spelling that clusto reads: dates where all of them are dates,
    numbers where all are numbers and `decimal` says how.

    Raises Malformed for dates whose order nothing tells.
    """
    plain = [cell for cell in cells if not isinstance(cell, Typed)]
    if plain and all(map(_dated, plain)):
        order = dates or _order(plain)
        return lambda cell: cell if isinstance(cell, Typed) else iso(cell, order)
    pattern = {"comma": _COMMA, "point": _POINT}.get(decimal)
    if pattern is not None and plain and all(map(pattern, plain)):
        return lambda cell: cell if isinstance(cell, Typed) else _number(cell, decimal)
    return lambda cell: cell


def _dated(cell: str) -> bool:
    named = _MONTH(cell) or _MONTH_FIRST(cell)
    if named is not None:
        return any(part[:3].lower() in _MONTHS for part in named.groups())
    return bool(_DAY(cell) or _BIG_ENDIAN(cell))


def _order(cells: list[str]) -> str:
    """The order that the dates of a column can only have: a number beyond twelve is a day, and days go first between
    dots. Raises Malformed where either would do."""
    written = [match for match in map(_DAY, cells) if match is not None]
    if any(match[2] == "." or int(match[1]) > 12 for match in written):
        return "dmy"
    if any(int(match[3]) > 12 for match in written):
        return "mdy"
    if written:
        raise Malformed(f"{written[0][0]}: which number is the month? say --dates dmy, or mdy")
    return "dmy"


def iso(cell: str, order: str) -> str:
    """A date as ISO 8601 has it. Raises Malformed for one that no calendar has."""
    if (match := _BIG_ENDIAN(cell)) is not None:
        year, month, day = match[1], match[3], match[4]
    elif (match := _DAY(cell)) is not None:
        first, second, third = match[1], match[3], match[4]
        day, month, year = {"dmy": (first, second, third), "mdy": (second, first, third)}.get(
            order, (third, second, first)
        )
    elif (match := _MONTH(cell)) is not None:
        day, month, year = match[1], match[2], match[3]
    elif (match := _MONTH_FIRST(cell)) is not None:
        month, day, year = match[1], match[2], match[3]
    else:
        return cell
    try:
        number = int(month) if month.isdigit() else _MONTHS.index(month[:3].lower()) + 1
        return date(_year(year), number, int(day)).isoformat()
    except ValueError as error:
        raise Malformed(f"no such date: {cell[:40]} ({error})") from None


def _year(text: str) -> int:
    """Two digits are from 1969 to 2068, as POSIX has it for %y."""
    year = int(text)
    return year if len(text) == 4 else year + (1900 if year >= 69 else 2000)


def _number(cell: str, decimal: str) -> str:
    """The number as clusto prints it."""
    plain = cell.replace(".", "").replace(" ", "").replace(",", ".") if decimal == "comma" else cell.replace(",", "")
    return repr(float(plain)) if "." in plain else plain

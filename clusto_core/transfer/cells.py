"""What the cells of a spreadsheet mean, and how values are written into them.

A cell means what its text means on the command line: `5` is a number, `@rack101` a relation, anything else is text.
What text cannot say is written as JSON: `"5"` in quotes is text, `["x", "y"]` two values, `{"json": ...}` a structure.

Spreadsheets run a cell that begins as a formula does. `guarded` puts an apostrophe before such a one, and `unguarded`
takes it away again (https://owasp.org/www-community/attacks/CSV_Injection).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import lru_cache

from clusto_core.errors import Malformed
from clusto_core.model.attributes import Value, infer
from clusto_core.transfer.documents import escaped, hides, tagged, value

_JSON = re.compile(r'".*"|\[.*\]|\{.*\}', re.DOTALL).fullmatch
_FORMULA = r"[=+\-@\t\r\uff1d\uff0b\uff0d\uff20]"
_BEGINS_FORMULA = re.compile(_FORMULA).match
_SOME_BEGINS_FORMULA = re.compile("\n" + _FORMULA).search
_IS_GUARDED = re.compile("'" + _FORMULA).match
_NEGATIVE = re.compile(r"-[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?").fullmatch
# Where a spreadsheet takes semicolons or tabs for what separates cells, one begins in the midst of our text.
_INNER_FORMULA = re.compile(rf"[;\t\n\r](?=[\s\"']*{_FORMULA})").search
_INNER_SEMICOLON = re.compile(rf";(?=[\s\"']*{_FORMULA})")
# Nearly all texts, MACs among them: neither a number nor a time, and nothing that any program would run.
_WORD = re.compile(r"[A-Za-z][\w.:/-]*|(?:[0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII).fullmatch
_NAMES = re.compile(r"[,;\s]+").split


def parse(text: str) -> tuple[Value, ...]:
    """The values that a cell holds. Raises Malformed."""
    if _JSON(text):
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            hint = ' (a text that begins and ends so is written as JSON: "\\"...\\"")'
            raise Malformed(f"not JSON: {error}{hint}") from None
        return tuple(dict.fromkeys(map(value, data if isinstance(data, list) else [data])))
    if text.startswith("@") and len(text) > 1:
        return (Value("relation", text[1:]),)
    return (infer(text),)


def write(values: tuple[Value, ...]) -> str:
    """The cell that `parse` reads these values from."""
    if len(values) != 1:
        return _json([tagged(each) for each in values])
    (found,) = values
    if found.type == "string":
        return found.text if _is_plain(found.text) else _json(found.text)
    return _typed(found)


@lru_cache(10_000)
def _typed(found: Value) -> str:
    if found.type == "relation":
        return f"@{found.text}"
    if found.type == "json":
        return _json(tagged(found))
    return found.text if infer(found.text) == found else _json([tagged(found)])


def _is_plain(text: str) -> bool:
    """Whether a text, as a cell, is read as itself; spreadsheets lose blanks at its ends."""
    if _WORD(text):
        return text not in ("true", "false")
    if not text or text != text.strip() or text[0] == "@" or _JSON(text) or hides(text):
        return False
    if _IS_GUARDED(text) or _INNER_FORMULA(text):
        return False
    try:
        return infer(text).type == "string"
    except Malformed:
        return False


def names(text: str) -> list[str]:
    """The names or addresses in a cell, between commas, semicolons or blanks."""
    return [name for name in _NAMES(text) if name]


def _json(data: object) -> str:
    return escaped(_INNER_SEMICOLON.sub(r"\\u003b", json.dumps(data, ensure_ascii=False)))


def guarded(cell: str) -> str:
    """The cell as a spreadsheet takes it for text, whatever it begins with; numbers stay numbers."""
    if _WORD(cell):
        return cell
    return f"'{cell}" if _BEGINS_FORMULA(cell) and not _NEGATIVE(cell) else cell


def all_guarded(cells: Iterable[str]) -> list[str]:
    """The same of all cells of a row."""
    every = list(cells)
    return list(map(guarded, every)) if _SOME_BEGINS_FORMULA("\n" + "\n".join(every)) else every


def unguarded(cell: str) -> str:
    """The cell that was guarded so; any other as it is."""
    return cell[1:] if _IS_GUARDED(cell) else cell

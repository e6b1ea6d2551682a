"""A cell that knows what it holds: text as all others, with the value that its workbook gave it."""

from __future__ import annotations

from clusto_core.model.attributes import Value


class Typed(str):
    """The text of a cell; `value` is None where the text itself says what it means."""

    value: Value | None

    def __new__(cls, text: str, value: Value | None) -> Typed:
        found = super().__new__(cls, text)
        found.value = value
        return found

"""YAML on standard output, in which text that a terminal would not merely show is in double quotes and escaped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import yaml


class _Dumper(yaml.SafeDumper):
    """PyYAML's own lets bidirectional overrides, zero widths and the like through as they are."""

    def analyze_scalar(self, scalar: str) -> Any:
        """What the emitter may do with a text: nothing but double quotes where something in it is not shown."""
        analysis = super().analyze_scalar(scalar)
        if _hides(scalar):
            analysis.allow_flow_plain = analysis.allow_block_plain = False
            analysis.allow_single_quoted = analysis.allow_block = False
        return analysis

    def write_double_quoted(self, text: str, split: bool = True) -> None:
        """As PyYAML does; all but ASCII escaped where something in the text is not shown."""
        before, self.allow_unicode = self.allow_unicode, self.allow_unicode and not _hides(text)
        super().write_double_quoted(text, split)
        self.allow_unicode = before


def _hides(text: str) -> bool:
    return not text.replace("\n", "").replace("\t", "").isprintable()


def items(records: Iterable[Any]) -> Iterator[str]:
    """The texts of plain data one below the other, which together are one document, a list; keys in their own order."""
    empty = True
    for record in records:
        yield _dumped([record])
        empty = False
    if empty:
        yield _dumped([])


def _dumped(data: list[Any]) -> str:
    text: str = yaml.dump(data, None, _Dumper, sort_keys=False, allow_unicode=True)
    return text

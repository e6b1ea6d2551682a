"""YAML on standard output, in which text that a terminal would not merely show is in double quotes and escaped."""

from __future__ import annotations

from typing import Any, TextIO

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


def dump(data: Any, out: TextIO) -> None:
    """Writes plain data as one document, keys in their own order."""
    yaml.dump(data, out, _Dumper, sort_keys=False, allow_unicode=True)

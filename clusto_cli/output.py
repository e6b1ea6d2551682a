"""Results on standard output: text for people, JSON, JSON lines, YAML or bare names for programs.

Nothing that a device or an attribute holds may steer the terminal, so all text goes through `clean`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import click

FORMATS = ("text", "json", "jsonl", "yaml", "names")

_CONTROL = "[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"

F = TypeVar("F", bound=Callable[..., Any])


def clean(text: str) -> str:
    """The text with every control character spelled out (`\\x1b`), so that it is one line and moves no cursor."""
    # Nearly every text is printable, and needs no pattern, whose compiling a quick command would feel.
    return text if text.isprintable() else re.sub(_CONTROL, _escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] == "\n":
        return "\\n"
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"


def output_option(function: F) -> F:
    """The option `-o FORMAT` of verbs that list something."""
    return click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="text", show_default=True, help="The form of the result."
    )(function)


def write_lines(lines: Iterable[str]) -> None:
    """Lines of text, cleaned."""
    write = sys.stdout.write
    for line in lines:
        write(clean(line) + "\n")


def write_records(output: str, records: Iterable[Any], *, name: Callable[[Any], str] | None = None) -> None:
    """Records (dicts of plain values) as one JSON document, JSON lines, YAML, or their names alone, each once.

    `name` tells a record's name; by default it is under the key `name`.
    """
    if output == "names":
        named = name or (lambda record: str(record["name"]))
        write_lines(dict.fromkeys(named(record) for record in records))
    elif output == "yaml":
        import yaml

        yaml.safe_dump(list(records), sys.stdout, sort_keys=False, allow_unicode=True)
    else:
        import json

        # Escapes all but ASCII and so every control character.
        if output == "json":
            json.dump(list(records), sys.stdout, indent=2)
            sys.stdout.write("\n")
        else:
            for record in records:
                sys.stdout.write(json.dumps(record) + "\n")


def on_terminal() -> bool:
    """Whether a person sees standard output."""
    return sys.stdout.isatty()

"""Writes the manual pages, man/clusto.1 and man/clusto-VERB.1, from the verbs themselves: `make docs`.

They are of what docs/reference.md is of, in the macros of man(7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import generate

from clusto_cli import __version__
from clusto_cli.main import summary

FOLDER = Path(__file__).parent.parent / "man"
_EXIT_CODE = re.compile(r"^\| ([0-9]+) \| (.+) \|$", re.MULTILINE)
_ENVIRONMENT = (
    ("CLUSTO_DB", "The inventory, where --db does not say it."),
    ("CLUSTO_CONFIG", "The configuration file, where --config does not say it."),
)


def pages() -> dict[str, str]:
    """The text of each page by the name of its file."""
    verbs: dict[str, list[generate.Verb]] = {}
    for verb in generate.verbs():
        verbs.setdefault(verb.path.split()[1], []).append(verb)
    found = {f"clusto-{name}.1": _of_verb(name, told) for name, told in verbs.items()}
    return {"clusto.1": _of_program(list(verbs)), **found}


def _of_program(verbs: list[str]) -> str:
    program = generate.clusto()
    return _page(
        "clusto",
        "the command line for physical infrastructure",
        [
            *_synopsis([program]),
            *_described(program),
            ".SH VERBS",
            *(line for name in verbs for line in _item(f"clusto-{name}(1)", summary(name))),
            ".SH EXIT STATUS",
            *(line for code, meaning in _exit_codes() for line in _item(code, meaning)),
            ".SH ENVIRONMENT",
            *(line for name, meaning in _ENVIRONMENT for line in _item(name, meaning)),
            ".SH SEE ALSO",
            _text("clusto help lists verbs and topics; clusto help TOPIC explains one."),
        ],
    )


def _of_verb(name: str, told: list[generate.Verb]) -> str:
    whole, *below = told
    lines = [*_synopsis(told), *_described(whole)]
    if below:
        lines.append(".SH VERBS")
    for verb in below:
        lines += [f".SS {_text(verb.path)}", *_paragraphs(verb), *_options(verb)]
    seen = _text("clusto(1) has the options that all verbs share, and the exit codes.")
    return _page(f"clusto-{name}", summary(name).rstrip("."), [*lines, ".SH SEE ALSO", seen])


def _page(name: str, about: str, lines: list[str]) -> str:
    head = [f'.TH {name.upper()} 1 "" "clusto {__version__}" "clusto"', ".SH NAME", f"{_text(name)} \\- {_text(about)}"]
    return "\n".join([*head, *lines]) + "\n"


def _synopsis(told: list[generate.Verb]) -> Iterator[str]:
    yield ".SH SYNOPSIS"
    yield ".nf"
    yield from (_text(verb.usage) for verb in told)
    yield ".fi"


def _described(verb: generate.Verb) -> Iterator[str]:
    yield ".SH DESCRIPTION"
    yield from _paragraphs(verb)
    if verb.options:
        yield ".SH OPTIONS"
        yield from _options(verb)


def _paragraphs(verb: generate.Verb) -> Iterator[str]:
    for verbatim, lines in verb.paragraphs:
        yield ".PP"
        if verbatim:
            yield from (".RS 4", ".nf", *map(_text, lines), ".fi", ".RE")
        else:
            yield from map(_text, lines)


def _options(verb: generate.Verb) -> Iterator[str]:
    for spelled, meaning in verb.options:
        yield from _item(spelled, meaning)


def _item(name: str, meaning: str) -> tuple[str, ...]:
    return (".TP", f"\\fB{_text(name)}\\fR", _text(meaning))


def _exit_codes() -> list[tuple[str, str]]:
    return _EXIT_CODE.findall((Path(__file__).parent / "scripting.md").read_text(encoding="utf-8"))


def _text(text: str) -> str:
    """Text that troff takes as it stands: no escape, no request, and dashes that can be copied."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "\\(ga").replace("'", "\\(aq")
    escaped = escaped.replace("~", "\\(ti").replace("^", "\\(ha").replace('"', "\\(dq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


def main() -> None:
    """Writes the pages, and takes out those of verbs that are no more."""
    FOLDER.mkdir(exist_ok=True)
    written = pages()
    for path in FOLDER.glob("*.1"):
        if path.name not in written:
            path.unlink()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()

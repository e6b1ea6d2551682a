"""Every JSON that clusto prints in a test is held against the schema of its verb, `docs/schemas/VERB.json`.

`watch` looks on at how tests run the program: in this process, where it prints by `json.dump`, and as a program of its
own. Whoever adds a verb that prints JSON adds its schema.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import click
from jsonschema import Draft202012Validator

from clusto_cli.defaulting import DefaultGroup
from clusto_cli.main import main as root

FOLDER = Path(__file__).parent.parent / "docs" / "schemas"


@cache
def verbs() -> frozenset[tuple[str, ...]]:
    """The verbs that print JSON, each as its words."""
    return frozenset(_verbs(root, click.Context(root, info_name="clusto"), ()))


def _verbs(command: click.Command, ctx: click.Context, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    default = command.without_subcommand if isinstance(command, DefaultGroup) else command
    options = [each for each in default.params if isinstance(each, click.Option)]
    if words and any("json" in getattr(each.type, "choices", ()) for each in options if "-o" in each.opts):
        yield words
    if isinstance(command, click.Group):
        for name in command.list_commands(ctx):
            below = command.get_command(ctx, name)
            if below is not None:
                yield from _verbs(below, click.Context(below, parent=ctx, info_name=name), (*words, name))


def verb_of(arguments: Sequence[str]) -> tuple[str, ...] | None:
    """The verb of a command line that prints JSON, None for any other."""
    wanted = [
        place
        for place, word in enumerate(arguments)
        if (word in ("-o", "--output") and arguments[place + 1 : place + 2] == ["json"])
        or word in ("-ojson", "--output=json")
    ]
    if not wanted:
        return None
    for start, word in enumerate(arguments):
        found = [words for words in verbs() if words[0] == word]
        if found:
            exact = [words for words in found if tuple(arguments[start : start + len(words)]) == words]
            return max(exact, key=len, default=None)
    return None


@cache
def validator(verb: tuple[str, ...]) -> Draft202012Validator:
    """What holds the JSON of a verb against its schema."""
    schema = json.loads((FOLDER / f"{'-'.join(verb)}.json").read_text())
    return Draft202012Validator(schema)


def check(verb: tuple[str, ...], document: object) -> None:
    """Fails where a document is not what its verb's schema says."""
    problems = [f"{error.json_path}: {error.message[:300]}" for error in validator(verb).iter_errors(document)]
    assert not problems, f"clusto {' '.join(verb)} -o json is not as docs/schemas says: {problems[:3]}"


@contextmanager
def watch() -> Iterator[None]:
    """Looks on at every run of the program."""
    communicate, dump = subprocess.Popen.communicate, json.dump

    def watched(process: subprocess.Popen[Any], *args: Any, **more: Any) -> tuple[Any, Any]:
        said = communicate(process, *args, **more)
        _check_program(process.args, said[0])
        return said

    def dumped(document: object, file: Any, *args: Any, **more: Any) -> None:
        ctx = click.get_current_context(silent=True)
        if ctx is not None and file is sys.stdout:
            words = tuple(ctx.command_path.split()[1:])
            if words in verbs():
                check(words, document)
        dump(document, file, *args, **more)

    with patch.object(subprocess.Popen, "communicate", watched), patch.object(json, "dump", dumped):
        yield


def _check_program(arguments: object, out: object) -> None:
    if not isinstance(arguments, (list, tuple)) or not out:
        return
    words = [str(each) for each in arguments]
    if not any(each == "clusto_cli.main" or each.rpartition("/")[2] == "clusto" for each in words[:4]):
        return
    verb = verb_of(words)
    if verb is not None:
        text = out if isinstance(out, str) else bytes(out).decode() if isinstance(out, bytes) else ""
        try:
            document = json.loads(text)
        except json.JSONDecodeError:
            return  # cut short on purpose
        check(verb, document)

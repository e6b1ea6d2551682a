"""OS recipes: how an operating system is installed from the network, as data.

A recipe is a TOML file; its name is the file's. `docs/rebuild-recipes.md` describes the format for whoever writes one.
This module reads it, and refuses whatever it does not understand: a misspelt key must not quietly do nothing. What
stands in it as a template is rendered elsewhere (`render`).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

SIGNS = ("started", "finished", "up")
"""What a machine's console may tell of an installation: the installer runs, it is done, the installed system is up."""
TEMPLATE = "os.template."
"""What the attributes begin with that choose templates of answers."""
_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_TEMPLATE_NAME = re.compile(rf"{_FILE_NAME.pattern}(/{_FILE_NAME.pattern})*")
_ATTRIBUTE = re.compile(r"[A-Za-z0-9_.#-]+")
_FOLDER = Path(__file__).parent.parent / "profiles" / "os"


class BadRecipe(ValueError):
    """A recipe's file does not say what a recipe says; the message names the file and the place."""


class UnknownRecipe(LookupError):
    """No recipe has that name; the message lists those there are."""


@dataclass(frozen=True)
class Recipe:
    """How one operating system is installed.

    kernel, initrds: paths below the boot directory, or URLs; arguments: of the kernel's command line, each entry one
    argument or none; all of them templates. answers: file name -> template. needs: groups of attributes of which each
    must have one that is set. defaults: attribute -> value where it is not set. signs: what the console says, by the
    words of SIGNS, as templates of regular expressions. timeout: seconds from power-on to the installed system.
    source: where all that is from. where: the file.
    """

    name: str
    title: str
    kernel: str
    where: str
    source: str = ""
    notes: str = ""
    initrds: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    answers: Mapping[str, str] = field(default_factory=dict)
    needs: tuple[tuple[str, ...], ...] = ()
    defaults: Mapping[str, str] = field(default_factory=dict)
    signs: Mapping[str, str] = field(default_factory=dict)
    timeout: float = 3600.0

    def answer_templates(self, attributes: Mapping[str, str]) -> dict[str, str]:
        """The template of each answer: the recipe's, or the one that `os.template.FILE` names. Raises ValueError."""
        found = dict(self.answers)
        for key, template in attributes.items():
            name = key.removeprefix(TEMPLATE)
            if name == key:
                continue
            if name not in found:
                raise ValueError(f"{key}: {self.name} has no answer {name!r} (it has {', '.join(found) or 'none'})")
            try:
                found[name] = _check(_TEMPLATE_NAME, template, "the name of a template")
            except ValueError as error:
                raise ValueError(f"{key}: {error}") from None
        return found

    def missing(self, attributes: Mapping[str, str]) -> list[str]:
        """What is needed and neither set nor a default, in words: `os.release`, `os.root_password or os.ssh_key`."""
        return [
            " or ".join(group)
            for group in self.needs
            if not any(key in attributes or key in self.defaults for key in group)
        ]


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("is not a text")
    return value


def _plain(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("is not a text")
    return value


def _texts(value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError("is not a list of texts")
    return tuple(_text(item) for item in value)


def _needs(value: object) -> tuple[tuple[str, ...], ...]:
    if not isinstance(value, list):
        raise ValueError("is not a list of attributes")
    groups = tuple(_texts(item) if isinstance(item, list) else (_text(item),) for item in value)
    for key in (key for group in groups for key in group):
        _check(_ATTRIBUTE, key, "an attribute")
    return groups


def _attributes(value: object) -> dict[str, str]:
    return dict(_flattened(value, ""))


def _flattened(value: object, prefix: str) -> Iterator[tuple[str, str]]:
    if not isinstance(value, dict):
        raise ValueError("is not a table of attributes")
    for key, item in value.items():
        if isinstance(item, dict):
            yield from _flattened(item, f"{prefix}{key}.")
        elif isinstance(item, str):
            yield _check(_ATTRIBUTE, f"{prefix}{key}", "an attribute"), item
        else:
            raise ValueError(f"{prefix}{key} is not a text: attributes are texts")


def _answers(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("is not a table of file names and templates")
    return {
        _check(_FILE_NAME, name, "a file name"): _check(_TEMPLATE_NAME, _text(template), "the name of a template")
        for name, template in value.items()
    }


def _signs(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise ValueError("is not a table of patterns")
    for name in value:
        if name not in SIGNS:
            raise ValueError(f"unknown sign {name!r} (there are: {', '.join(SIGNS)})")
    return {name: _text(pattern) for name, pattern in value.items()}


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 7 * 86400:
        raise ValueError("is not a number of seconds")
    return float(value)


def _check(pattern: re.Pattern[str], text: str, what: str) -> str:
    if not pattern.fullmatch(text):
        raise ValueError(f"{text!r} is not {what}")
    return text


_KEYS: dict[str, Callable[[Any], Any]] = {
    "title": _text,
    "source": _plain,
    "notes": _plain,
    "kernel": _text,
    "initrds": _texts,
    "arguments": _texts,
    "answers": _answers,
    "needs": _needs,
    "defaults": _attributes,
    "signs": _signs,
    "timeout": _seconds,
}


def parse(name: str, text: str, where: str) -> Recipe:
    """A recipe out of the text of its file. Raises BadRecipe."""
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadRecipe(f"{where}: {error}") from None
    found: dict[str, Any] = {}
    for key, value in table.items():
        if key not in _KEYS:
            import difflib

            near = difflib.get_close_matches(key, _KEYS, 1)
            raise BadRecipe(f"{where}: unknown key {key!r}" + (f" (did you mean {near[0]}?)" if near else ""))
        try:
            found[key] = _KEYS[key](value)
        except ValueError as error:
            raise BadRecipe(f"{where}: {key}: {error}") from None
    for key in ("title", "kernel"):
        if key not in found:
            raise BadRecipe(f"{where}: {key} is missing")
    return Recipe(name=name, where=where, **found)


def names(folders: tuple[Path, ...] = ()) -> list[str]:
    """The names of all recipes: clusto's own, and those in a site's own folders."""
    return sorted({path.stem for folder in (_FOLDER, *folders) for path in folder.glob("*.toml")})


@cache
def load(name: str, folders: tuple[Path, ...] = ()) -> Recipe:
    """The recipe of that name; a site's own folders go before clusto's. Raises UnknownRecipe and BadRecipe."""
    if _FILE_NAME.fullmatch(name):
        for folder in (*folders, _FOLDER):
            path = folder / f"{name}.toml"
            if path.is_file():
                try:
                    text = path.read_text(encoding="utf-8")
                except (OSError, UnicodeDecodeError) as error:
                    raise BadRecipe(f"{path}: {error}") from None
                return parse(name, text, str(path))
    raise UnknownRecipe(f"there is no OS recipe {name!r} (there are: {', '.join(names(folders))})")

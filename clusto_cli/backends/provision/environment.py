"""Templates, safely: Jinja2 in its sandbox, where what is missing is an error and every value inserted is checked.

Imported when a template is rendered, and not before: Jinja2 takes its time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import CodeType
from typing import Any

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PrefixLoader,
    StrictUndefined,
    Template,
    TemplateNotFound,
    TemplateSyntaxError,
    Undefined,
)
from jinja2.sandbox import SandboxedEnvironment
from jinja2.utils import missing

from clusto_cli.backends.provision import loaders, quoting
from clusto_cli.backends.provision.quoting import Text

SHIPPED = Path(__file__).parent / "templates"
_FILTERS: dict[str, Callable[..., object]] = {
    "lines": quoting.lines,
    "items": quoting.items,
    "word": quoting.word,
    "shell": quoting.shell,
    "json": quoting.json,
    "yaml": quoting.json,
    "preseed": quoting.preseed,
    "argument": quoting.argument,
    "hashed": quoting.hashed,
    "words": quoting.words,
    "grub": quoting.grub,
    "ipxe": quoting.ipxe,
    "pxelinux": quoting.pxelinux,
    "regex": quoting.regex,
    "url": quoting.url,
    "oneline": quoting.oneline,
    "fai_class": quoting.fai_class,
    "located": loaders.located,
}
_NEEDS_URL = ("url", "events", "answers")


class RenderError(ValueError):
    """A template cannot be rendered with what is known; one line that names the template and the place in it."""


class Group:
    """The attributes whose keys begin with one word: `os.release` in a template is the attribute of that key."""

    __slots__ = ("_attributes", "_word")

    def __init__(self, word: str, attributes: Mapping[str, str]) -> None:
        self._word, self._attributes = word, attributes

    def __getitem__(self, word: str) -> str:
        return self._attributes[f"{self._word}.{word}"]

    def __str__(self) -> str:
        return self._word


class _Unset(StrictUndefined):
    """What is not there; using it says what would have to be set."""

    __slots__ = ()

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if isinstance(self._undefined_obj, Group):
            return f"{self._undefined_obj}.{self._undefined_name} is not set"
        if self._undefined_obj is missing:
            if self._undefined_name in _NEEDS_URL:
                return "rebuild.url is not set"
            return f"{self._undefined_name} is not set"
        return f"there is no {self._undefined_name!r}"


class _Environment(SandboxedEnvironment):
    """Blocks, macros and `super()` give Text: what they consist of has been checked when it was inserted."""

    @staticmethod
    def concat(parts: Iterable[str]) -> str:
        return Text("".join(parts))


def _checked(check: Callable[[Any], str]) -> Callable[[Any], str]:
    """That check for all but what is undefined: an `if` without an `else` is nothing, anything else says what it is."""
    return lambda value: str(value) if isinstance(value, Undefined) else check(value)


def environment(folders: Iterable[Path]) -> Environment:
    """Where templates are found: a site's own folders first, then clusto's, which are also below `shipped/`."""
    shipped: BaseLoader = FileSystemLoader(SHIPPED)
    loader = ChoiceLoader([FileSystemLoader(list(folders)), shipped, PrefixLoader({"shipped": shipped})])
    made = _Environment(
        loader=loader,
        undefined=_Unset,
        finalize=_checked(quoting.line),
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
        cache_size=-1,
    )
    made.filters.update(_FILTERS)
    return made


def expressions(base: Environment, finalize: Callable[[Any], str]) -> Environment:
    """For short templates that stand in a recipe, whose values are checked by `finalize`."""
    return base.overlay(finalize=_checked(finalize), cache_size=-1)


def template(base: Environment, name: str) -> Template:
    """A template file, compiled once. Raises RenderError."""
    try:
        return base.get_template(name)
    except TemplateNotFound as error:
        raise RenderError(f"there is no template {error.name!r}") from None
    except TemplateSyntaxError as error:
        raise _syntax(error) from None
    except (OSError, UnicodeDecodeError) as error:
        raise RenderError(f"template {name!r} cannot be read: {error}") from None


def expression(base: Environment, source: str, where: str) -> Template:
    """A template that stands in a recipe; `where` names it in messages. Raises RenderError."""
    try:
        code: CodeType = base.compile(source, where, where)
    except TemplateSyntaxError as error:
        raise _syntax(error) from None
    return Template.from_code(base, code, base.make_globals(None))


def render(template: Template, values: Mapping[str, Any]) -> str:
    """The text. Raises RenderError."""
    try:
        return template.render(values)
    except TemplateNotFound as error:
        raise RenderError(f"{_place(template, error)}: there is no template {error.name!r}") from None
    except TemplateSyntaxError as error:
        raise _syntax(error) from None
    except Exception as error:
        # Whatever goes wrong in a template is the template's or a value's fault, and is told with its place.
        raise RenderError(f"{_place(template, error)}: {_one_line(error)}") from error


def _place(template: Template, error: BaseException) -> str:
    found = f"{template.name}"
    for name, line in _template_lines(error):
        found = f"{name} line {line}"
    return found


def _template_lines(error: BaseException) -> Iterator[tuple[str, int]]:
    """The lines of templates that an error came through, the innermost last; Jinja2 has put them into its trace."""
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        if "__jinja_template__" in trace.tb_frame.f_globals or "__jinja_exception__" in trace.tb_frame.f_globals:
            yield _name(code.co_filename), trace.tb_lineno
        trace = trace.tb_next


def _name(filename: str) -> str:
    """A shipped template by its name, a site's by its path."""
    path = Path(filename)
    return str(path.relative_to(SHIPPED)) if path.is_relative_to(SHIPPED) else filename


def _syntax(error: TemplateSyntaxError) -> RenderError:
    return RenderError(f"{_name(error.filename or error.name or 'template')} line {error.lineno}: {error.message}")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 300 else f"{text[:300]}..."

"""Where a picture goes: to standard output, into a folder, onto the terminal; and the options that say so."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import click

from clusto_cli import streams
from clusto_cli.context import App
from clusto_cli.output import FORMATS
from clusto_core.errors import Malformed

if TYPE_CHECKING:
    from pathlib import Path

    from clusto_cli.pictures.description import Link, Picture
    from clusto_cli.pictures.terminal import Screen

FORMS = ("svg", "html", "png")
F = TypeVar("F", bound=Callable[..., Any])


class Canvas(NamedTuple):
    """What a verb's picture is drawn on: standard output in one of FORMS, or the terminal; and where names lead."""

    output: str
    screen: Screen | None
    link: Link

    def deliver(self, picture: Picture) -> None:
        """Shows the picture, or writes it. Raises Malformed for pixels on a terminal, Refused."""
        if self.screen is not None:
            _show(picture, self.screen)
        else:
            _write(picture, self.output)


def pictured(*more: str) -> Callable[[F], F]:
    """As `picture_options`, for verbs whose result can be of these forms, too."""

    def decorate(function: F) -> F:
        @wraps(function)
        def drawing(*arguments: Any, output: str, picture: bool, link_to: str | None, **options: Any) -> Any:
            canvas = _canvas(output, link_to, shown=picture)
            return function(*arguments, output=output, canvas=canvas, **options)

        found: Any = drawing
        for option in (*_OPTIONS, _output_option((*FORMATS, *FORMS, *more))):
            found = option(found)
        return cast(F, found)

    return decorate


def picture_options(function: F) -> F:
    """The options of verbs whose result can be a picture: `-o FORMAT`, `--picture`, `--link-to URL`. The verb is given
    `output` and the `canvas`, which is None where no picture is wanted, or none can be shown."""
    return pictured()(function)


def _output_option(forms: Sequence[str]) -> Callable[[F], F]:
    return click.option(
        "-o", "--output", type=click.Choice(forms), default="text", show_default=True, help="The form of the result."
    )


_OPTIONS = (
    click.option("--link-to", metavar="URL", help="Where names in pictures lead: https://dc.example/thing/{name}."),
    click.option(
        "--picture", is_flag=True, help="Show a picture, on a terminal that can (kitty, iTerm2, sixel); else text."
    ),
)


def _canvas(output: str, link_to: str | None, *, shown: bool) -> Canvas | None:
    """The canvas; says why there is none where a terminal shows no pictures. Raises Malformed."""
    if shown and output != "text":
        raise Malformed(f"--picture shows it here, -o {output} writes it: give one of them")
    screen = _screen() if shown else None
    return Canvas(output, screen, linking(link_to)) if screen or output in FORMS else None


def _screen() -> Screen | None:
    from clusto_cli.pictures.terminal import screen

    if (found := screen()) is None and (app := click.get_current_context().find_object(App)) is not None:
        app.say("no picture: standard output is no terminal that shows them (kitty, iTerm2, sixel); -o svg writes one")
    return found


def linking(template: str | None) -> Link:
    """The links of an URL with `{name}` in it, behind which all of a name is quoted. Raises Malformed."""
    if template is None:
        from clusto_cli.pictures.description import nowhere

        return nowhere
    scheme, colon, _ = template.partition(":")
    if "{name}" not in template or (colon and "/" not in scheme and scheme.lower() not in ("http", "https", "file")):
        raise Malformed(
            f"no address with {{name}} in it: {template!r} (write --link-to https://dc.example/thing/{{name}})"
        )
    return lambda name: template.replace("{name}", _quoted(name))


def _write(picture: Picture, output: str) -> None:
    if output != "png":
        sys.stdout.write(_text(picture, output) + "\n")
        return
    if sys.stdout.isatty():
        raise Malformed("a PNG is no text for a terminal: write it to a file (> rack.png), or --picture")
    sys.stdout.flush()
    sys.stdout.buffer.write(_encoded(picture, output))


def _show(picture: Picture, screen: Screen) -> None:
    from clusto_cli.pictures.raster import png
    from clusto_cli.pictures.terminal import sequence

    image = png(picture, scheme="dark" if screen.dark else "light", width=screen.width)
    # What a pager shows is text.
    with streams.unpaged():
        sys.stdout.write(sequence(screen.protocol, image) + "\n")


def filed(folder: Path, pictures: Iterable[tuple[str, Picture]], output: str) -> list[Path]:
    """Writes pictures into a folder, each under the name that it has there; gives the files."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, picture in pictures:
        path = folder / file_name(name, output)
        path.write_bytes(_encoded(picture, output))
        written.append(path)
    return written


def file_name(name: str, output: str) -> str:
    """What the file of a Thing's picture is called: no name leads out of its folder, or hides in it."""
    quoted = _quoted(name)
    return f"{'%2E' + quoted[1:] if quoted.startswith('.') else quoted}.{output}"


def beside(names: Iterable[str], output: str) -> Link:
    """The links of files side by side."""
    known = set(names)
    return lambda name: _quoted(file_name(name, output)) if name in known else None


def _quoted(text: str) -> str:
    # Its import is dear, to whoever shows text.
    from urllib.parse import quote

    return quote(text, safe="")


def _encoded(picture: Picture, output: str) -> bytes:
    if output == "png":
        from clusto_cli.pictures.raster import png

        return png(picture)
    return f"{_text(picture, output)}\n".encode()


def _text(picture: Picture, output: str) -> str:
    from clusto_cli.pictures import rendering

    return rendering.html(picture) if output == "html" else rendering.svg(picture)

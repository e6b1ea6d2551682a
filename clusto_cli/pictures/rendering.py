"""Pictures as text: SVG to embed or to keep, and a page of HTML that stands alone."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from clusto_cli.markup import environment
from clusto_cli.pictures.description import Picture
from clusto_cli.pictures.layout.scene import Scene, scene
from clusto_cli.pictures.styles import ANY, stylesheet

if TYPE_CHECKING:
    from jinja2 import Environment


def svg(picture: Picture, *, scheme: str = ANY, styled: bool = True, ident: str = "picture") -> str:
    """An SVG. Without `styled`, the page that it is in has the style sheet; `ident` is what ids in it begin with."""
    return _svg(scene(picture), stylesheet(scheme) if styled else "", ident)


def html(picture: Picture) -> str:
    """A page that stands alone."""
    from markupsafe import Markup

    laid = scene(picture)
    page = _environment().get_template("picture.html")
    # The style sheet is our own, and the SVG was escaped when it was made.
    return page.render(scene=laid, style=Markup(stylesheet()), svg=Markup(_svg(laid, "", "picture")))


def _svg(laid: Scene, style: str, ident: str) -> str:
    from markupsafe import Markup

    return _environment().get_template("picture.svg").render(scene=laid, style=Markup(style), ident=ident)


@cache
def _environment() -> Environment:
    made = environment("clusto_cli.pictures").overlay()
    made.filters = {**made.filters, "px": _pixels}
    return made


def _pixels(number: float) -> str:
    """A length, to a tenth of a pixel."""
    return f"{number:.1f}".removesuffix(".0")

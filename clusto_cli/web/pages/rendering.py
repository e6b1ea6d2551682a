"""Pages as HTML: what all of them have, and how names lead from one to another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from clusto_cli.markup import environment
from clusto_cli.pictures import rendering as pictures
from clusto_cli.pictures.description import Picture
from clusto_cli.web.answering import HTML, Answer
from clusto_cli.web.asking import Asked

Query = Mapping[str, str | int | None] | Sequence[tuple[str, str | int | None]]


class Links:
    """Where pages are, at the moment that is asked about."""

    def __init__(self, moment: str | None = None) -> None:
        self.moment = moment

    def page(self, path: str, **query: str | int | None) -> str:
        """The address of a page, with what is asked of it."""
        known = {"at": self.moment, **query}
        asked = urlencode({name: value for name, value in known.items() if value not in (None, "")})
        return f"{path}?{asked}" if asked else path

    def thing(self, name: str, under: str = "", **query: str | int | None) -> str:
        """The page of a Thing or part, or one below it."""
        return self.page(f"/things/{quote(name, safe='')}{under}", **query)

    def network(self, name: str) -> str:
        """The page of a Network's addresses."""
        return self.page(f"/networks/{quote(name, safe='')}")

    def search(self, expression: str, **query: str | int | None) -> str:
        """What an expression selects."""
        return self.page("/", q=expression, **query)

    def transaction(self, number: int) -> str:
        """A transaction, which is the same at every moment."""
        return f"/history/{number}"


def page(asked: Asked, template: str, **values: Any) -> Answer:
    """A page, rendered."""
    links = Links(asked.moment)
    known = {"links": links, "asked": asked, "moment": asked.moment, "newest": asked.number, "here": asked.request.url}
    return Answer(rendered(template, {**known, **values}).encode(), HTML)


def rendered(template: str, values: Mapping[str, Any]) -> str:
    """A template of pages, filled in."""
    usual = {"moment": None, "newest": 0, "q": "", "live": False, "here": "/", "links": Links()}
    return environment(__package__ or "").get_template(template).render({**usual, **values})


def drawn(picture: Picture, ident: str = "picture") -> Any:
    """A picture to be put into a page, whose style sheet it uses."""
    from markupsafe import Markup

    # The template of pictures escapes all that is in them.
    return Markup(pictures.svg(picture, styled=False, ident=ident))

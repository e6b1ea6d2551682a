"""What pages load: one style sheet and one small program, both shipped; nothing is from elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files

from clusto_cli.pictures.styles import stylesheet
from clusto_cli.web.answering import Answer
from clusto_cli.web.routing import Static

_FOLDER = files(__package__ or "") / "static"


def routes() -> Iterator[Static]:
    """Both."""
    style = _read("style.css") + stylesheet()
    yield Static("/static/style.css", Answer(style.encode(), "text/css; charset=utf-8"))
    yield Static("/static/clusto.js", Answer(_read("clusto.js").encode(), "text/javascript; charset=utf-8"))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")

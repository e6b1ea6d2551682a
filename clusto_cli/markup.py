"""Templates that write markup: all that they are given is escaped, and nothing unseen is in it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from clusto_cli.visible import clean

if TYPE_CHECKING:
    from jinja2 import Environment


@cache
def environment(package: str) -> Environment:
    """The templates of a package, in its folder `templates`."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        finalize=_shown,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _shown(value: object) -> object:
    """What a template writes: nothing unseen, nor what XML cannot hold. What is marked up is written already."""
    return clean(value) if type(value) is str else value

"""rich's console as clusto uses it: made in one place, so that NO_COLOR holds wherever something is drawn."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def unwanted() -> bool:
    """Whether text is to be plain, neither coloured nor bold (https://no-color.org: a NO_COLOR that is not empty)."""
    return bool(os.environ.get("NO_COLOR"))


def console(*, soft_wrap: bool = False) -> Console:
    """A console on standard output, in which text means nothing but itself."""
    from rich.console import Console

    # rich itself leaves out the colours alone, and for an empty NO_COLOR too.
    plain = unwanted()
    return Console(
        color_system=None if plain else "auto", no_color=plain, highlight=False, markup=False, soft_wrap=soft_wrap
    )

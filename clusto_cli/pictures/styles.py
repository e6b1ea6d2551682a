"""The style sheet of pictures: colours in light and in dark."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_cli.pictures.palette import FAINT, FRAME, GROUND, HATCH, INK, LINE, PAINTS, Shades

FONT = 'ui-monospace, "DejaVu Sans Mono", "Liberation Mono", Menlo, Consolas, monospace'
SCHEMES = ("light", "dark")
ANY = "any"
"""Light or dark, as whoever looks at it prefers."""

_SHAPES = f""".clusto {{ font-family: {FONT}; }}
.clusto .box {{ stroke-width: 0.75; }}
.clusto .strong {{ font-weight: bold; }}
.clusto line {{ stroke-linecap: butt; }}
"""
_TOUCHED = """.clusto a:hover .box, .clusto a:focus .box { stroke-width: 2.5; }
.clusto a:hover text, .clusto a:focus text { text-decoration: underline; }
"""


def stylesheet(scheme: str = ANY) -> str:
    """The rules of CSS for one scheme, or for both."""
    if scheme != ANY:
        return _SHAPES + "".join(_colours(scheme))
    dark = "".join(f"  {rule}" for rule in _colours("dark"))
    return f"{_SHAPES}{_TOUCHED}{''.join(_colours('light'))}@media (prefers-color-scheme: dark) {{\n{dark}}}\n"


def _colours(scheme: str) -> Iterator[str]:
    def of(shades: Shades) -> str:
        return shades.light if scheme == "light" else shades.dark

    yield f".clusto .ground {{ fill: {of(GROUND)}; }}\n"
    yield f".clusto .frame {{ fill: {of(FRAME)}; stroke: {of(LINE)}; }}\n"
    yield f".clusto .rule {{ fill: {of(HATCH)}; }}\n"
    yield f".clusto .hatch {{ stroke: {of(HATCH)}; }}\n"
    yield f".clusto .box {{ stroke: {of(LINE)}; }}\n"
    yield f".clusto .ink, .clusto .strong {{ fill: {of(INK)}; }}\n"
    yield f".clusto .faint {{ fill: {of(FAINT)}; }}\n"
    yield f".clusto .line {{ stroke: {of(LINE)}; }}\n"
    for name, shades in PAINTS.items():
        yield f".clusto .paint-{name} {{ fill: {of(shades)}; }}\n"

"""Pictures as pixels: PNG, by resvg, and sixels, by Pillow. Both come with the extra `pictures`."""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from clusto_cli.pictures.description import Picture
from clusto_cli.pictures.layout.scene import scene
from clusto_cli.pictures.rendering import svg
from clusto_core.errors import Refused

if TYPE_CHECKING:
    from PIL.Image import Image

EXTRA = "pip install 'clusto[pictures]'"
_FONTS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts", "/System/Library/Fonts")
_COLOURS = 64
_BAND = 6
"""How many rows of pixels a row of sixels is."""


def png(picture: Picture, *, scheme: str = "light", width: int | None = None) -> bytes:
    """A PNG, no wider than so many pixels. Raises Refused where what draws it, or a font, is missing."""
    try:
        import resvg_py
    except ImportError:
        raise Refused(f"a PNG is drawn by resvg, which is not here: {EXTRA}, or -o svg") from None
    _check_fonts()
    wanted = round(scene(picture).width)
    narrowed = width if width is not None and width < wanted else None
    return bytes(resvg_py.svg_to_bytes(svg_string=svg(picture, scheme=scheme), width=narrowed))


def _check_fonts() -> None:
    if sys.platform == "win32":
        return
    folders = (Path(folder).expanduser() for folder in _FONTS)
    if not any(next(folder.rglob("*.[to]t[fc]"), None) for folder in folders):
        raise Refused("there is no font here that names could be drawn in: apt install fonts-dejavu-core, or -o svg")


def sixels(image: bytes) -> str:
    """A PNG as a sequence of sixels. Raises Refused where Pillow is missing.

    Source: DEC, VT330/VT340 Programmer Reference Manual, chapter 14.
    """
    try:
        from PIL import Image
    except ImportError:
        raise Refused(f"sixels are made by Pillow, which is not here: {EXTRA}, or -o svg") from None
    flat = Image.open(io.BytesIO(image)).convert("RGB").quantize(_COLOURS, dither=Image.Dither.NONE)
    return "".join(("\x1bPq", f'"1;1;{flat.width};{flat.height}', *_registers(flat), *_bands(flat), "\x1b\\"))


def _registers(flat: Image) -> Iterator[str]:
    """The colours, in hundredths."""
    palette = flat.getpalette() or []
    for number in range(len(palette) // 3):
        red, green, blue = (round(each * 100 / 255) for each in palette[3 * number : 3 * number + 3])
        yield f"#{number};2;{red};{green};{blue}"


def _bands(flat: Image) -> Iterator[str]:
    pixels, width = flat.tobytes(), flat.width
    for top in range(0, flat.height, _BAND):
        rows = [pixels[y * width : (y + 1) * width] for y in range(top, min(top + _BAND, flat.height))]
        colours = sorted(set().union(*rows))
        yield "$".join(f"#{colour}{_sixels_of(colour, rows)}" for colour in colours) + "-"


def _sixels_of(colour: int, rows: list[bytes]) -> str:
    """A band's pixels of one colour: one character for six, runs shortened."""
    bits = 0
    for place, row in enumerate(rows):
        mask = bytes(1 << place if each == colour else 0 for each in range(256))
        bits |= int.from_bytes(row.translate(mask))
    characters = bytes(each + 63 for each in bits.to_bytes(len(rows[0]))).decode("ascii")
    return re.sub(r"(.)\1{3,}", lambda run: f"!{len(run[0])}{run[1]}", characters)

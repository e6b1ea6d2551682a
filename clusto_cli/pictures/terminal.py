"""Pictures in place, on terminals that can: kitty's protocol, iTerm2's, sixels.

Which of them a terminal speaks is told by its environment, else by itself: it is asked for kitty's graphics, for the
colour of its ground, and for its attributes, which every terminal tells, so that nobody waits in vain.
Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/, https://iterm2.com/documentation-images.html, and
https://invisible-island.net/xterm/ctlseqs/ctlseqs.html (DA1: 4 is sixel graphics; OSC 11)
"""

from __future__ import annotations

import base64
import contextlib
import os
import re
import select
import sys
import time
from collections.abc import Iterator, Mapping
from typing import NamedTuple

KITTY, ITERM2, SIXEL = "kitty", "iterm2", "sixel"
_ASKED = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b]11;?\x1b\\\x1b[c"
_ATTRIBUTES = re.compile(rb"\x1b\[\?([\d;]*)c")
_GROUND = re.compile(rb"\x1b\]11;rgb:([0-9a-fA-F]+)/([0-9a-fA-F]+)/([0-9a-fA-F]+)")
_PATIENCE = 1.0
"""Seconds for an answer, over however long a line."""
_CHUNK = 4096


class Screen(NamedTuple):
    """How a terminal shows pictures, whether its ground is dark, and how wide it is in pixels, None where it does not
    tell."""

    protocol: str
    dark: bool
    width: int | None


def screen() -> Screen | None:
    """The terminal that standard output is; None where that is none, or shows no pictures."""
    if not sys.stdout.isatty() or os.environ.get("TERM") in (None, "dumb", "linux"):
        return None
    known = _told(os.environ)
    if known is None and os.environ.get("TERM_PROGRAM") == "Apple_Terminal":
        return None  # it would print what it is asked
    answer = _ask()
    protocol = known or _protocol(answer)
    return None if protocol is None else Screen(protocol, _is_dark(answer), _width())


def _told(environment: Mapping[str, str]) -> str | None:
    """What the environment tells. Within tmux or screen it is that of the terminal around them, and tells nothing."""
    if environment.get("TERM", "").startswith(("screen", "tmux")):
        return None
    program = environment.get("TERM_PROGRAM", "")
    if "KITTY_WINDOW_ID" in environment or environment.get("TERM") == "xterm-kitty" or program == "ghostty":
        return KITTY
    return ITERM2 if program in ("iTerm.app", "WezTerm") or environment.get("LC_TERMINAL") == "iTerm2" else None


def _protocol(answer: bytes) -> str | None:
    if b"\x1b_Gi=31;OK" in answer:
        return KITTY
    found = _ATTRIBUTES.search(answer)
    return SIXEL if found and b"4" in found[1].split(b";")[1:] else None


def _is_dark(answer: bytes) -> bool:
    """Whether the ground is nearer to black; of a terminal that does not tell, it is taken to be."""
    found = _GROUND.search(answer)
    return found is None or sum(int(each, 16) / 16 ** len(each) for each in found.groups()) < 1.5


def _ask() -> bytes:
    """What the terminal says of itself; nothing where it cannot be asked."""
    try:
        descriptor = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
    except OSError:
        return b""
    try:
        with _unechoed(descriptor):
            os.write(descriptor, _ASKED)
            return _answer(descriptor)
    finally:
        os.close(descriptor)


def _answer(descriptor: int) -> bytes:
    answer, end = b"", time.monotonic() + _PATIENCE
    while not _ATTRIBUTES.search(answer) and (left := end - time.monotonic()) > 0:
        ready, _, _ = select.select([descriptor], [], [], left)
        if not ready or not (more := os.read(descriptor, 1024)):
            break
        answer += more
    return answer


@contextlib.contextmanager
def _unechoed(descriptor: int) -> Iterator[None]:
    import termios
    import tty

    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield
    finally:
        termios.tcsetattr(descriptor, termios.TCSAFLUSH, before)


def _width() -> int | None:
    import fcntl
    import struct
    import termios

    try:
        answer = fcntl.ioctl(1, termios.TIOCGWINSZ, bytes(8))
    except OSError:
        return None
    return struct.unpack("HHHH", answer)[2] or None


def sequence(protocol: str, image: bytes) -> str:
    """A PNG as what shows it. Raises Refused where a part that makes it is missing."""
    if protocol == KITTY:
        return _kitty(image)
    if protocol == ITERM2:
        encoded = base64.b64encode(image).decode("ascii")
        return f"\x1b]1337;File=inline=1;size={len(image)};preserveAspectRatio=1:{encoded}\x07"
    from clusto_cli.pictures.raster import sixels

    return sixels(image)


def _kitty(image: bytes) -> str:
    """In pieces, of which all but the last say that there are more; no answer is wanted (q=2)."""
    encoded = base64.b64encode(image).decode("ascii")
    pieces = [encoded[start : start + _CHUNK] for start in range(0, len(encoded), _CHUNK)]
    last = len(pieces) - 1
    heads = (f"{'a=T,f=100,q=2,' if place == 0 else ''}m={int(place < last)}" for place in range(len(pieces)))
    return "".join(f"\x1b_G{head};{piece}\x1b\\" for head, piece in zip(heads, pieces, strict=True))

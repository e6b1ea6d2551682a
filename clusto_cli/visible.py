"""Text for a terminal: what a device, a file or an attribute holds, as characters that a terminal only shows.

The one place that decides what is shown as it is. Everything that is printed for a person passes through `clean`, bytes
of a device through `visible`; nothing in them can move the cursor, colour, answer, turn the direction of writing round
or stand there unseen.
"""

from __future__ import annotations

import re

# ECMA-48: CSI sequences; OSC, DCS, APC, PM and SOS strings up to their end; the shorter escapes.
_SEQUENCE = (
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c|\Z)|\x1b[ -/]*[0-~]|\x9b[0-?]*[ -/]*[@-~]"
)


def clean(text: str) -> str:
    """The text with every character spelled out (`\\x1b`) that Unicode has not as printable: controls, line ends,
    bidirectional overrides, zero widths, blanks other than the space. A tab stays.
    """
    # Nearly every text is printable but for its tabs, and needs no look at each of its characters.
    if text.isprintable() or text.replace("\t", " ").isprintable():
        return text
    return "".join(map(_shown, text))


def _shown(character: str) -> str:
    if character.isprintable() or character == "\t":
        return character
    if character == "\n":
        return "\\n"
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def visible(data: bytes) -> str:
    """One line's bytes as text. Escape sequences are left out; any other byte that is not text is spelled out."""
    text = data.decode("utf-8", "backslashreplace")
    return text if text.isprintable() else clean(re.sub(_SEQUENCE, "", text))


def one_line(said: bytes | str) -> str:
    """What was said as one line of a message: blanks for line ends, nothing for escape sequences and for NUL."""
    data = said.encode("utf-8", "surrogateescape") if isinstance(said, str) else said
    return visible(b" ".join(data.replace(b"\0", b"").split()))

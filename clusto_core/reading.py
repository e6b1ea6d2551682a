"""The one door for text that comes from outside in octets: files, standard input, settings.

`transfer.files` has the other one, for files of which all faults are told, line by line.
"""

from __future__ import annotations

from typing import IO

from clusto_core.errors import Malformed


def decoded(content: bytes, where: str, first_line: int = 1) -> str:
    """The text that is in octets. Raises Malformed for what is no UTF-8 (RFC 3629), naming the line and the octet."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + first_line
        place = error.start - content.rfind(b"\n", 0, error.start)
        raise Malformed(
            f"{where}:{line}: not text in UTF-8: octet {place} of the line is 0x{content[error.start]:02x}"
        ) from None


def lines(file: IO[str], where: str) -> list[str]:
    """The lines of an open text, each decoded by itself. Raises Malformed as `decoded`."""
    octets = getattr(file, "buffer", None)
    if octets is None:
        return list(file)
    return [decoded(line, where, number) for number, line in enumerate(octets, 1)]

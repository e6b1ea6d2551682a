"""Passing every byte through a program that takes some of them for commands of its own."""

from __future__ import annotations

import re

from clusto_cli.backends.console.profile import EscapeKey
from clusto_cli.backends.errors import Refused

_LINE_ENDS = b"\r\n"


class EscapeGuard:
    """Doubles a program's escape character wherever, and only where, the program would act on it.

    It follows the program's own state, which is a function of the bytes typed so far: ssh and ipmitool begin at the
    start of a line, and are there again after a carriage return or line feed.
    """

    def __init__(self, escape: EscapeKey) -> None:
        self._escape = escape
        self._special = re.compile(rb"(?:^|(?<=[\r\n]))" + re.escape(escape.key)) if escape.line_start else None
        self.at_line_start = True

    def encode(self, data: bytes) -> bytes:
        """These bytes, as the program passes them on unchanged. Raises Refused for a byte that it cannot pass on."""
        if not data:
            return data
        escape = self._escape
        if escape.key not in data:
            self.at_line_start = data[-1] in _LINE_ENDS
            return data
        if not escape.literal:
            raise Refused(
                f"byte {escape.key[0]:#04x} cannot be passed on: it is the escape key of the program in between"
            )
        first_is_special = self.at_line_start
        self.at_line_start = data[-1] in _LINE_ENDS
        if self._special is None:
            return data.replace(escape.key, escape.literal)
        if data[:1] == escape.key and not first_is_special:
            return escape.key + self._special.sub(lambda _: escape.literal, b"." + data[1:])[1:]
        return self._special.sub(lambda _: escape.literal, data)

    def broke(self) -> None:
        """A break was typed."""
        if self._escape.break_resets:
            self.at_line_start = False

    @property
    def commands_work(self) -> bool:
        """Whether the program would take a command of its own now."""
        return self.at_line_start or not self._escape.line_start

"""The telnet protocol as serial ports are served by it, without any input or output of its own.

RFC 854 and 855 (the protocol), 856 (binary), 857 (echo), 858 (suppress go ahead), 1073 (window size), 1091 (terminal
type), 1143 (how to agree on options without loops), 2217 (a serial port's own settings, of which a break is one).
"""

from __future__ import annotations

import struct
from collections.abc import Callable

IAC, DONT, DO, WONT, WILL, SB, BRK, SE = 255, 254, 253, 252, 251, 250, 243, 240
BINARY, ECHO, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, WINDOW_SIZE, COM_PORT = 0, 1, 3, 24, 31, 44
_IS, _SEND = 0, 1
_SET_CONTROL, _BREAK_ON, _BREAK_OFF = 5, 5, 6

# A subnegotiation that is longer than this is not one that anybody means: it is dropped, not stored.
_LONGEST = 4096


class TelnetCodec:
    """One connection's two directions: `feed` what arrives, `encode` what is typed.

    com_port: offer RFC 2217. What is to be sent to the other side because of what arrived comes back from `feed`.
    """

    def __init__(self, *, com_port: bool = False, terminal: str = "xterm", rows: int = 24, columns: int = 80) -> None:
        self._wanted_here = {BINARY, SUPPRESS_GO_AHEAD, TERMINAL_TYPE, WINDOW_SIZE} | (
            {COM_PORT} if com_port else set()
        )
        self._wanted_there = {BINARY, SUPPRESS_GO_AHEAD, ECHO}
        self._terminal = terminal.encode("ascii", "replace")
        self._size = (rows, columns)
        # RFC 1143: what is on, and what has been asked for and not been answered.
        self._here: set[int] = set()
        self._there: set[int] = set()
        self._asked_here: set[int] = set()
        self._asked_there: set[int] = set()
        self._state: Callable[[int], None] | None = None
        self._verb = 0
        self._sub = bytearray()
        self._after_return = False
        self._reply = bytearray()
        self._heard = bytearray()

    def start(self) -> bytes:
        """What a client says first: both directions are to carry all 256 bytes."""
        out = bytearray()
        for option in sorted({BINARY} | ({COM_PORT} & self._wanted_here)):
            self._asked_here.add(option)
            out += bytes((IAC, WILL, option))
        for option in (BINARY, SUPPRESS_GO_AHEAD):
            self._asked_there.add(option)
            out += bytes((IAC, DO, option))
        return bytes(out)

    def feed(self, data: bytes) -> tuple[bytes, bytes]:
        """What arrived, as the bytes that the serial port sent, and what to answer."""
        position = 0
        while position < len(data):
            if self._state is not None:
                self._state(data[position])
                position += 1
                continue
            end = data.find(IAC, position)
            self._take(data[position:] if end < 0 else data[position:end])
            if end < 0:
                break
            self._state = self._command
            position = end + 1
        heard, reply = bytes(self._heard), bytes(self._reply)
        self._heard.clear()
        self._reply.clear()
        return heard, reply

    def encode(self, data: bytes) -> bytes:
        """What is typed, as it goes on the wire."""
        if IAC in data:
            data = data.replace(b"\xff", b"\xff\xff")
        if BINARY not in self._here and b"\r" in data:
            data = data.replace(b"\r", b"\r\0")
        return data

    def resize(self, rows: int, columns: int) -> bytes:
        """What tells the other side the window's size, if it asked for that (RFC 1073)."""
        self._size = (rows, columns)
        return self._window_size() if WINDOW_SIZE in self._here else b""

    def break_parts(self) -> tuple[bytes, bytes]:
        """What starts a break, and what ends it a moment later; empty where the other side ends it by itself."""
        if COM_PORT in self._here:
            on, off = (bytes((IAC, SB, COM_PORT, _SET_CONTROL, value, IAC, SE)) for value in (_BREAK_ON, _BREAK_OFF))
            return on, off
        return bytes((IAC, BRK)), b""

    def _window_size(self) -> bytes:
        size = struct.pack("!HH", self._size[1], self._size[0]).replace(b"\xff", b"\xff\xff")
        return bytes((IAC, SB, WINDOW_SIZE)) + size + bytes((IAC, SE))

    def _take(self, data: bytes) -> None:
        """Bytes of the serial port; outside of binary mode a carriage return by itself comes as CR NUL."""
        if not data:
            return
        returned = data.endswith(b"\r")
        if BINARY not in self._there:
            if self._after_return and data[0] == 0:
                data = data[1:]
            data = data.replace(b"\r\0", b"\r")
        self._after_return = returned
        self._heard += data

    # The states of reading a command, each of which takes one byte; None while it is the serial port's bytes.

    def _command(self, byte: int) -> None:
        self._state = None
        if byte == IAC:
            self._heard.append(IAC)
            self._after_return = False
        elif byte in (WILL, WONT, DO, DONT):
            self._verb = byte
            self._state = self._option
        elif byte == SB:
            self._sub.clear()
            self._state = self._subnegotiation

    def _subnegotiation(self, byte: int) -> None:
        if byte == IAC:
            self._state = self._subnegotiation_command
        elif len(self._sub) < _LONGEST:
            self._sub.append(byte)

    def _subnegotiation_command(self, byte: int) -> None:
        if byte == IAC:
            self._state = self._subnegotiation
            self._sub.append(IAC)
            return
        self._state = None
        if byte == SE and self._sub[:2] == bytes((TERMINAL_TYPE, _SEND)) and TERMINAL_TYPE in self._here:
            self._reply += bytes((IAC, SB, TERMINAL_TYPE, _IS)) + self._terminal + bytes((IAC, SE))

    def _option(self, option: int) -> None:
        self._state = None
        if self._verb in (WILL, WONT):
            self._agree(option, self._verb == WILL, self._there, self._asked_there, self._wanted_there, (DO, DONT))
        else:
            turned_on = self._agree(
                option, self._verb == DO, self._here, self._asked_here, self._wanted_here, (WILL, WONT)
            )
            if turned_on and option == WINDOW_SIZE:
                self._reply += self._window_size()

    def _agree(
        self, option: int, on: bool, active: set[int], asked: set[int], wanted: set[int], answers: tuple[int, int]
    ) -> bool:
        """Takes the other side's word on one option; answers only a change of state, so that no loop can start."""
        pending = option in asked
        asked.discard(option)
        if not on:
            if option in active:
                active.discard(option)
                self._reply += bytes((IAC, answers[1], option))
            return False
        if option in active:
            return False
        if option not in wanted:
            self._reply += bytes((IAC, answers[1], option))
            return False
        active.add(option)
        if not pending:
            self._reply += bytes((IAC, answers[0], option))
        return True

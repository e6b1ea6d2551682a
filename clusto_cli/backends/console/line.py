"""An open line: a channel, what its protocol adds, and what its vendor says. The ConsoleLine of every vendor."""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.channels import CHUNK, Channel
from clusto_cli.backends.console.escaping import EscapeGuard
from clusto_cli.backends.console.opening import Opening, ended, last_words
from clusto_cli.backends.console.ports import NameCheck, PortStatus
from clusto_cli.backends.console.telnet import TelnetCodec
from clusto_cli.backends.errors import Busy, DeviceError, LineLost, Refused, Unreachable

if TYPE_CHECKING:
    from clusto_cli.backends.console.way import Way

BREAK_SECONDS = 0.3
_LEAVE_PATIENCE = 1.0
_TAIL = 2048


class Line:
    """See ConsoleLine; made by Access.open."""

    def __init__(
        self, access: Way, channel: Channel, attach: Attach, *, rows: int, columns: int, interactive: bool
    ) -> None:
        self._access = access
        self._method = access.method
        self._channel = channel
        self._opening = Opening(
            access.method, access.values, attach, interactive, access.where, access.speaker, access.settings
        )
        self._guard = EscapeGuard(access.escape) if access.escape else None
        self._pending = bytearray()
        self._tail = bytearray()
        self._closed = False
        self._taken_away = False
        self._leaves_until: float | None = None
        self._held = bytearray()
        self._status: PortStatus | None = None
        self._check: NameCheck | None = None
        if access.profile.listing is not None and access.profile.listing.completes:
            self._check = NameCheck(access)
        self._codec: TelnetCodec | None = None
        if self._method.transport in ("telnet", "rfc2217"):
            self._codec = TelnetCodec(
                com_port=self._method.transport == "rfc2217",
                terminal=os.environ.get("TERM", "dumb"),
                rows=rows,
                columns=columns,
            )
            self._pending += self._codec.start()

    @property
    def ready(self) -> bool:
        return self._opening.ready and self._check is None

    @property
    def status(self) -> PortStatus | None:
        """What the server says of the port, where it was asked when the port was attached."""
        return self._status

    @property
    def backlog(self) -> int:
        return len(self._pending) + len(self._held)

    def waits_for(self, *, reading: bool = True) -> dict[int, int]:
        return self._channel.waits_for(reading=reading, writing=bool(self._pending))

    def read(self) -> bytes:
        try:
            return self._read()
        except (Busy, LineLost):
            self._taken_away = True
            raise

    def _read(self) -> bytes:
        try:
            self._flush()
            data = self._take()
        except Unreachable as error:
            if self._method.busy and self._method.busy.search(str(error).encode()):
                raise Busy(str(error)) from error
            raise
        if data == b"":
            raise self._end()
        data = data or b""
        if self._codec is not None and data:
            data, reply = self._codec.feed(data)
            self._pending += reply
        if not self._opening.settled:
            self._pending += self._opening.hear(data, self._channel.established)
        if self._check is not None and self._check.done():
            self._status, self._check = self._check.status, None
            held, self._held = bytes(self._held), bytearray()
            self.write(held)
        if data:
            self._tail += data
            del self._tail[:-_TAIL]
            if self._method.lost and self.ready and (match := self._method.lost.search(self._tail)):
                raise LineLost(f"{self._opening.where}: {last_words(bytes(self._tail[: match.end()]))}")
        self._flush()
        return data

    def _take(self) -> bytes | None:
        """What there is, in one piece: a pseudo-terminal gives 4 KiB at a time."""
        first = self._channel.read()
        if not first or len(first) >= CHUNK or not self._opening.settled:
            return first
        pieces, size = [first], len(first)
        while size < CHUNK and (piece := self._channel.read()):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)

    def _end(self) -> DeviceError:
        """What the end of the channel means."""
        status = self._channel.status
        if not self._opening.ready or (not self._opening.settled and status not in (0, None)):
            return self._opening.failure(status, self._channel.remarks)
        words = last_words(self._channel.remarks or bytes(self._tail)) if status not in (0, None) else ""
        return LineLost(f"{self._opening.where}: {words or ended(status)}", clean=status == 0)

    def write(self, data: bytes) -> None:
        if not self._opening.ready:
            self._opening.typed()
        elif self._check is not None:
            self._held += data
            return
        elif self._guard is not None:
            data = self._guard.encode(data)
        self._pending += self._codec.encode(data) if self._codec is not None else data
        self._flush()

    def _flush(self) -> None:
        while self._pending:
            taken = self._channel.write(bytes(self._pending[:65536]))
            if not taken:
                return
            del self._pending[:taken]

    def send_break(self) -> None:
        if not self.ready:
            raise Refused("no break: the port is not attached yet")
        if keys := self._access.break_keys:
            if self._guard is not None and not self._guard.commands_work:
                raise Refused("a break can be sent here only at the start of a line: press Enter, then try again")
            self._pending += keys
            if self._guard is not None:
                self._guard.broke()
            self._flush()
        elif self._codec is not None:
            begin, end = self._codec.break_parts()
            self._pending += begin
            self._flush()
            if end:
                time.sleep(BREAK_SECONDS)
                self._pending += end
                self._flush()
        elif not self._channel.send_break():
            raise Refused(f"a break cannot be sent over {self._method.transport}")

    def resize(self, rows: int, columns: int) -> None:
        self._channel.resize(rows, columns)
        if self._codec is not None:
            self._pending += self._codec.resize(rows, columns)
            self._flush()

    def leave(self) -> None:
        if self._closed or self._leaves_until is not None:
            return
        self._leaves_until = time.monotonic()
        if self._method.leave and self._takes_leave():
            # What is not passed on yet would keep the order to leave from being heard.
            self._pending[:] = self._method.leave
            self._leaves_until += _LEAVE_PATIENCE
            with contextlib.suppress(OSError, DeviceError):
                self._flush()

    def _takes_leave(self) -> bool:
        """Whether the program would take the order to leave now, and would not end another's session by it."""
        if self._taken_away:
            # conserver lets us look on where somebody else types: leaving that ends nothing of his.
            return self._opening.ready and not self._method.release
        if not self._opening.ready:
            # It reads what is typed as soon as it has the port, and gives it back at once.
            return bool(self._method.release)
        return self._check is None and (self._guard is None or self._guard.commands_work)

    def close(self) -> None:
        if self._closed:
            return
        self.leave()
        self._closed = True
        if self._check is not None:
            self._check.close()
        assert self._leaves_until is not None
        by_itself = self._channel.close(max(0.0, self._leaves_until - time.monotonic()))
        if self._method.release and not by_itself and self._holds():
            with contextlib.suppress(DeviceError):
                self._access.release()

    def _holds(self) -> bool:
        """Whether the port was given to us, and nobody has said since that it is another's."""
        if self._taken_away:
            return False
        ready = self._method.ready
        return self._opening.ready or (ready is not None and bool(ready.search(self._channel.remarks)))

"""A way to a port on which a short command goes first: what frees the port, where it is to be taken over."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence

from clusto_cli import children
from clusto_cli.backends.console.channels import Channel, readable
from clusto_cli.backends.errors import Refused, Unreachable

# Programs that nobody answers give up by themselves; one that does not is ended.
_LONGEST = 20.0
MOST = 1024 * 1024
"""Octets of a command's output that are read."""


def start(argv: Sequence[str], environment: Mapping[str, str], *, output: int) -> subprocess.Popen[bytes]:
    """Starts a command that asks nothing of anybody; `output` is as for Popen. Raises Unreachable where it cannot."""
    try:
        # In a session of its own it cannot ask anything of the operator's terminal.
        return subprocess.Popen(
            argv,
            env=children.environment(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except FileNotFoundError as error:
        raise Unreachable(f"{argv[0]} is not installed here") from error
    except OSError as error:
        raise Unreachable(f"{argv[0]} cannot be run: {error.strerror or error}") from error


def said_by(process: subprocess.Popen[bytes], name: str) -> bytes:
    """What a command prints until it ends. Raises Refused for one that prints or takes more than anybody waits for."""
    out = process.stdout
    assert out is not None
    said = bytearray()
    deadline = time.monotonic() + _LONGEST
    try:
        while readable(out.fileno(), max(0.0, deadline - time.monotonic())):
            data = os.read(out.fileno(), 65536)
            if not data:
                process.wait(max(0.1, deadline - time.monotonic()))
                return bytes(said)
            said += data
            if len(said) > MOST:
                raise Refused(f"{name} prints more than {MOST} octets")
        raise Refused(f"{name} did not end within {_LONGEST:g} s")
    except subprocess.TimeoutExpired as error:
        raise Refused(f"{name} did not end within {_LONGEST:g} s") from error
    finally:
        process.kill()
        process.wait()
        out.close()


class PreparedChannel:
    """The Channel that `opens` makes, as soon as the command has ended; how it ended shows in what comes after."""

    def __init__(self, first: subprocess.Popen[bytes], opens: Callable[[], Channel]) -> None:
        self._first = first
        self._opens = opens
        self._deadline = time.monotonic() + _LONGEST
        self._size: tuple[int, int] | None = None
        self._channel: Channel | None = None

    @property
    def established(self) -> bool:
        return self._channel is not None and self._channel.established

    @property
    def status(self) -> int | None:
        return self._channel.status if self._channel is not None else None

    @property
    def remarks(self) -> bytes:
        return self._channel.remarks if self._channel is not None else b""

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        if self._channel is not None:
            return self._channel.waits_for(reading=reading, writing=writing)
        assert self._first.stdout is not None
        return {self._first.stdout.fileno(): select.POLLIN}

    def read(self) -> bytes | None:
        if self._channel is None and not self._prepared():
            return None
        assert self._channel is not None
        return self._channel.read()

    def _prepared(self) -> bool:
        assert self._first.stdout is not None
        if readable(self._first.stdout.fileno()) and os.read(self._first.stdout.fileno(), 4096):
            return False
        if self._first.poll() is None:
            if time.monotonic() > self._deadline:
                self._first.kill()
            return False
        self._first.stdout.close()
        self._channel = self._opens()
        if self._size is not None:
            self._channel.resize(*self._size)
        return True

    def write(self, data: bytes) -> int:
        return self._channel.write(data) if self._channel is not None else 0

    def resize(self, rows: int, columns: int) -> None:
        self._size = rows, columns
        if self._channel is not None:
            self._channel.resize(rows, columns)

    def send_break(self) -> bool:
        return self._channel is not None and self._channel.send_break()

    def close(self, patience: float = 0.0) -> bool:
        if self._channel is not None:
            return self._channel.close(patience)
        self._first.kill()
        self._first.wait()
        with contextlib.suppress(OSError):
            assert self._first.stdout is not None
            self._first.stdout.close()
        return True

"""HAProxy's runtime socket: a line with commands, and what it answers until it closes (management.txt, 9.3)."""

from __future__ import annotations

import contextlib
import socket
import time
from typing import NamedTuple

from clusto_cli.backends.errors import Refused, Unreachable

LONGEST_ANSWER = 32 * 1024 * 1024
"""Octets: a backend of 10,000 servers is a tenth of that."""
LONGEST_LINE = 8000
"""Octets of a line: HAProxy takes what fits into a buffer, of 16 KiB unless it is set smaller."""
_PIECE = 65536
_RELOADING = 1.0
"""Seconds for which a socket is tried again that refuses: it does while HAProxy hands it to a new process."""
_LOOK = 0.05


class Where(NamedTuple):
    """A unix socket's path, or a host and port."""

    path: str
    port: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.port}" if self.port else self.path


def ask(where: Where, line: str, timeout: float) -> str:
    """What HAProxy answers to one line. Raises Unreachable, Refused for an answer that is too long or no text."""
    deadline = time.monotonic() + timeout
    answer = bytearray()
    try:
        with contextlib.closing(_connected(where, timeout)) as stream:
            stream.sendall(f"{line}\n".encode("ascii"))
            while True:
                stream.settimeout(max(0.001, deadline - time.monotonic()))
                data = stream.recv(_PIECE)
                if not data:
                    break
                answer += data
                if len(answer) > LONGEST_ANSWER:
                    raise Refused(f"{where} answers more than {LONGEST_ANSWER} octets")
    except TimeoutError:
        raise Unreachable(f"{where}: no answer within {timeout:g} s (balancer.timeout)") from None
    except OSError as error:
        raise Unreachable(f"{where}: {error.strerror or error} (balancer.socket)") from None
    return answer.decode("utf-8", "replace")


def _connected(where: Where, timeout: float) -> socket.socket:
    deadline = time.monotonic() + min(timeout, _RELOADING)
    while True:
        try:
            return _connect(where, timeout)
        except ConnectionRefusedError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)


def _connect(where: Where, timeout: float) -> socket.socket:
    if where.port:
        return socket.create_connection((where.path, where.port), timeout)
    stream = socket.socket(socket.AF_UNIX)
    try:
        stream.settimeout(timeout)
        stream.connect(where.path)
    except BaseException:
        stream.close()
        raise
    return stream

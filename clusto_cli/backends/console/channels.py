"""Where a console's bytes go: a program in a terminal of its own, a socket, a serial port of this machine.

Every channel is read and written without blocking. `read` gives the bytes there are, None for nothing yet, and `b""`
at the end of it all.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import select
import signal
import socket
import struct
import termios
import threading
import time
import tty
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from clusto_cli import children
from clusto_cli.backends.errors import Busy, Refused, Unreachable

CHUNK = 65536
_REMARKS = 2048
_TIOCGEXCL = 0x80045440
"""Whether somebody keeps a terminal to himself: ioctl_tty(2), Linux 3.8 and later; `termios` does not have it."""


class Channel(Protocol):
    """One open way to a port."""

    @property
    def established(self) -> bool:
        """Whether bytes that are written now go to the other side, and not to a prompt of the program in between."""

    @property
    def status(self) -> int | None:
        """The program's exit status after the end, None where there is no program."""

    @property
    def remarks(self) -> bytes:
        """The last of what the program in between said for itself since the port was attached."""

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        """Descriptors and poll events, for reading and for writing."""

    def read(self) -> bytes | None: ...
    def write(self, data: bytes) -> int: ...
    def resize(self, rows: int, columns: int) -> None: ...
    def send_break(self) -> bool: ...
    def close(self, patience: float = 0.0) -> bool:
        """Ends it; `patience` seconds are left for the program to go by itself. Whether it did."""


def _events(reading: bool, writing: bool) -> int:
    return (select.POLLIN if reading else 0) | (select.POLLOUT if writing else 0)


def readable(fd: int, seconds: float = 0.0) -> bool:
    """Whether something, or the end, can be read now, or within so many seconds."""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


class ProcessChannel:
    """A program in a pseudo-terminal: ssh, conserver's client, ipmitool...

    apart: the program's standard output is a pipe, so that what it passes on comes quicker than a terminal lets it,
    and apart from what it says for itself: prompts and errors. That is for ssh, which asks on its terminal, needs one
    on its standard input only, and makes that raw when the session is open, and not before.
    """

    def __init__(self, argv: Sequence[str], env: Mapping[str, str], *, raw: bool, rows: int, columns: int, apart: bool):
        from ptyprocess import PtyProcess

        self._output: int | None = None
        passed: tuple[int, ...] = ()
        if apart:
            self._output, theirs = os.pipe()
            passed = (theirs,)
            os.set_blocking(self._output, False)
        try:
            self._child = PtyProcess.spawn(
                list(argv),
                env=children.environment(env),
                dimensions=(rows, columns),
                pass_fds=passed,
                preexec_fn=(lambda: _standard_output(theirs)) if apart else None,
            )
        except FileNotFoundError as error:
            raise Unreachable(f"{argv[0]} is not installed here") from error
        except OSError as error:
            raise Unreachable(f"{argv[0]} cannot be run: {error.strerror or error}") from error
        finally:
            for fd in passed:
                os.close(fd)
        self._fd: int = self._child.fd
        if raw:
            tty.setraw(self._fd, termios.TCSANOW)
        os.set_blocking(self._fd, False)
        self._prompting = apart
        self._talks = True
        self._remarks = bytearray()
        self._status: int | None = None
        self._closed = False

    @property
    def established(self) -> bool:
        if self._prompting and not self._closed:
            with contextlib.suppress(termios.error):
                self._prompting = bool(termios.tcgetattr(self._fd)[3] & termios.ICANON)
        return not self._prompting

    @property
    def status(self) -> int | None:
        return self._status

    @property
    def remarks(self) -> bytes:
        return bytes(self._remarks)

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        found = {self._output: _events(reading, False)} if self._output is not None else {}
        if self._talks:
            found[self._fd] = _events(reading, writing)
        return {fd: events for fd, events in found.items() if events}

    def read(self) -> bytes | None:
        said = self._read_terminal() if self._talks else b""
        if self._output is None:
            if said == b"":
                self._reap(1.0)
            return said
        if said and not self.established:
            return said
        if said:
            self._remarks += said
            del self._remarks[:-_REMARKS]
        try:
            data = os.read(self._output, CHUNK)
        except BlockingIOError:
            # A program left in the background, ssh's own multiplexer, may keep the pipe: our child's end is the end.
            return b"" if said == b"" and self._reap(0.0) and not self._anything_left() else None
        if not data:
            # Its last words come after that.
            self._reap(1.0)
            while self._talks and (said := self._read_terminal()):
                self._remarks += said
        return data

    def _read_terminal(self) -> bytes | None:
        try:
            data = os.read(self._fd, CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""  # Linux says so when the last one has closed the other end.
        self._talks = bool(data)
        return data

    def _anything_left(self) -> bool:
        assert self._output is not None
        return readable(self._output)

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)  # The end is near: `read` tells of it.

    def resize(self, rows: int, columns: int) -> None:
        if not self._closed:
            self._child.setwinsize(rows, columns)

    def send_break(self) -> bool:
        return False

    def _reap(self, patience: float) -> bool:
        """Waits for the program's end, at most so many seconds."""
        deadline = time.monotonic() + patience
        while self._status is None:
            if not self._child.isalive():
                ended, signalled = self._child.exitstatus, self._child.signalstatus
                self._status = ended if ended is not None else -(signalled or 0)
                break
            if time.monotonic() >= deadline:
                return False
            # A program that still talks while it goes would wait for a reader for ever.
            for fd in filter(None, (self._fd, self._output)):
                with contextlib.suppress(OSError):
                    said = os.read(fd, CHUNK)
                    if fd == self._fd:
                        self._remarks += said
            time.sleep(0.005)
        return True

    def close(self, patience: float = 0.0) -> bool:
        if self._closed:
            return True
        self._closed = True
        went = self._reap(patience)
        for number, wait in ((signal.SIGHUP, 0.5), (signal.SIGTERM, 0.5), (signal.SIGKILL, 5.0)):
            if self._status is not None:
                break
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._child.pid, number)
            self._reap(wait)
        # The child is gone and reaped: nothing is left to wait for.
        self._child.delayafterclose = 0
        self._child.close(force=False)
        if self._output is not None:
            os.close(self._output)
        return went


def _standard_output(fd: int) -> None:
    os.dup2(fd, 1)
    os.close(fd)


_Address = tuple[socket.AddressFamily, socket.SocketKind, int, str, Any]


class SocketChannel:
    """A TCP or unix socket."""

    def __init__(self, host: str, port: int) -> None:
        self._where = f"{host} port {port}"
        self._connecting = True
        self._lookup: _Lookup | None = None
        try:
            numeric = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
            self._addresses: list[_Address] = list(
                socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=numeric)
            )
        except socket.gaierror:
            self._lookup = _Lookup(host, port)
            self._socket = self._lookup.answered
        else:
            self._socket = self._dial()

    @classmethod
    def unix(cls, path: str) -> SocketChannel:
        """A channel to a unix socket. Raises Unreachable at once where nobody listens on it."""
        channel = cls.__new__(cls)
        channel._addresses = []
        channel._where = path
        channel._lookup = None
        channel._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        channel._socket.setblocking(False)
        channel._connecting = False
        try:
            channel._socket.connect(path)
        except BlockingIOError as error:
            channel._socket.close()
            raise Busy(f"{path}: its queue of connections is full") from error
        except OSError as error:
            channel._socket.close()
            raise Unreachable(f"{path}: {error.strerror}") from error
        return channel

    def _dial(self) -> socket.socket:
        """Starts to connect to the next address there is."""
        family, kind, protocol, _, address = self._addresses.pop(0)
        dialled = socket.socket(family, kind, protocol)
        dialled.setblocking(False)
        dialled.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # A console server that went away must be noticed, or the port stays taken for ever.
        dialled.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, option):
                dialled.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
        self._connecting = True
        error = dialled.connect_ex(address)
        if error not in (0, errno.EINPROGRESS):
            dialled.close()
            return self._next(error)
        return dialled

    def _next(self, error: int) -> socket.socket:
        if self._addresses:
            return self._dial()
        raise Unreachable(f"{self._where}: {os.strerror(error)}")

    @property
    def established(self) -> bool:
        return not self._connecting

    @property
    def status(self) -> int | None:
        return None

    remarks = b""

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        if self._lookup is not None:
            return {self._socket.fileno(): select.POLLIN}
        events = _events(reading, writing or self._connecting)
        return {self._socket.fileno(): events} if events else {}

    def _settle(self) -> bool:
        """Whether the connection stands."""
        if not self._connecting:
            return True
        if self._lookup is not None:
            if (found := self._lookup.found()) is None:
                return False
            self._addresses, self._lookup = found, None
            self._socket = self._dial()
        if error := self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._socket.close()
            self._socket = self._next(error)
            return False
        try:
            self._socket.getpeername()
        except OSError:
            return False
        self._connecting = False
        return True

    def read(self) -> bytes | None:
        if not self._settle():
            return None
        try:
            return self._socket.recv(CHUNK)
        except BlockingIOError:
            return None
        except ConnectionError:
            return b""
        except OSError as error:
            raise Unreachable(f"{self._where}: {error.strerror}") from error

    def write(self, data: bytes) -> int:
        if not self._settle():
            return 0
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0
        except OSError:
            return len(data)  # The end is near: `read` tells of it.

    def resize(self, rows: int, columns: int) -> None:
        """A socket has no size; telnet's is told by its codec."""

    def send_break(self) -> bool:
        return False

    def close(self, patience: float = 0.0) -> bool:
        if self._lookup is not None:
            self._lookup.forget()
        else:
            self._socket.close()
        return True


class _Lookup:
    """The addresses of a name, asked in a thread: the system's resolver takes its time, and heeds no signal."""

    def __init__(self, host: str, port: int) -> None:
        self.answered, self._answering = socket.socketpair()
        self._host, self._port = host, port
        self._addresses: list[_Address] = []
        self._failure = ""
        threading.Thread(target=self._ask, name="lookup", daemon=True).start()

    def _ask(self) -> None:
        try:
            self._addresses += socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            self._failure = getattr(error, "strerror", None) or str(error)
        self._answering.close()

    def found(self) -> list[_Address] | None:
        """None as long as there is no answer. Raises Unreachable where there is no such name."""
        if not readable(self.answered.fileno()):
            return None
        if self._failure:
            raise Unreachable(f"{self._host}: {self._failure}")
        self.answered.close()
        return self._addresses

    def forget(self) -> None:
        self.answered.close()


class TtyChannel:
    """A serial port of this machine, kept to ourselves while it is open."""

    def __init__(self, path: str, speed: str) -> None:
        self._before: list[Any] | None = None
        try:
            self._fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError as error:
            if error.errno == errno.EBUSY:
                raise Busy(f"{path} is in use by another program") from error
            raise Unreachable(f"{path}: {error.strerror}") from error
        try:
            self._take(speed)
        except BlockingIOError as error:
            raise Busy(f"{path} is in use by another program") from error
        except (OSError, termios.error) as error:
            raise Refused(f"{path} is not a serial port, or does not take {speed}") from error
        finally:
            if self._before is None:
                os.close(self._fd)

    def _take(self, speed: str) -> None:
        """Keeps the port to ourselves and sets it up; whatever goes wrong, what was not ours stays as it was."""
        fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        before = termios.tcgetattr(self._fd)
        # The system lets an administrator in all the same.
        if struct.unpack("i", fcntl.ioctl(self._fd, _TIOCGEXCL, bytes(4)))[0]:
            raise BlockingIOError
        fcntl.ioctl(self._fd, termios.TIOCEXCL)
        try:
            self._configure(speed)
        except BaseException:
            fcntl.ioctl(self._fd, termios.TIOCNXCL)
            termios.tcsetattr(self._fd, termios.TCSANOW, before)
            raise
        self._before = before

    def _configure(self, speed: str) -> None:
        rate, _, frame = speed.partition(",")
        baud = getattr(termios, f"B{rate}", None)
        if baud is None:
            raise Refused(f"{rate} is not a speed that serial ports have")
        bits, parity, stops = tuple(frame.upper() or "8N1")
        tty.setraw(self._fd)
        mode = termios.tcgetattr(self._fd)
        control = mode[2] & ~(termios.CSIZE | termios.PARENB | termios.PARODD | termios.CSTOPB)
        control |= getattr(termios, f"CS{bits}") | termios.CLOCAL | termios.CREAD
        if parity != "N":
            control |= termios.PARENB | (termios.PARODD if parity == "O" else 0)
        if stops == "2":
            control |= termios.CSTOPB
        # HUPCL would drop DTR when we leave: some equipment logs out then, some resets.
        mode[2], mode[4], mode[5] = control & ~termios.HUPCL, baud, baud
        termios.tcsetattr(self._fd, termios.TCSANOW, mode)

    established = True
    status = None
    remarks = b""

    def waits_for(self, *, reading: bool, writing: bool) -> dict[int, int]:
        events = _events(reading, writing)
        return {self._fd: events} if events else {}

    def read(self) -> bytes | None:
        try:
            return os.read(self._fd, CHUNK)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return b""

    def write(self, data: bytes) -> int:
        try:
            return os.write(self._fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            return len(data)

    def resize(self, rows: int, columns: int) -> None:
        """A serial port has no size."""

    def send_break(self) -> bool:
        termios.tcsendbreak(self._fd, 0)
        return True

    def close(self, patience: float = 0.0) -> bool:
        if self._fd >= 0:
            with contextlib.suppress(OSError, termios.error):
                fcntl.ioctl(self._fd, termios.TIOCNXCL)
                assert self._before is not None
                termios.tcsetattr(self._fd, termios.TCSANOW, self._before)
            os.close(self._fd)
            self._fd = -1
        return True

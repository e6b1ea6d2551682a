"""A machine at the end of a serial cable: a login prompt, a prompt after it, a few commands.

    machine.py NAME                        on standard input and output, a terminal of its own or not
    machine.py NAME --listen PORT          one conversation shared by all who connect to this TCP port of 127.0.0.1
    machine.py NAME --unix PATH            the same on a unix socket

Commands after the login: `hostname`; `size`, the terminal's rows and columns; `flood N`, N bytes of every value that
`noise(N)` gives, and `done`; `sink N`, takes N bytes as they are and prints their SHA-256; `exit`; `halt`.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import random
import selectors
import socket
import sys
import termios
import tty
from collections.abc import Callable, Iterator


def noise(count: int) -> bytes:
    """The same bytes every time: all values, in no order that a program in between could guess."""
    return random.Random(20).randbytes(count)


class Machine:
    """The conversation, whatever carries it: `hear` what is typed, and it says what it has to through `say`."""

    def __init__(self, name: str, say: Callable[[bytes], None]) -> None:
        self.name = name
        self._say = say
        self._line = bytearray()
        self._user = ""
        self._sinking = 0
        self._digest = hashlib.sha256()
        self._after_return = False
        self.halted = False

    def greet(self) -> None:
        self._say(f"\r\nDebian GNU/Linux 12 {self.name} ttyS0\r\n\r\n{self.name} login: ".encode())

    def boot(self) -> None:
        """What a machine says that has just been given power."""
        self._user = ""
        self._line.clear()
        self._sinking = 0
        self.halted = False
        self._say(b"\r\n\r\nSeaBIOS (version 1.16.2)\r\nBooting from Hard Disk...\r\n")
        self._say(b"[    0.000000] Linux version 6.1.0-28-amd64\r\n[    1.204417] systemd[1]: Hostname set.\r\n")
        self.greet()

    def _prompt(self) -> None:
        self._say(f"{self._user}@{self.name}:~# ".encode() if self._user else f"{self.name} login: ".encode())

    def hear(self, data: bytes) -> None:
        if self.halted:
            return
        while data and self._sinking:
            taken, data = data[: self._sinking], data[self._sinking :]
            self._digest.update(taken)
            self._sinking -= len(taken)
            if not self._sinking:
                self._say(f"sunk {self._digest.hexdigest()}\r\n".encode())
                self._prompt()
        for index, byte in enumerate(data):
            if byte == 10 and self._after_return:
                self._after_return = False
                continue
            self._after_return = byte == 13
            if byte in (10, 13):
                self._say(b"\r\n")
                line = self._line.decode("utf-8", "replace").strip()
                self._line.clear()
                self._command(line)
                if self._sinking:
                    self.hear(data[index + 1 :])
                    return
            elif byte in (8, 127):
                if self._line:
                    del self._line[-1:]
                    self._say(b"\b \b")
            elif byte == 4:
                self._user = ""
                self.greet()
            else:
                self._line.append(byte)
                self._say(bytes((byte,)))

    def _command(self, line: str) -> None:
        if not self._user:
            self._user = line
            if line:
                self._say(f"Welcome to {self.name}.\r\n".encode())
        else:
            word, _, argument = line.partition(" ")
            match word:
                case "hostname":
                    self._say(f"{self.name}\r\n".encode())
                case "size":
                    with contextlib.suppress(OSError):
                        size = os.get_terminal_size(0)
                        self._say(f"{size.lines} {size.columns}\r\n".encode())
                case "flood":
                    self._say(noise(int(argument)) + b"done\r\n")
                case "sink":
                    self._sinking = int(argument)
                    self._digest = hashlib.sha256()
                    self._say(b"ready\r\n")
                    return
                case "exit":
                    self._user = ""
                    self.greet()
                    return
                case "halt":
                    self._say(b"reboot: System halted\r\n")
                    self.halted = True
                    return
                case "":
                    pass
                case _:
                    self._say(f"-sh: {word}: not found\r\n".encode())
        self._prompt()


def on_terminal(name: str) -> None:
    """The machine on standard input and output, until they end."""

    def say(data: bytes) -> None:
        while data:
            data = data[os.write(1, data) :]

    if os.isatty(0):
        tty.setraw(0, termios.TCSANOW)
    machine = Machine(name, say)
    machine.greet()
    while not machine.halted and (data := os.read(0, 65536)):
        machine.hear(data)


def on_socket(name: str, listener: socket.socket) -> None:
    """The machine behind a socket, for ever: one conversation that everybody who connects sees and types into."""
    with selectors.DefaultSelector() as selector:
        clients: list[socket.socket] = []

        def say(data: bytes) -> None:
            for client in list(clients):
                try:
                    client.sendall(data)
                except OSError:
                    drop(client)

        def drop(client: socket.socket) -> None:
            if client in clients:
                clients.remove(client)
                selector.unregister(client)
                client.close()

        def ready() -> Iterator[socket.socket]:
            for key, _ in selector.select():
                assert isinstance(key.fileobj, socket.socket)
                yield key.fileobj

        selector.register(listener, selectors.EVENT_READ)
        machine = Machine(name, say)
        machine.greet()
        while True:
            for source in ready():
                if source is listener:
                    client, _ = listener.accept()
                    clients.append(client)
                    selector.register(client, selectors.EVENT_READ)
                    continue
                try:
                    data = source.recv(65536)
                except OSError:
                    data = b""
                if data:
                    machine.hear(data)
                else:
                    drop(source)


def main() -> None:
    parser = argparse.ArgumentParser(description="A machine at the end of a serial cable.")
    parser.add_argument("name")
    parser.add_argument("--listen", type=int, metavar="PORT")
    parser.add_argument("--unix", metavar="PATH")
    options = parser.parse_args()
    if options.listen is not None:
        listener = socket.create_server(("127.0.0.1", options.listen))
    elif options.unix is not None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(options.unix)
        listener.listen()
    else:
        on_terminal(options.name)
        return
    print(f"{options.name} is listening", flush=True)  # noqa: T201 -- whoever starts it waits for this line
    on_socket(options.name, listener)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
        sys.exit(main())

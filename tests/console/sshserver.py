"""A console server whose ports are in the ssh user name, `USER:port02` or `USER:LABEL`; a program of its own.

sshserver.py FOLDER PORT    FOLDER holds the keys `host` and `authorized_keys`; the password is `right`
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncssh

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))

from lab.machine import Machine

PORTS = {"port01": "server1", "port02": "server2", "server1": "server1", "server2": "server2"}


class Session(asyncssh.SSHServerSession[bytes]):
    def __init__(self, name: str) -> None:
        self._name = name

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan
        self._machine = Machine(self._name, chan.write)

    def pty_requested(self, term_type: str, term_size: object, term_modes: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def session_started(self) -> None:
        self._machine.greet()

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._machine.hear(data)

    def break_received(self, msec: int) -> bool:
        self._channel.write(f"<break {msec} ms>".encode())
        return True


class Server(asyncssh.SSHServer):
    def __init__(self, keys: Path) -> None:
        self._keys = keys

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connection = conn

    def begin_auth(self, username: str) -> bool:
        self._name = PORTS.get(username.partition(":")[2], "")
        if self._name:
            self._connection.set_authorized_keys(str(self._keys))
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return bool(self._name) and password == "right"

    def session_requested(self) -> Session:
        return Session(self._name)


async def main(folder: Path, port: int) -> None:
    await asyncssh.create_server(
        lambda: Server(folder / "authorized_keys"),
        "127.0.0.1",
        port,
        server_host_keys=[str(folder / "host")],
        encoding=None,
        line_editor=False,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))

"""What a console server says of its own ports: their names, their state, who is on them."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clusto_cli.backends.console.channels import readable
from clusto_cli.backends.console.preparing import MOST, start
from clusto_cli.backends.errors import DeviceError, NoSuchPort, Refused
from clusto_cli.visible import one_line

if TYPE_CHECKING:
    from clusto_cli.backends.console.profile import Listing
    from clusto_cli.backends.console.way import Way


_TRIES = 10
_PATIENCE = 15.0
"""Seconds in which a server must have said which console it means."""
_SHOWN = 300


@dataclass(frozen=True)
class PortUser:
    """Who is attached; writes: whether what this user types reaches the port."""

    name: str
    host: str
    writes: bool

    def __str__(self) -> str:
        return f"{self.name}@{self.host}" + ("" if self.writes else " (looking on)") if self.host else self.name


@dataclass(frozen=True)
class PortStatus:
    """One port as its server tells of it; state is in the server's own words, empty where it says nothing."""

    name: str
    aliases: tuple[str, ...] = ()
    state: str = ""
    users: tuple[PortUser, ...] = ()


def parse_listing(listing: Listing, text: str) -> list[PortStatus]:
    """The rows of what a listing's command printed; lines that are none are passed over."""
    found = []
    for line in text.splitlines():
        if (match := listing.row.match(line)) is None:
            continue
        groups = {key: value or "" for key, value in match.groupdict().items()}
        users: list[PortUser] = []
        for user in listing.user.finditer(groups.get("users", "")) if listing.user else ():
            says = user.groupdict()
            users.append(PortUser(says["name"], says.get("host") or "", (says.get("writes") or "w") == "w"))
        aliases = tuple(alias for alias in groups.get("aliases", "").split(",") if alias)
        found.append(PortStatus(groups["name"], aliases, groups.get("state", ""), tuple(users)))
    return found


def list_ports(access: Way) -> list[PortStatus]:
    """All ports of the server behind this way. Raises Refused where it has no means to list them, or did not."""
    listing = access.profile.listing
    if listing is None:
        raise Refused(f"profile {access.profile.name} has no way to list ports")
    said = access.run(listing.argv)
    ports = parse_listing(listing, said)
    if not ports:
        if not said.strip():
            raise Refused(f"{access.where}: it lists no ports")
        raise access.speaker.explained(access.where, said, access.settings)
    return ports


class NameCheck:
    """Asks a server that completes names which port it means, while the port is being attached.

    conserver attaches `server1` to `server10` where that is the only console whose name begins so: what is typed must
    not reach it.
    """

    def __init__(self, access: Way) -> None:
        listing = access.profile.listing
        assert listing is not None
        self._listing = listing
        self._name = access.values.fill("{name}")
        self._where = access.values.texts.get("host", access.profile.name)
        self._access = access
        self._tries = 1
        self._deadline = time.monotonic() + _PATIENCE
        self._said = bytearray()
        self._process = self._ask()
        self.status: PortStatus | None = None

    def _ask(self) -> subprocess.Popen[bytes]:
        self._said.clear()
        process = start(self._access.arguments(self._listing.argv), self._access.environment(), output=subprocess.PIPE)
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return process

    def done(self) -> bool:
        """Whether the answer is there; `status` has it. Raises NoSuchPort when the server means another port.

        A server that asks for a password first tells nothing here: then, too, no key is passed on. Raises Refused for
        one that does not come to an end.
        """
        if self.status is not None:
            return True
        if not self._ended():
            if len(self._said) > MOST or time.monotonic() > self._deadline:
                raise Refused(f"{self._where} does not come to say which console {self._name} is")
            return False
        self._close_output()
        text = self._said.decode("utf-8", "replace")
        ports = parse_listing(self._listing, text)
        for port in ports:
            if self._name == port.name or self._name in port.aliases:
                self.status = port
                return True
        if not text.strip() and self._tries < _TRIES:
            # A conserver that has just started knows its consoles a moment later.
            self._tries += 1
            self._process = self._ask()
            return False
        raise self._failure(ports, text)

    def _failure(self, ports: list[PortStatus], text: str) -> DeviceError:
        if ports:
            return NoSuchPort(
                f"{self._where} has no console {self._name}; it would attach {ports[0].name} in its place"
            )
        unknown = self._access.method.unknown
        if unknown is not None and unknown.search(text.encode()):
            return NoSuchPort(f"{self._where} has no console {self._name}: {one_line(text)[:_SHOWN]}")
        if text.strip():
            return self._access.speaker.explained(
                f"{self._where} does not say which console {self._name} is", text, self._access.settings
            )
        return Refused(f"{self._where} does not say which console {self._name} is: no answer")

    def _ended(self) -> bool:
        """Reads on, as far as anybody would; whether all is read."""
        out = self._process.stdout
        assert out is not None
        while len(self._said) <= MOST and readable(out.fileno()):
            data = os.read(out.fileno(), 65536)
            if not data:
                return self._process.poll() is not None
            self._said += data
        return False

    def _close_output(self) -> None:
        if self._process.stdout is not None:
            self._process.stdout.close()

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        self._close_output()

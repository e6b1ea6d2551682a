"""What a console server says of its own ports: their names, their state, who is on them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from clusto_cli import children
from clusto_cli.backends.base import NoSuchPort, Refused

if TYPE_CHECKING:
    from clusto_cli.backends.console.access import Access
    from clusto_cli.backends.console.profile import Listing


_TRIES = 10


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


def list_ports(access: Access) -> list[PortStatus]:
    """All ports of the server behind this way. Raises Refused where it has no means to list them, or did not."""
    listing = access.profile.listing
    if listing is None:
        raise Refused(f"profile {access.profile.name} has no way to list ports")
    said = access.run(listing.argv)
    ports = parse_listing(listing, said)
    if not ports:
        raise Refused(f"{access.values.texts.get('host', access.profile.name)}: {said.strip() or 'it lists no ports'}")
    return ports


class NameCheck:
    """Asks a server that completes names which port it means, while the port is being attached.

    conserver attaches `server1` to `server10` where that is the only console whose name begins so: what is typed must
    not reach it.
    """

    def __init__(self, access: Access) -> None:
        listing = access.profile.listing
        assert listing is not None
        self._listing = listing
        self._name = access.values.fill("{name}")
        self._where = access.values.texts.get("host", access.profile.name)
        self._access = access
        self._tries = 1
        self._process = self._ask()
        self.status: PortStatus | None = None

    def _ask(self) -> subprocess.Popen[bytes]:
        try:
            # In a session of its own it cannot ask anything of the operator's terminal.
            return subprocess.Popen(
                self._access.arguments(self._listing.argv),
                env=children.environment(self._access.environment()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise Refused(f"{self._listing.argv[0]} is not installed here") from error

    def done(self) -> bool:
        """Whether the answer is there; `status` has it. Raises NoSuchPort when the server means another port.

        A server that asks for a password first tells nothing here: then, too, no key is passed on.
        """
        if self._process.poll() is None:
            return False
        if self.status is None:
            out = self._process.stdout
            assert out is not None
            text = out.read().decode("utf-8", "replace")
            out.close()
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
            if ports:
                raise NoSuchPort(
                    f"{self._where} has no console {self._name}; it would attach {ports[0].name} in its place"
                )
            unknown = self._access.method.unknown
            if unknown is not None and unknown.search(text.encode()):
                raise NoSuchPort(f"{self._where} has no console {self._name}: {text.strip()}")
            raise Refused(f"{self._where} does not say which console {self._name} is: {text.strip() or 'no answer'}")
        return True

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()

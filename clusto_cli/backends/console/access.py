"""One way to one port: a profile's method filled with the port's values. The ConsoleAccess of every vendor."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from subprocess import DEVNULL, PIPE, TimeoutExpired

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.channels import Channel, ProcessChannel, SocketChannel, TtyChannel
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.console.preparing import PreparedChannel, said_by, start
from clusto_cli.backends.console.profile import EscapeKey, Method, Profile
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.openssh import SHA1, legacy_options
from clusto_cli.backends.reasons import OTHERS, SPEAKERS, Speaker, roles

# ssh's own escape character, which stays usable for a break; whatever is typed is passed on unchanged (`ESCAPE`). It
# begins a command only at the start of a line: client_loop.c of OpenSSH.
_SSH_ESCAPE = "^]"
SSH_ESCAPE = EscapeKey(key=b"\x1d", literal=b"\x1d\x1d", line_start=True)
_SSH_BREAK = b"\x1dB"

CONSOLE_SETTINGS = roles("console", "host", "port", "user", "password", "cipher")
"""Which attributes the values of a console are, where nothing else is said."""
DEFAULT_SPEED = "9600,8n1"
_RELEASE_PATIENCE = 1.0


@dataclass(frozen=True)
class Access:
    """A port behind a profile's method; Values has checked what the values may be.

    settings: the attribute that each value is set by, for whoever has to change it. legacy: this one speaks none but
    old algorithms over ssh, whatever the profile says.
    """

    profile: Profile
    method: Method
    values: Values
    settings: Mapping[str, str] = field(default_factory=lambda: CONSOLE_SETTINGS)
    legacy: bool = False

    @property
    def experimental(self) -> str:
        """What to say of a way that nobody has confirmed; empty for the others."""
        if self.method.confidence != "recalled":
            return ""
        return (
            f"experimental: profile {self.profile.name}, method {self.method.name}, is not confirmed on real equipment"
        )

    @property
    def cautions(self) -> list[str]:
        """What to know of this way before it is used."""
        return [*filter(None, [self.experimental]), *([f"{self.where} {SHA1}"] if self._old else [])]

    @property
    def _old(self) -> bool:
        return self.method.transport == "ssh" and (self.legacy or self.method.legacy)

    def _port(self) -> int | None:
        return self.values.port(self.method.port) if self.method.port or self.values.tcp_port else None

    def arguments(self, argv: tuple[str | tuple[str, ...], ...], attach: Attach = Attach.NORMAL) -> list[str]:
        """A template of arguments, filled. Raises Refused for a value that is not known or would become an option."""
        port = self.values.port(self.method.port) if self.method.port else None
        filled: list[str] = []
        for argument in argv:
            if argument == "{mode}":
                filled += self.method.modes.get(attach, ())
                continue
            group = (argument,) if isinstance(argument, str) else argument
            if not isinstance(argument, str) and not all(self.values.has(template) for template in group):
                continue
            for template in group:
                text = self.values.fill(template, port=port)
                if text.startswith("-") and template.startswith("{"):
                    raise Refused(f"{text!r} would be taken for an option of {argv[0]}")
                filled.append(text)
        return filled

    def _ssh(self) -> list[str]:
        argv = ["ssh", "-t", "-e", _SSH_ESCAPE, *(legacy_options() if self._old else ())]
        port = self._port()
        if port is not None and "{port}" not in self.method.user:
            argv += ["-p", str(port)]
        if "user" in self.values.texts or "{user}" not in self.method.user:
            argv += ["-l", self.values.fill(self.method.user, port=port)]
        elif self.method.user != "{user}":
            # The port rides on the user's name, so there must be one.
            raise Refused(f"console.user is not set: profile {self.profile.name} puts the port behind the user's name")
        return [*argv, "--", self.values.fill("{host}")]

    def argv(self, attach: Attach = Attach.NORMAL) -> list[str]:
        """The command that is run; empty where no program is."""
        if self.method.transport == "ssh":
            return self._ssh()
        if self.method.transport == "command":
            return self.arguments(self.method.argv, attach)
        return []

    @property
    def where(self) -> str:
        """The address, for people."""
        host = self.values.texts.get("host")
        if host is None or self.method.transport in ("unix", "tty"):
            return self.values.texts.get("path") or self.values.texts.get("uri") or self.profile.name
        with contextlib.suppress(DeviceError):
            if (port := self._port()) is not None and "{port}" not in self.method.user:
                return f"{host} port {port}"
        return host

    @property
    def speaker(self) -> Speaker:
        """Whoever is in between, as one that says what went wrong."""
        program = self.method.argv[0] if self.method.argv else self.method.transport
        return SPEAKERS.get(program, OTHERS) if isinstance(program, str) else OTHERS

    @property
    def command(self) -> str:
        match self.method.transport:
            case "ssh" | "command":
                return shlex.join(self.argv())
            case "unix":
                return f"unix socket {self.values.fill(self.method.path)}"
            case "tty":
                return f"serial port {self.values.fill(self.method.path)} at {self._speed()}"
            case _:
                return f"{self.method.transport} {self.values.fill('{host}')} {self._port()}"

    def _speed(self) -> str:
        return self.values.texts.get("speed", DEFAULT_SPEED)

    def open(self, attach: Attach, *, rows: int, columns: int, interactive: bool) -> Line:
        if attach is Attach.FORCE and not self.method.supports(attach):
            raise Refused(f"profile {self.profile.name}, method {self.method.name}, has no way to take a port over")
        channel = self._taking_over(attach, rows, columns) or self._channel(attach, rows, columns)
        return Line(self, channel, attach, rows=rows, columns=columns, interactive=interactive)

    def _taking_over(self, attach: Attach, rows: int, columns: int) -> Channel | None:
        """The port as it is once nobody has it any more: only --force takes a port from anybody."""
        if attach is not Attach.FORCE or not self.method.before_force:
            return None
        first = start(self.arguments(self.method.before_force), self.environment(), output=PIPE)
        return PreparedChannel(first, lambda: self._channel(attach, rows, columns))

    def _channel(self, attach: Attach, rows: int, columns: int) -> Channel:
        method = self.method
        match method.transport:
            case "ssh" | "command":
                return ProcessChannel(
                    self.argv(attach),
                    self.environment(),
                    raw=method.raw,
                    rows=rows,
                    columns=columns,
                    apart=method.transport == "ssh",
                )
            case "unix":
                return SocketChannel.unix(self.values.fill(method.path))
            case "tty":
                return TtyChannel(self.values.fill(method.path), self._speed())
            case _:
                return SocketChannel(self.values.fill("{host}"), self._port() or 23)

    def environment(self) -> dict[str, str]:
        """What the profile sets in the program's environment, where a secret may be."""
        return {
            name: self.values.fill(template) for name, template in self.method.env.items() if self.values.has(template)
        }

    def release(self) -> None:
        """Runs what frees the port after a session that could not be left by typing; a slow one goes on by itself."""
        with contextlib.suppress(TimeoutExpired):
            start(self.arguments(self.method.release), self.environment(), output=DEVNULL).wait(_RELEASE_PATIENCE)

    def run(self, argv: tuple[str | tuple[str, ...], ...]) -> str:
        """Runs one of the profile's short commands; what it printed. Its failure shows in what comes after."""
        process = start(self.arguments(argv), self.environment(), output=PIPE)
        return said_by(process, argv[0] if isinstance(argv[0], str) else argv[0][0]).decode("utf-8", "replace")

    @property
    def escape(self) -> EscapeKey | None:
        """What must be doubled for the program in between to pass it on."""
        return SSH_ESCAPE if self.method.transport == "ssh" else self.method.escape

    @property
    def break_keys(self) -> bytes:
        """What is typed for a break; empty where it is not typed."""
        if self.method.brk or self.method.transport != "ssh":
            return self.method.brk
        return _SSH_BREAK

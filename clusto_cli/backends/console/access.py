"""One way to one port: a profile's method filled with the port's values. The ConsoleAccess of every vendor."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from clusto_cli import children
from clusto_cli.backends.base import Attach, Refused
from clusto_cli.backends.console.channels import Channel, ProcessChannel, SocketChannel, TtyChannel
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.console.profile import EscapeKey, Method, Profile
from clusto_cli.backends.console.values import Values

# ssh's own escape character, which stays usable for a break; whatever is typed is passed on unchanged (`ESCAPE`). It
# begins a command only at the start of a line: client_loop.c of OpenSSH.
_SSH_ESCAPE = "^]"
SSH_ESCAPE = EscapeKey(key=b"\x1d", literal=b"\x1d\x1d", line_start=True)
_SSH_BREAK = b"\x1dB"

DEFAULT_SPEED = "9600,8n1"


@dataclass(frozen=True)
class Access:
    """A port behind a profile's method; Values has checked what the values may be."""

    profile: Profile
    method: Method
    values: Values

    @property
    def experimental(self) -> str:
        """What to say of a way that nobody has confirmed; empty for the others."""
        if self.method.confidence != "recalled":
            return ""
        return (
            f"experimental: profile {self.profile.name}, method {self.method.name}, is not confirmed on real equipment"
        )

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
        argv = ["ssh", "-t", "-e", _SSH_ESCAPE]
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
        if attach is Attach.FORCE and self.method.before_force:
            self.run(self.method.before_force)
        return Line(
            self, self._channel(attach, rows, columns), attach, rows=rows, columns=columns, interactive=interactive
        )

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

    def run(self, argv: tuple[str | tuple[str, ...], ...]) -> str:
        """Runs one of the profile's short commands; what it printed. Its failure shows in what comes after."""
        import subprocess

        try:
            done = subprocess.run(
                self.arguments(argv),
                env=children.environment(self.environment()),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=20,
                check=False,
            )
        except FileNotFoundError as error:
            raise Refused(f"{argv[0]} is not installed here") from error
        except subprocess.TimeoutExpired as error:
            raise Refused(f"{argv[0]} did not end within 20 s") from error
        return done.stdout.decode("utf-8", "replace")

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

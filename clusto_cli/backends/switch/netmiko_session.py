"""A session with a switch's command line through Netmiko: login, paging, enable, modes and prompts are its business.

Whether a line was accepted is not: Netmiko hands back what was printed and says nothing of it.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Any

from clusto_cli.backends.base import AuthenticationFailed, DeviceError, Unreachable
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import SwitchSettings
from clusto_cli.backends.switch.profiles import SshRules

if TYPE_CHECKING:
    from netmiko import BaseConnection

# Switches shorten the host's name in the prompts of configuration mode, IOS to 20 characters with the mode's own.
_PROMPT_KEPT = 12
# Netmiko waits this long for each thing that it expects, and twice as long for the first prompt.
_NETMIKO_WAITS = 10.0
# What may follow the name at the end of a prompt: a mode, a mark of unsaved changes, a terminator.
_PROMPT_REST = r"[^\r\n]{0,80}[#>$%\]]\s*$"


class NetmikoSession:
    """One login, kept for as many lines as are wanted. Raises DeviceError; its messages hold nothing secret."""

    def __init__(self, rules: SshRules, settings: SwitchSettings) -> None:
        self._rules, self._settings = rules, settings
        self._connection: BaseConnection | None = None
        self._configuring = False

    def send(self, line: Line) -> str:
        connection = self._opened()
        with self._translated():
            if line.config != self._configuring and self._rules.enter:
                # Netmiko would first ask in which mode it is, which takes two seconds on several platforms.
                self._line(connection, Line(self._rules.enter if line.config else self._rules.leave))
                self._configuring = line.config
            return self._line(connection, line)

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Without Netmiko's goodbye, which asks again in which mode it is: the switch ends the session by itself.
            connection.paramiko_cleanup()

    def _opened(self) -> BaseConnection:
        if self._connection is None:
            # Netmiko's debug log holds what is typed, its filter only the secrets that it was given as such.
            logging.getLogger("netmiko").setLevel(logging.WARNING)
            logging.getLogger("paramiko").setLevel(logging.CRITICAL)
            with self._translated():
                connection = self._connect()
                self._connection = connection
                if self._rules.enable and not connection.check_enable_mode():
                    self._enable(connection)
        return self._connection

    def _connect(self) -> BaseConnection:
        if self._settings.legacy or self._rules.legacy:
            from clusto_cli.backends.switch.openssh_shell import connect

            return connect(self._arguments(), self._settings)
        from netmiko import ConnectHandler

        return ConnectHandler(**self._arguments())

    def _arguments(self) -> dict[str, Any]:
        settings = self._settings
        arguments: dict[str, Any] = {
            "device_type": self._rules.driver,
            "host": settings.host,
            "port": settings.ssh_port,
            "username": settings.user,
            "password": settings.password or None,
            "secret": settings.enable,
            "ssh_strict": True,
            "system_host_keys": True,
            "allow_agent": not settings.password,
            "use_keys": not settings.password,
            "conn_timeout": settings.timeout,
            "auth_timeout": settings.timeout,
            "banner_timeout": settings.timeout,
            "blocking_timeout": settings.timeout,
        }
        if settings.timeout < _NETMIKO_WAITS:
            # A longer one is not handed on: some switches take their time until the first prompt.
            arguments["read_timeout_override"] = settings.timeout
        if settings.key_file:
            arguments |= {"use_keys": True, "key_file": settings.key_file}
        if settings.known_hosts:
            arguments |= {"alt_host_keys": True, "alt_key_file": settings.known_hosts}
        return arguments

    def _enable(self, connection: BaseConnection) -> None:
        from netmiko.exceptions import ReadTimeout

        try:
            connection.enable()
        except (ValueError, ReadTimeout) as error:
            self.close()
            wanted = "the enable password was not accepted" if self._settings.enable else "it wants an enable password"
            raise AuthenticationFailed(wanted) from error

    def _line(self, connection: BaseConnection, line: Line) -> str:
        answer = connection.send_command(
            line.text,
            expect_string=line.expect or self._prompt(connection),
            read_timeout=self._settings.timeout,
            cmd_verify=line.echoed,
        )
        return str(answer)

    def _prompt(self, connection: BaseConnection) -> str:
        # Anchored at the end of what has been printed, and the name escaped: nothing a switch prints is a pattern.
        return rf"(?:^|[\r\n])[^\r\n]{{0,40}}{re.escape(connection.base_prompt[:_PROMPT_KEPT])}{_PROMPT_REST}"

    def _translated(self) -> _Translated:
        return _Translated(self._settings)


class _Translated:
    """Turns the exceptions of Netmiko and Paramiko into those of the adapters."""

    def __init__(self, settings: SwitchSettings) -> None:
        self._settings = settings

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or isinstance(error, DeviceError):
            return
        from netmiko.exceptions import NetmikoAuthenticationException, NetmikoTimeoutException, ReadTimeout
        from paramiko import SSHException
        from paramiko.ssh_exception import BadHostKeyException

        where = f"{self._settings.host} port {self._settings.ssh_port}"
        text = f"{error} {error.__cause__ or ''} {error.__context__ or ''}"
        if isinstance(error, BadHostKeyException) or "BadHostKey" in text or "does not match" in text:
            raise AuthenticationFailed(f"{where}: its host key is not the known one") from error
        if "not found in known_hosts" in text:
            raise AuthenticationFailed(f"{where}: its host key is not known: add it to known_hosts") from error
        if isinstance(error, NetmikoAuthenticationException):
            raise AuthenticationFailed(
                f"{where}: the password or key of {self._settings.user} was not accepted"
            ) from error
        if isinstance(error, ReadTimeout):
            raise DeviceError(f"{where}: no prompt that is known came in time") from error
        if isinstance(error, NetmikoTimeoutException | SSHException | OSError | EOFError):
            raise Unreachable(f"{where}: no ssh session ({_first_line(error)})") from error
        if isinstance(error, ValueError):
            raise DeviceError(f"no prompt that is known: {_first_line(error)}") from error


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[0][:120] if lines else type(error).__name__

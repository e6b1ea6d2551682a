"""A session with a switch's command line through Netmiko: login, paging, enable, modes and prompts are its business.

Whether a line was accepted is not: Netmiko hands back what was printed and says nothing of it.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Unreachable, Unusable
from clusto_cli.backends.switch.cliwrite import Line
from clusto_cli.backends.switch.model import Rejected, SwitchSettings
from clusto_cli.backends.switch.profiles import SshRules
from clusto_cli.backends.switch.rejection import judged, rejection

if TYPE_CHECKING:
    from netmiko import BaseConnection

# Switches shorten the host's name in the prompts of configuration mode, IOS to 20 characters with the mode's own.
_PROMPT_KEPT = 12
# Netmiko waits this long for each thing that it expects, and twice as long for the first prompt.
_NETMIKO_WAITS = 10.0
_OLD_KEYS = "where it speaks old algorithms alone, set ssh.legacy to true"
_MAY_CONFIGURE = " (may ssh.user change the configuration, and does nobody hold it?)"
# What may follow the name at the end of a prompt: a mode, a mark of unsaved changes, a terminator.
_PROMPT_REST = r"[^\r\n]{0,80}[#>$%\]]\s*$"


class NetmikoSession:
    """One login, kept for as many lines as are wanted. Raises DeviceError; its messages hold nothing secret."""

    def __init__(self, rules: SshRules, settings: SwitchSettings) -> None:
        self._rules, self._settings = rules, settings
        self._connection: BaseConnection | None = None
        self._configuring = False
        self._last_prompt = ""

    def send(self, line: Line) -> str:
        connection = self._opened()
        with self._translated():
            if line.config != self._configuring and self._rules.enter:
                # Netmiko would first ask in which mode it is, which takes two seconds on several platforms.
                self._change_mode(connection, line.config)
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
        from netmiko.ssh_dispatcher import ssh_dispatcher

        settings = self._settings
        if settings.key_file and not Path(settings.key_file).expanduser().is_file():
            raise Unusable(f"{settings.ssh_address}: ssh.identity names no file: {settings.key_file}")
        # Netmiko has keys only from a file that is named; an agent's and the user's own are found as ssh finds them.
        own: dict[str, Any] = {"_key_check": lambda connection: True}
        if settings.legacy or self._rules.legacy:
            from clusto_cli.backends.switch.openssh_shell import Client

            own["_build_ssh_client"] = lambda connection: Client(settings)
        platform = ssh_dispatcher(self._rules.driver)
        connection: BaseConnection = type(f"{platform.__name__}OfClusto", (platform,), own)(**self._arguments())
        return connection

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
            raise AuthenticationFailed(f"{self._settings.ssh_address}: {wanted} (ssh.enable_secret)") from error

    def _change_mode(self, connection: BaseConnection, config: bool) -> None:
        """Into configuration mode or out of it. Rejected, in the switch's words, when its prompt says that it is not.

        A mode that is locked by somebody, or not allowed to this user, is refused here: the lines that follow would be
        told to be syntax errors.
        """
        line = Line(self._rules.enter if config else self._rules.leave)
        before = self._last_prompt
        answer = self._line(connection, line)
        try:
            judged(self._rules, self._settings.ssh_address, line.text, answer)
        except Rejected as error:
            raise Rejected(error.where, f"{error.said}{_MAY_CONFIGURE}") from None
        self._configuring = config
        entered = self._rules.entered
        if config and (entered not in answer if entered else before == self._last_prompt):
            self._configuring = False
            raise rejection(
                self._settings.ssh_address,
                line.text,
                answer.removesuffix(before),
                empty="nothing, and stays where it was",
                advice=_MAY_CONFIGURE,
            )

    def _line(self, connection: BaseConnection, line: Line) -> str:
        answer = str(
            connection.send_command(
                line.text,
                expect_string=line.expect or self._prompt(connection),
                read_timeout=self._settings.timeout,
                cmd_verify=line.echoed,
                strip_prompt=False,
            )
        )
        text, _, last = answer.rpartition("\n")
        if connection.base_prompt[:_PROMPT_KEPT] not in last:
            return answer
        self._last_prompt = last.strip()
        return text

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

        settings = self._settings
        where = settings.ssh_address
        text = f"{error} {error.__cause__ or ''} {error.__context__ or ''}"
        if isinstance(error, BadHostKeyException) or "BadHostKey" in text or "does not match" in text:
            raise AuthenticationFailed(f"{where}: its host key is not the known one (ssh.known_hosts)") from error
        if "No authentication methods available" in text:
            raise AuthenticationFailed(
                f"{where}: no password is set, and neither an agent nor ~/.ssh has a key (ssh.password, ssh.identity)"
            ) from error
        if "not found in known_hosts" in text:
            raise AuthenticationFailed(f"{where}: its host key is not known: add it to known_hosts") from error
        if isinstance(error, NetmikoAuthenticationException):
            raise AuthenticationFailed(
                f"{where}: the password or key of {settings.user} was not accepted (ssh.password, ssh.identity)"
            ) from error
        if isinstance(error, ReadTimeout):
            raise DeviceError(
                f"{where}: no prompt that is known came in time, {settings.timeout:g} s (ssh.timeout)"
            ) from error
        if isinstance(error, NetmikoTimeoutException | SSHException | OSError | EOFError):
            said = reason(error)
            raise Unreachable(f"{where}: no ssh session: {said}{_setting_for(said)}") from error
        if isinstance(error, ValueError):
            raise DeviceError(f"{where}: no prompt that is known: {reason(error)}") from error


# What Netmiko says around the reason of an error, and in place of it.
_AROUND = (
    "A paramiko SSHException occurred",
    "Common causes of this problem",
    "Device settings:",
    "TCP connection to device failed",
    "Things you might try",
    "Note, ",
)
_ADVICE = re.compile(r"\d+\. ")
_INCOMPATIBLE = ("no acceptable", "Incompatible ssh", "no matching", "Negotiation failed")


def reason(error: BaseException) -> str:
    """All that an exception says of why, and those that it came from: without what its library says around that."""
    lines: list[str] = []
    chain: BaseException | None = error
    while chain is not None and len(lines) < 6:
        # Paramiko keeps what each address answered apart.
        each = getattr(chain, "errors", None)
        answers = "\n".join(map(str, each.values())) if isinstance(each, dict) else ""
        for line in f"{answers or chain}".splitlines():
            bare = line.strip().strip(".")
            known = any(bare in other for other in lines)
            if bare and not known and not bare.startswith(_AROUND) and not _ADVICE.match(bare):
                lines.append(bare)
        chain = chain.__cause__ or chain.__context__
    return "; ".join(lines)[:300] or type(error).__name__


def _setting_for(said: str) -> str:
    """Which setting would change what is said, in brackets; empty where none would."""
    if any(word in said for word in _INCOMPATIBLE):
        return f" ({_OLD_KEYS})"
    if "refused" in said or "Unable to connect" in said:
        return " (ssh.port, ssh.host)"
    return " (ssh.host, ssh.timeout)" if "timed out" in said or "timed-out" in said else ""

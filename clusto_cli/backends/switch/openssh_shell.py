"""A shell on a switch through the system's ssh, in the form that Netmiko has from Paramiko.

Netmiko knows the platforms; this carries its bytes where Paramiko cannot go. pexpect leads the login.
"""

from __future__ import annotations

import contextlib
import secrets
import select
from typing import TYPE_CHECKING, Any

from clusto_cli import children
from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.openssh import LONGEST_ANSWER, legacy_options
from clusto_cli.backends.reasons import OPENSSH, roles
from clusto_cli.backends.switch.model import SwitchSettings

if TYPE_CHECKING:
    import pexpect

_SETTINGS = roles("ssh", "host", "port", "user", "password", "identity", "known_hosts", "timeout", "legacy")
_PASSWORD = rb"(?i)(?:password|passcode|verification code)[^\r\n]{0,80}:\s*\Z"
_PASSPHRASE = rb"(?i)passphrase[^\r\n]{0,200}:\s*\Z"
_MOST = 64 * 1024
"""Octets that a login may say before there is a shell: banners are long, and end."""


class Client:
    """What Netmiko uses of paramiko.SSHClient."""

    def __init__(self, settings: SwitchSettings) -> None:
        self._settings = settings
        self._user = settings.user

    def connect(self, **parameters: Any) -> None:
        # Platforms may add to the name: MikroTik's takes the terminal's manner behind it.
        self._user = parameters.get("username") or self._settings.user

    def invoke_shell(self, *, term: str, width: int, height: int) -> Shell:
        return Shell(
            login(self._settings, self._user, term=term, width=width, height=height), self._settings.ssh_address
        )

    def close(self) -> None:
        """The shell is all there is to close."""


class Shell:
    """What Netmiko uses of paramiko.Channel. Raises Unreachable when ssh has ended."""

    def __init__(self, child: pexpect.spawn[bytes], where: str) -> None:
        self._child = child
        self._where = where
        self._tail = b""
        self._heard = 0

    def settimeout(self, seconds: float | None) -> None:
        """Reading waits for nothing; writing is as slow as the switch."""

    def sendall(self, data: bytes) -> None:
        self._heard = 0
        try:
            self._child.send(data)
        except OSError as error:
            raise self._ended() from error

    def recv_ready(self) -> bool:
        if self._child.buffer:
            return True
        poll = select.poll()
        poll.register(self._child.child_fd, select.POLLIN)
        return bool(poll.poll(0))

    def recv(self, size: int) -> bytes:
        import pexpect

        if data := bytes(self._child.buffer):
            self._child.buffer = b""
        else:
            try:
                data = self._child.read_nonblocking(size, 0)
            except pexpect.TIMEOUT:
                return b""
            except pexpect.EOF as error:
                raise self._ended() from error
        self._tail = (self._tail + data)[-2048:]
        self._heard += len(data)
        if self._heard > LONGEST_ANSWER:
            raise Refused(f"{self._where}: its answer has no end")
        return data

    def _ended(self) -> DeviceError:
        return OPENSSH.explained(self._where, self._tail.decode("utf-8", "replace"), _SETTINGS, otherwise=Unreachable)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._child.close(force=True)


def login(settings: SwitchSettings, user: str, *, term: str, width: int, height: int) -> pexpect.spawn[bytes]:
    """ssh with a shell open, and what it has said since in its buffer. Raises DeviceError."""
    import pexpect

    mark = f"clusto-{secrets.token_hex(8)}"
    try:
        child: pexpect.spawn[bytes] = pexpect.spawn(
            "ssh",
            _arguments(settings, user, mark),
            timeout=settings.timeout * 2,
            maxread=65536,
            searchwindowsize=4096,
            dimensions=(height, width),
            env=children.environment({"TERM": term, "SHELL": "/bin/sh"}),
        )
    except pexpect.ExceptionPexpect as error:
        raise Unreachable("ssh is not installed here (ssh.legacy needs OpenSSH's client)") from error
    # Seconds that it would wait before all that is typed.
    child.delaybeforesend = None
    child.delayafterclose = child.delayafterterminate = 0.05
    try:
        return _let_in(child, settings, mark.encode())
    except BaseException:
        child.close(force=True)
        raise


def _let_in(child: pexpect.spawn[bytes], settings: SwitchSettings, mark: bytes) -> pexpect.spawn[bytes]:
    import pexpect

    said = b""
    secret = settings.password
    while len(said) < _MOST:
        # ssh runs LocalCommand when it is let in, and not before: no banner can pass for that.
        found = child.expect([mark + rb"\r?\n", _PASSWORD, _PASSPHRASE, pexpect.EOF, pexpect.TIMEOUT])
        said += child.before or b""
        if found == 0:
            return child
        if found == 1 and secret:
            child.sendline(secret)
            secret = ""
        elif found == 1:
            wrong = "ssh.password is wrong" if settings.password else "it asks for a password: set ssh.password"
            raise AuthenticationFailed(f"{settings.ssh_address}: {wrong}")
        elif found == 2:
            raise AuthenticationFailed(f"{settings.ssh_address}: the key has a passphrase: put it into an agent first")
        else:
            text = said.decode("utf-8", "replace") + ("\nConnection timed out" if found == 4 else "")
            raise OPENSSH.explained(settings.ssh_address, text, _SETTINGS, otherwise=Unreachable)
    raise Unreachable(f"{settings.ssh_address}: it talks without end, and lets nobody in")


def _arguments(settings: SwitchSettings, user: str, mark: str) -> list[str]:
    options = [
        "StrictHostKeyChecking=yes",
        f"ConnectTimeout={max(1, round(settings.timeout))}",
        "NumberOfPasswordPrompts=1",
        "ControlMaster=no",
        "ControlPath=none",
        "ClearAllForwardings=yes",
        "ForwardAgent=no",
        "PermitLocalCommand=yes",
        f"LocalCommand=echo {mark}",
        "LogLevel=ERROR",
    ]
    if settings.known_hosts:
        options.append(f"UserKnownHostsFile={settings.known_hosts}")
    if settings.password and not settings.key_file:
        options += ["PubkeyAuthentication=no", "PreferredAuthentications=password,keyboard-interactive"]
    words = ["-tt", "-e", "none", *(word for option in options for word in ("-o", option)), *legacy_options()]
    if settings.key_file:
        words += ["-i", settings.key_file]
    return [*words, "-p", str(settings.ssh_port), "-l", user, "--", settings.host]

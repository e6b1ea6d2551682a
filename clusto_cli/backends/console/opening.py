"""From dialling to an attached port: prompts, menus, and what every vendor says when it will not.

One set of outcomes over all of them: Busy, NoSuchPort, AuthenticationFailed, Unreachable, Refused.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.dialogue import Dialogue
from clusto_cli.backends.console.profile import Method
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.errors import AuthenticationFailed, Busy, DeviceError, NoSuchPort, Refused, Unreachable
from clusto_cli.backends.reasons import OPENSSH, OTHERS, Speaker
from clusto_cli.visible import one_line

# How long the other side's first words may still be about the port, and not from the machine behind it: seconds, bytes.
PROBATION = 3.0
# Seconds within which a port must be attached that nobody sits at, however much is said on the way.
LONGEST = 120.0
PROBATION_BYTES = 8192
# ssh(1): its own failure, not that of what it ran.
_SSH_FAILED = 255
# Octets of a line on both sides of what was found in it, and characters of it in a message.
_AROUND = 200
_LONGEST_LINE = 600

_PASSWORD = re.compile(rb"(?i)password[^\r\n]{0,80}:\s*\Z")
# Of a key or a token of the operator's own, not of the console server.
_PASSPHRASE = re.compile(rb"(?i)(passphrase|passcode|\bpin\b)[^\r\n]{0,200}:\s*\Z")
_UNKNOWN_HOST_KEY = re.compile(rb"continue connecting \(yes/no[^\r\n]*\)\?\s*\Z")


def last_words(data: bytes, speaker: Speaker = OPENSSH) -> str:
    """The last line that says something: not that ssh has ended, nor what else is noise of the program in between."""
    for line in reversed(re.split(rb"[\r\n]+", data)):
        if (text := one_line(line)) and not any(re.search(one.noise, text) for one in (OPENSSH, speaker)):
            return text[-300:]
    return ""


@dataclass
class Opening:
    """What has been said so far on the way to the port.

    interactive: somebody is there to answer a prompt; else a prompt that the password does not answer is an error.
    speaker: the program in between, as one that says what went wrong; settings: the attribute behind each role.
    patience: seconds within which the port must be attached, counted from the last sign of life.
    """

    method: Method
    values: Values
    attach: Attach
    interactive: bool
    where: str
    speaker: Speaker = OTHERS
    settings: Mapping[str, str] = field(default_factory=dict)
    patience: float = 15.0
    ready: bool = False

    def __post_init__(self) -> None:
        self._said = bytearray()
        self._steps = list(self.method.steps)
        self._menu = Dialogue(PROBATION_BYTES)
        self._secret = self.values.secret
        self._menu_answered = False
        self._began = self._alive = time.monotonic()
        self._since = 0.0
        self._settled = False

    @property
    def said(self) -> bytes:
        return bytes(self._said)

    @property
    def settled(self) -> bool:
        """Attached, and past the time in which the other side may still take that back."""
        # conserver announces the port, and then says that somebody has it.
        if not self._settled and self.ready:
            self._settled = time.monotonic() - self._since > PROBATION
        return self._settled

    def hear(self, data: bytes, established: bool) -> bytes:
        """Takes what the other side said; what to type in answer. Raises what keeps the port from being attached."""
        if data:
            self._said += data
            del self._said[:-PROBATION_BYTES]
            if self._steps:
                self._menu.hear(data)
            self._alive = time.monotonic()
        elif not self.ready and not self.interactive and time.monotonic() > self._alive + self.patience:
            words = last_words(self.said, self.speaker)
            raise Unreachable(
                f"{self.where}: no answer in {self.patience:g} s"
                + (f", after: {words}" if words else f" (see {self._named('host')} and {self._named('port')})")
            )
        if answer := self._objections():
            return answer
        if not self.ready and not self.interactive and time.monotonic() > self._began + LONGEST:
            raise Unreachable(f"{self.where}: not attached in {LONGEST:g} s, after: {last_words(self.said)}")
        if not self.ready:
            if answer := self._prompts():
                return answer
            if self._steps:
                return self._step() if established else b""
            if self.method.ready.search(self.said) if self.method.ready else established:
                self.ready = True
                self._since = time.monotonic()
        return b""

    def typed(self) -> None:
        """The operator typed something, a password perhaps: patience starts anew."""
        self._alive = time.monotonic()

    def _objections(self) -> bytes:
        said, method = self.said, self.method
        if method.unknown and (match := method.unknown.search(said)):
            raise NoSuchPort(f"{self.where}: {_line_of(said, match)}")
        if method.busy and not self._menu_answered and (match := method.busy.search(said)):
            if self.attach in method.busy_keys:
                self._menu_answered = True
                return method.busy_keys[self.attach]
            raise Busy(f"{self.where}: {_line_of(said, match)}")
        return b""

    def _prompts(self) -> bytes:
        # Not self._said.rstrip(): a prompt is what the other side stopped at.
        if self.method.steps and len(self._steps) < len(self.method.steps):
            return b""
        if _PASSWORD.search(self._said):
            if self._secret is not None:
                secret, self._secret = self._secret, None
                self._said.clear()
                self._menu.clear()
                return secret.encode() + b"\r"
            if not self.interactive:
                tried = self.values.secret is not None
                raise AuthenticationFailed(
                    f"{self.where} asks for a password"
                    + (
                        " again: the one it was given is wrong"
                        if tried
                        else f": set {self._named('password')}, or use a key"
                    )
                )
        if not self.interactive and _PASSPHRASE.search(self._said):
            raise AuthenticationFailed(f"{self.where}: {last_words(self.said)} (put the key into an agent first)")
        if not self.interactive and _UNKNOWN_HOST_KEY.search(self._said):
            raise AuthenticationFailed(
                f"{self.where}: its host key is not known; connect once from a terminal, or add it to known_hosts"
            )
        return b""

    def _step(self) -> bytes:
        if not self._menu.met(self._steps[0].expect):
            return b""
        return self.values.fill(self._steps.pop(0).send).encode()

    def _named(self, role: str) -> str:
        return self.settings.get(role, f"console.{role}")

    def failure(self, status: int | None, remarks: bytes = b"") -> DeviceError:
        """What it means that the other side ended before the port was attached, or at once afterwards.

        remarks: what the program in between said for itself at the end.
        """
        said, method = self.said + b"\n" + remarks, self.method
        text = said.decode("utf-8", "replace")
        told = self.speaker.telling(text)
        message = f"{self.where}: {'; '.join(told)[-400:] or ended(status)}"
        if method.unknown and method.unknown.search(said):
            return NoSuchPort(message)
        if method.busy and method.busy.search(said):
            return Busy(message)
        if told and (method.transport != "ssh" or status == _SSH_FAILED):
            return self.speaker.explained(self.where, text, self.settings)
        return Refused(message)


def ended(status: int | None) -> str:
    if status is None:
        return "the other side closed the connection"
    return f"ended with status {status}" if status >= 0 else f"ended by signal {-status}"


def _line_of(said: bytes, match: re.Match[bytes]) -> str:
    """The line in which this was found, as far as one wants to read it."""
    start = max(said.rfind(b"\n", 0, match.start()), said.rfind(b"\r", 0, match.start())) + 1
    ends = [end for end in (said.find(b"\n", match.end()), said.find(b"\r", match.end())) if end >= 0]
    start, end = max(start, match.start() - _AROUND), min([*ends, match.end() + _AROUND, len(said)])
    return one_line(said[start:end])[:_LONGEST_LINE]

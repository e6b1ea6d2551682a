"""Why a program did not get to a device: its own words, every line of them that matters, and what would change that.

Programs that carry us to devices say what went wrong in several lines, and seldom in the last one alone. One rule for
all of them: the address, the lines that are known to tell, the last line, and the setting to look at.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clusto_cli.backends.errors import AuthenticationFailed, Busy, DeviceError, Refused, Unreachable
from clusto_cli.visible import one_line

_LONGEST = 400
"""Characters of a device's words in one message."""
_UNKNOWN_LINES = 3
"""How many of the last lines are told where no line is known."""


@dataclass(frozen=True)
class Reason:
    """What a line means in which `says` is found, and which settings to look at, by their roles: `{host}`, `{user}`...

    kind: None for a line that belongs to the reason and does not tell which it is.
    """

    says: str
    kind: type[DeviceError] | None
    advice: str = ""


@dataclass(frozen=True)
class Speaker:
    """A program, by what it says: patterns, which are compiled where one is needed.

    The first reason that is found counts. noise: lines that say nothing of a failure.
    """

    name: str
    reasons: tuple[Reason, ...]
    noise: str = r"(?!)"

    def explained(
        self, where: str, said: str, settings: Mapping[str, str], *, otherwise: type[DeviceError] = Refused
    ) -> DeviceError:
        """The failure that these words are. settings: the attribute of each role, as `host` -> `bmc.host`."""
        lines = self.telling(said)
        kind, advice = otherwise, ""
        for reason in self.reasons:
            if reason.kind is not None and any(re.search(reason.says, line) for line in lines):
                kind, advice = reason.kind, reason.advice
                break
        words = "; ".join(lines)[:_LONGEST] or "it said nothing"
        return kind(f"{where}: {words}" + (f" ({_named(advice, settings)})" if advice else ""))

    def telling(self, said: str) -> list[str]:
        """The lines that matter: those that are known and the last one, or the last few where none is known."""
        lines = [line for line in map(one_line, re.split(r"[\r\n]+", said)) if line and not re.search(self.noise, line)]
        known = [line for line in lines if any(re.search(reason.says, line) for reason in self.reasons)]
        if not known:
            return lines[-_UNKNOWN_LINES:]
        return list(dict.fromkeys([*known, lines[-1]]))


def _named(advice: str, settings: Mapping[str, str]) -> str:
    return advice.format_map({**_ROLES, **settings})


_ROLES = {
    role: role.replace("_", " ")
    for role in ("host", "port", "user", "password", "identity", "known_hosts", "cipher", "timeout", "verify", "url")
} | {"legacy": "ssh.legacy"}
"""What is said of a role for which there is no setting."""


def roles(group: str, *names: str, **others: str) -> dict[str, str]:
    """Settings by role, all of one group: `roles("bmc", "host", cipher="bmc.cipher_suite")`."""
    return {name: f"{group}.{name}" for name in names} | others


def _table(*rows: Sequence[object]) -> tuple[Reason, ...]:
    return tuple(Reason(*row) for row in rows)  # type: ignore[arg-type]


IPMITOOL = Speaker(
    "ipmitool",
    _table(
        (
            r"invalid (authentication|integrity|confidentiality) algorithm|(?i:no matching|unsupported).*cipher suite",
            Refused,
            "set {cipher} to a suite that it has: 17 and 3 are usual",
        ),
        (r"Address lookup for .* failed", Unreachable, "{host} is no name or address that is known here"),
        (r"RAKP 2 HMAC is invalid", AuthenticationFailed, "{password} is not the one of {user}"),
        (r"(?i)unauthorized name|invalid user name", AuthenticationFailed, "it has no such {user}"),
        (r"(?i)insufficient privilege|invalid role|unauthorized role", AuthenticationFailed, "{user} may not do that"),
        (r"(?i)insufficient resources|SOL payload activation limit", Busy, "it has no session left for another"),
        (r"SOL payload already active on another session", Busy),
        (r"SOL payload (type )?disabled", Refused, "serial over LAN is switched off on it"),
        (r"Could not open socket|Network is unreachable|No route to host", Unreachable, "see {host} and {port}"),
        (
            r"Get Auth Capabilities error|Get Channel Authentication Capabilities|[Nn]o response|[Tt]imeout|timed out"
            r"|Get Device ID command failed",
            Unreachable,
            "no answer: see {host} and {port}; {timeout} is how long it may take",
        ),
        # Alone where ipmitool was not told to be verbose: then it keeps the reason to itself.
        (r"Unable to establish", Unreachable, "see {host}, {port}, {user}, {password} and {cipher}"),
    ),
    (
        r"^Loading IANA PEN|^Running Get |^Discovered |^Invalid completion code received: Invalid command$"
        r"|^Get HPM\.x Capabilities|^Info: .* (operational|de-activated)|^$"
    ),
)

OPENSSH = Speaker(
    "ssh",
    _table(
        (
            r"REMOTE HOST IDENTIFICATION HAS CHANGED|[Hh]ost key for .* has changed",
            AuthenticationFailed,
            "its host key has changed: see {known_hosts}",
        ),
        (r"Offending \S+ key in", None),
        (
            r"Unable to negotiate|no matching (key exchange|host key|cipher|MAC)|no mutual signature",
            Unreachable,
            "it speaks old algorithms only: set {legacy} to true",
        ),
        (r"Invalid key length|Bad server host key", Refused, "its key is too short: set {legacy} to true"),
        (
            r"[Hh]ost key verification failed|No \S+ host key is known",
            AuthenticationFailed,
            "its host key is not the known one: see {known_hosts}",
        ),
        (
            r"Permission denied|Too many authentication failures|No supported authentication|Authentication failed",
            AuthenticationFailed,
            "see {user}, {password} and {identity}",
        ),
        (r"Could not resolve", Unreachable, "{host} is no name or address that is known here"),
        (r"Connection refused|No route to host|Network is unreachable", Unreachable, "see {host} and {port}"),
        (r"timed out", Unreachable, "no answer: see {host} and {port}; {timeout} is how long it may take"),
        (
            r"Connection (reset|closed) by|kex_exchange_identification|Connection closed|ssh: connect to host"
            r"|banner exchange|Broken pipe|client_loop: send disconnect",
            Unreachable,
        ),
    ),
    (
        r"^@+$|^(Shared c|C)onnection to \S+ closed\.?$|^Warning: Permanently added|^\*\* |^debug\d:"
        r"|^IT IS POSSIBLE THAT|^Someone could be eaves|^It is also possible that|^Please contact your"
        r"|^Killed by signal"
    ),
)

CONSERVER = Speaker(
    "console",
    _table(
        (r"Unable to connect|[Cc]onnection refused|No route to host|timed out", Unreachable, "see {host} and {port}"),
        (r"getaddrinfo|not known|could not resolve", Unreachable, "{host} is no name or address that is known here"),
        (r"access from your host refused", AuthenticationFailed, "its `access` lists do not have this computer"),
        (
            r"(?i)permission denied|access denied|Sorry|not authorized|invalid password",
            AuthenticationFailed,
            "see {user} and {password}",
        ),
        (
            r"[Ee]ncryption (not supported|required)|SSL",
            Refused,
            "console.method is console with TLS, console-plain without",
        ),
    ),
)

OTHERS = Speaker(
    "other clients",
    _table(
        (r"(?i)could not resolve|not known", Unreachable, "{host} is no name or address that is known here"),
        (r"(?i)unable to connect|connection refused|no route to host", Unreachable, "see {host} and {port}"),
        (r"(?i)timed out|no answer", Unreachable, "see {host} and {port}"),
        (r"(?i)permission denied|authentication fail", AuthenticationFailed, "see {user} and {password}"),
    ),
)

SPEAKERS = {"ipmitool": IPMITOOL, "ipmiconsole": IPMITOOL, "ssh": OPENSSH, "console": CONSERVER}

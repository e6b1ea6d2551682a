"""The values that a console profile's templates are filled with, checked so that none can become anything else.

What fills a template comes from attributes, which many people may write. It ends up as an argument of ssh, conserver's
client or ipmitool, or is typed at a menu: so a value never begins with `-`, never holds a control character, and
holds nothing that the program it goes to reads as more than a name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from clusto_cli.backends.errors import NoSuchPort, Refused

_TOKEN = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"n(?:(?P<sign>[+-])(?P<offset>\d+))?(?::(?P<width>0\d+)d)?")
_PORT = re.compile(r"(?P<base>\d+|base)(?P<n>\+n)?")

# What a value may look like. Each pattern is a whole match.
_ALLOWED: dict[str, tuple[re.Pattern[str], str]] = {
    # ssh reads `ssh://...` and `user@host` out of a host; neither fits here. Zone indices (fe80::1%eth0) do.
    "host": (re.compile(r"[A-Za-z0-9_.:%][A-Za-z0-9_.:%-]*"), "a host name or an IP address"),
    "user": (re.compile(r"[A-Za-z0-9_.+:@/\\$][A-Za-z0-9_.+:@/\\$-]*"), "a user name"),
    # ConMan reads * ? [ ] in a console's name as a pattern that may match several consoles.
    "name": (re.compile(r"[A-Za-z0-9_.+:@/#][A-Za-z0-9_.+:@/# -]*"), "a port's name"),
    # libvirt's ?command=... and ?socket=... name programs and files of this machine; ext:// runs one, test:// reads
    # one.
    "uri": (
        re.compile(
            r"(?!test)[a-z]+(\+(ssh|tcp|tls|unix|libssh2?))?://([A-Za-z0-9_.][A-Za-z0-9_.-]*@)?"
            r"([A-Za-z0-9_.\[][A-Za-z0-9_.:%\]-]*)?(/[A-Za-z0-9_./-]*)?"
        ),
        "a libvirt URI without ?",
    ),
    "path": (re.compile(r"/[^\x00-\x1f\x7f]*"), "an absolute path"),
    "cipher": (re.compile(r"\d{1,2}"), "a cipher suite's number"),
    "speed": (re.compile(r"\d{2,7}(,[5-8][noeNOE][12])?"), "a speed such as 115200 or 9600,8n1"),
}


class BadTemplate(ValueError):
    """A template names a value that there is none of."""


@dataclass(frozen=True)
class Values:
    """What is known of one port.

    number: its number as the equipment counts, from 1 unless the profile says otherwise. texts: host, user, name, uri,
    path, cipher, speed; a key that is not known is absent. tcp_port: the TCP port as set for this port, over anything
    the profile says; base: what the profile's own base is replaced by. secret: the password, never part of a command.
    """

    number: int | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    tcp_port: int | None = None
    base: int | None = None
    secret: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for key, value in self.texts.items():
            pattern, wanted = _ALLOWED[key]
            if not pattern.fullmatch(value):
                raise Refused(f"{value!r} is not {wanted}: console.{key} cannot be used")
        for what, number in (("console.port", self.tcp_port), ("console.base", self.base)):
            if number is not None and not 0 < number < 65536:
                raise Refused(f"{what} is {number}, not a TCP port from 1 to 65535")

    def has(self, template: str) -> bool:
        """Whether every value that the template names is known."""
        return all(self._known(token) for token in _TOKEN.findall(template))

    def _known(self, token: str) -> bool:
        if token == "port":
            return True
        if token == "password":
            return self.secret is not None
        if _NUMBER.fullmatch(token):
            return self.number is not None
        return token in self.texts

    def fill(self, template: str, *, port: int | None = None) -> str:
        """The template with `{host}`, `{n}`, `{n-1}`, `{n:02d}`... replaced, and `{port}` by the TCP port given.

        Raises Refused for a value that is not known.
        """

        def replaced(match: re.Match[str]) -> str:
            token = match[1]
            if number := _NUMBER.fullmatch(token):
                return self._number(number)
            if token == "port" and port is not None:
                return str(port)
            if token == "password" and self.secret is not None:
                return self.secret
            if token not in self.texts:
                raise Refused(f"console.{token} is not set")
            return self.texts[token]

        return _TOKEN.sub(replaced, template)

    def _number(self, match: re.Match[str]) -> str:
        if self.number is None:
            raise NoSuchPort("this port has no number; set its attribute console.number, or console.name")
        offset = int(match["offset"] or 0)
        number = self.number + (-offset if match["sign"] == "-" else offset)
        return f"{number:{match['width']}d}" if match["width"] else str(number)

    def port(self, expression: str) -> int:
        """The TCP port of an expression: `4122`, `3000+n`, or `base+n` where only the site knows the base.

        Raises Refused where the base is not known, NoSuchPort where it takes a number and there is none, or it comes
        out above 65535.
        """
        if self.tcp_port is not None:
            return self.tcp_port
        match = check_port(expression)
        if self.base is None and match["base"] == "base":
            raise Refused("console.base is not set: this equipment's TCP ports begin where it was configured")
        base = int(match["base"]) if self.base is None else self.base
        if not match["n"]:
            return base
        if self.number is None:
            raise NoSuchPort("this port has no number; set its attribute console.number, or console.port")
        if not 0 < base + self.number < 65536:
            raise NoSuchPort(f"port {self.number} would be TCP port {base + self.number}: there is no such port")
        return base + self.number


def check_port(expression: str) -> re.Match[str]:
    """Raises BadTemplate unless this is a TCP port's expression."""
    match = _PORT.fullmatch(expression)
    if match is None:
        raise BadTemplate(f"{expression!r} is not a TCP port such as 782, 3000+n or base+n")
    return match


def check_template(template: str) -> None:
    """Raises BadTemplate unless everything the template names is a value there can be."""
    for token in _TOKEN.findall(template):
        if token not in _ALLOWED and token not in ("password", "port") and not _NUMBER.fullmatch(token):
            raise BadTemplate(f"there is no value {{{token}}}")

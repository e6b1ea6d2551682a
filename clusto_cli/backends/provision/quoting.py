"""How a value is written into a file so that it stays one value, whatever it holds.

Each language that a boot server's files are in has its own function, a filter of the same name in templates. What a
language cannot say, because it has no way to quote it, is refused: nothing is left out or changed quietly.
"""

from __future__ import annotations

import json as json_module
import re
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_CONTROL_BUT_LINES = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_WORD = re.compile(r"[A-Za-z0-9@+=:,./_~^*-]+")
_IPXE_OPERATORS = ("||", "&&", ";")


class Unquotable(ValueError):
    """A value that cannot be written there; the message begins with the value."""


class Text(str):
    """Text that has been checked: it may have several lines."""

    __slots__ = ()


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 60 else f"{text[:60]}...")


def hashed(value: object) -> str:
    """A password as crypt(3) makes it (`$y$...`), or that of a locked account (`!`, `*`): the file can be read by more
    than the machine. Raises Unquotable, without the value, for what may be the password itself.
    """
    text = line(value)
    if not text or not re.fullmatch(r"[!*]*(\$[0-9a-z-]+\$.+)?", text):
        raise Unquotable("a password must be as crypt(3) makes it (mkpasswd -m yescrypt), not itself")
    return text


def line(value: object) -> str:
    """A text or a number as it is, on one line. Everything that a template inserts passes here or is a Text.

    Raises Unquotable for line ends and other control characters (Unicode's Cc, Zl, Zp and lone surrogates), and for
    what is neither text nor number.
    """
    if isinstance(value, Text):
        return value
    if not isinstance(value, str):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unquotable(f"{_shown(str(value))} is not a text")
        value = str(value)
    if _CONTROL.search(value):
        raise Unquotable(f"{_shown(value)} has a line end or another control character")
    return value


def lines(value: str) -> Text:
    """A text of several lines as it is, for where the template's author knows that it may be one."""
    if _CONTROL_BUT_LINES.search(value):
        raise Unquotable(f"{_shown(value)} has a control character")
    return Text(value)


def items(value: str) -> list[str]:
    """The words of a text: what blanks, commas and line ends divide."""
    return value.replace(",", " ").split()


def word(value: str) -> str:
    """A name, a path, an address: letters, digits and `@+=:,./_~^*-`, which no shell and no line-based file takes for
    anything else.
    """
    if not _WORD.fullmatch(value):
        raise Unquotable(f"{_shown(value)} is not a plain word")
    return value


def shell(value: str) -> str:
    """One word of a POSIX shell, and of a kickstart file, whose commands are split as a shell would."""
    return shlex.quote(line(value))


def json(value: object) -> str:
    """A JSON value on one line, which is also YAML 1.1 and 1.2: what YAML takes for line ends is escaped too."""
    text = json_module.dumps(value, ensure_ascii=False)
    return _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def preseed(value: str) -> str:
    """The value of a preseed line, which goes to the line's end, without blanks around it and not continued."""
    if line(value) != value.strip() or value.endswith("\\"):
        raise Unquotable(f"{_shown(value)} has blanks around it or ends in a backslash")
    return value


def argument(value: object) -> str:
    """One argument of the kernel's command line, or a part of one.

    Installers split /proc/cmdline at blanks and know no quotes; GRUB puts backslashes before quotes and backslashes.
    `--` and `---` end the arguments of the kernel and of Debian's installer.
    """
    text = line(value)
    if not isinstance(text, Text) and not _is_argument(text):
        raise Unquotable(f"{_shown(text)} cannot stand in one argument of a kernel")
    return text


def words(value: str) -> Text:
    """Several arguments, divided by blanks or line ends."""
    for each in value.split():
        argument(each)
    return Text(" ".join(value.split()))


def _is_argument(text: str) -> bool:
    return text not in ("--", "---") and not any(char.isspace() or char in "\"'\\" for char in text)


def grub(value: str) -> str:
    """One word of a GRUB script. Nothing is special between single quotes but the single quote.

    Source: GRUB manual, "Writing full configuration files directly: Quoting".
    """
    return "'" + line(value).replace("'", "'\\''") + "'"


def ipxe(value: str) -> str:
    """One word of an iPXE script, which has no quotes: what would be an operator, a comment or a setting is refused.

    Source: iPXE, src/core/exec.c.
    """
    text = line(value)
    if (
        text in _IPXE_OPERATORS
        or text.startswith("#")
        or "${" in text
        or any(char.isspace() for char in text)
        or not text
    ):
        raise Unquotable(f"{_shown(text)} cannot be written in an iPXE script")
    return text


def pxelinux(value: str) -> str:
    """One word of a PXELINUX file, where everything to the end of a line is taken as it stands."""
    text = line(value)
    if any(char.isspace() for char in text) or not text:
        raise Unquotable(f"{_shown(text)} has a blank")
    return text


def regex(value: object) -> str:
    """A text as a regular expression that finds it alone."""
    return re.escape(line(value))


@dataclass(frozen=True, slots=True)
class Url:
    """The parts of a URL: `http`, `mirror.example.net` or `10.0.0.1:3142`, `/debian`."""

    scheme: str
    host: str
    path: str


def url(value: str) -> Url:
    """A URL of the schemes http and https, in its parts."""
    parts = urlsplit(word(value))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query:
        raise Unquotable(f"{_shown(value)} is no URL like http://HOST/PATH")
    return Url(parts.scheme, parts.netloc, parts.path or "/")


def oneline(value: str) -> str:
    """Several lines as one, with blanks for line ends: shell commands that each end in `;`."""
    return line(" ".join(value.split("\n")).strip())


def fai_class(value: str) -> str:
    """The FAI class of a clusto Class: upper case, and `_` for what FAI does not allow (BigMem is BIGMEM).

    Source: FAI guide, "Defining classes": no hyphen, hash, semicolon, dot; upper case.
    """
    return re.sub("[^A-Z0-9_]", "_", value.upper())

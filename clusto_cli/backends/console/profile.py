"""Console profiles: how each vendor's equipment is reached, as data.

A profile is a TOML file; its name is the file's. `docs/console.md` describes the format for whoever writes one. This
module reads it, and refuses whatever it does not understand: a misspelt key must not quietly do nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.values import BadTemplate, check_port, check_template

TRANSPORTS = ("ssh", "telnet", "rfc2217", "raw", "command", "unix", "tty")
CONFIDENCES = {
    "lab": "run against the real thing",
    "source": "from the project's own source or documents",
    "manual": "from the vendor's manual",
    "help": "from the program's own help text, not run",
    "recalled": "not confirmed",
}


class BadProfile(ValueError):
    """A profile's file does not say what a profile says; the message names the file and the place."""


class UnknownProfile(LookupError):
    """No profile, or no method of a profile, has that name; the message lists those there are."""


@dataclass(frozen=True)
class Step:
    """One exchange with a menu: wait for `expect`, then type `send` (a template)."""

    expect: re.Pattern[bytes]
    send: str


@dataclass(frozen=True)
class EscapeKey:
    """The byte that the program in between takes as the start of a command of its own.

    literal: what is typed to send that byte itself; empty where nothing does. line_start: it is special only after a
    carriage return or line feed, and at the very beginning. break_resets: typing a break ends that state (ipmitool)
    or leaves it (ssh).
    """

    key: bytes
    literal: bytes
    line_start: bool = False
    break_resets: bool = False


@dataclass(frozen=True)
class Listing:
    """A command that tells of the ports: `row` has the groups `name`, and maybe `aliases`, `users`, `state`.

    user: what one entry of `users` looks like, with the groups `name` and maybe `host` and `writes` (`w` when it does).
    completes: the server takes the beginning of a name for the name, so that what it means has to be compared.
    """

    argv: tuple[str | tuple[str, ...], ...]
    row: re.Pattern[str]
    user: re.Pattern[str] | None
    completes: bool = False


@dataclass(frozen=True)
class Method:
    """One way to a port.

    port, user, path: templates of what is dialled. argv: the command, where a list inside it is left out as a whole
    when one of its values is not known, and `{mode}` stands for the arguments of the mode of attaching. raw: the
    child's terminal is made raw at once (conserver's client prints its banner before it does so itself; never for
    ssh, which hands these settings on to the far side). ready, busy, unknown, lost: what the other side says when the
    port is attached, taken, not there, or taken away. busy_keys: what to type at a menu shown for a busy port.
    leave and brk: what to type to leave and for a break. before_force and release: commands to run before taking the
    port over, and after a session that could not be left by typing. legacy: all of this equipment speak none but old
    algorithms over ssh.
    """

    name: str
    transport: str
    confidence: str
    port: str = ""
    user: str = "{user}"
    path: str = "{path}"
    argv: tuple[str | tuple[str, ...], ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    modes: Mapping[Attach, tuple[str, ...]] = field(default_factory=dict)
    raw: bool = False
    steps: tuple[Step, ...] = ()
    ready: re.Pattern[bytes] | None = None
    busy: re.Pattern[bytes] | None = None
    unknown: re.Pattern[bytes] | None = None
    lost: re.Pattern[bytes] | None = None
    busy_keys: Mapping[Attach, bytes] = field(default_factory=dict)
    escape: EscapeKey | None = None
    leave: bytes = b""
    brk: bytes = b""
    before_force: tuple[str | tuple[str, ...], ...] = ()
    release: tuple[str | tuple[str, ...], ...] = ()
    legacy: bool = False

    def supports(self, attach: Attach) -> bool:
        """Whether the equipment itself knows this mode; read-only is always kept at this end."""
        if attach is Attach.FORCE:
            return attach in self.modes or attach in self.busy_keys or bool(self.before_force)
        return attach is Attach.NORMAL or attach in self.modes or attach in self.busy_keys


@dataclass(frozen=True)
class Profile:
    """One family of equipment: its methods, the usual one first. numbering: what its port numbers count."""

    name: str
    vendor: str
    source: str
    methods: tuple[Method, ...]
    notes: str = ""
    numbering: str = "ports from 1"
    listing: Listing | None = None

    def method(self, name: str | None) -> Method:
        """The method of that name, the usual one for None. Raises UnknownProfile."""
        for method in self.methods:
            if name is None or method.name == name:
                return method
        known = ", ".join(method.name for method in self.methods)
        raise UnknownProfile(f"console profile {self.name} has no method {name} (it has: {known})")


def _pattern(value: object) -> re.Pattern[bytes]:
    return re.compile(str(value).encode())


def _argv(value: list[str | list[str]]) -> tuple[str | tuple[str, ...], ...]:
    for argument in value:
        for template in [argument] if isinstance(argument, str) else argument:
            if template != "{mode}":
                check_template(template)
    return tuple(argument if isinstance(argument, str) else tuple(argument) for argument in value)


def _modes(value: Mapping[str, Any]) -> dict[Attach, Any]:
    return {Attach(key): item for key, item in value.items()}


def _escape(value: dict[str, Any]) -> EscapeKey:
    key, literal = value.pop("key").encode("latin-1"), value.pop("literal", "").encode("latin-1")
    if len(key) != 1:
        raise ValueError("an escape key is one byte")
    return EscapeKey(key, literal, **value)


def _method(table: dict[str, Any], confidence: str) -> Method:
    table = {"confidence": confidence} | table
    if table["transport"] not in TRANSPORTS:
        raise ValueError(f"transport is one of {', '.join(TRANSPORTS)}")
    if table["confidence"] not in CONFIDENCES:
        raise ValueError(f"confidence is one of {', '.join(CONFIDENCES)}")
    for key in ("user", "path", *(f"env.{name}" for name in table.get("env", {}))):
        check_template(table["env"][key[4:]] if key.startswith("env.") else table.get(key, ""))
    if table.get("port"):
        check_port(table["port"])
    for key in ("argv", "before_force", "release"):
        table[key] = _argv(table.get(key, []))
    for key in ("ready", "busy", "unknown", "lost"):
        if key in table:
            table[key] = _pattern(table[key])
    table["modes"] = {mode: tuple(argv) for mode, argv in _modes(table.get("modes", {})).items()}
    table["busy_keys"] = {mode: keys.encode("latin-1") for mode, keys in _modes(table.get("busy_keys", {})).items()}
    table["steps"] = tuple(Step(_pattern(step["expect"]), step["send"]) for step in table.get("steps", []))
    for step in table["steps"]:
        check_template(step.send)
    if "escape" in table:
        table["escape"] = _escape(dict(table["escape"]))
    for key in ("leave", "brk"):
        table[key] = table.get(key, "").encode("latin-1")
    return Method(**table)


def parse(name: str, text: str) -> Profile:
    """A profile out of the text of its file. Raises BadProfile."""
    try:
        table = tomllib.loads(text)
        confidence = table.pop("confidence", "")
        methods = tuple(_method(method, confidence) for method in table.pop("method"))
        listing = None
        if (ports := table.pop("ports", None)) is not None:
            user = ports.pop("user", None)
            listing = Listing(
                _argv(ports.pop("argv")),
                re.compile(ports.pop("row")),
                re.compile(user) if user else None,
                ports.pop("completes", False),
            )
            if ports:
                raise ValueError(f"unknown key in [ports]: {', '.join(ports)}")
        return Profile(name=name, methods=methods, listing=listing, **table)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError, re.error, BadTemplate) as error:
        raise BadProfile(f"console profile {name}: {type(error).__name__}: {error}") from error


def _own_folder() -> Path:
    return Path(__file__).parent.parent / "profiles" / "console"


def names(folders: tuple[Path, ...] = ()) -> list[str]:
    """The names of all profiles: clusto's own, and those in a site's own folders."""
    return sorted({path.stem for folder in (_own_folder(), *folders) for path in folder.glob("*.toml")})


@cache
def load(name: str, folders: tuple[Path, ...] = ()) -> Profile:
    """The profile of that name; a site's own folders go before clusto's. Raises UnknownProfile and BadProfile."""
    if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]*", name):
        for folder in (*folders, _own_folder()):
            path = folder / f"{name}.toml"
            if path.is_file():
                return parse(name, path.read_text(encoding="utf-8"))
    raise UnknownProfile(f"there is no console profile {name!r} (there are: {', '.join(names(folders))})")

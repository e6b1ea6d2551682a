"""Writes what the operator allows into the configuration file; what else is in it, comments too, stays as it is."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from clusto_core import config
from clusto_core.boundary import permissions
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.reading import decoded
from clusto_core.secrecy import REFERENCES

if TYPE_CHECKING:
    from tomlkit import TOMLDocument
    from tomlkit.items import Table

LISTS = {
    "env": ("secrets", "env"),
    "file": ("secrets", "files"),
    "network": ("devices", "networks"),
    "path": ("devices", "paths"),
    "requirement": ("devices", "require"),
}
"""What is allowed as a list, and where the list is: table and key."""
_ENV = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\*?")
_KEY = re.compile(r"\*|\w[\w.:/+#-]*")
_DOMAIN = re.compile(r"(?:\*?\.)?[A-Za-z0-9_*](?:[A-Za-z0-9_.*-]*[A-Za-z0-9_*])?")


def allow(kind: str, values: Sequence[str]) -> list[str]:
    """Adds to a list of LISTS; those that were not in it. Raises Malformed for what none of these can be."""
    table, key = LISTS[kind]
    return _add(kind, values, lambda document: _table(document, table), key)


def allow_for(reference: str, networks: Sequence[str]) -> list[str]:
    """Says for which networks a secret is, by its reference: for these and no others. Raises Malformed."""
    if not reference.startswith(REFERENCES):
        raise Malformed(f"a secret is env:NAME, file:PATH or secret:NAME, not {reference[:60]!a}")
    return _add("network", networks, lambda document: _table(document, "secrets", "hosts"), reference)


def allow_export(name: str, keys: Sequence[str]) -> list[str]:
    """Lets the program of an export obey the attributes of these keys, `*` for all; those that it did not obey yet.
    Raises Malformed for a format that is none of EXPORTS."""
    _check_export(name)
    return _add("export", keys, lambda document: _table(document, "exports"), name)


def deny_export(name: str, keys: Sequence[str]) -> None:
    """Takes keys of an export back. Raises Malformed as `allow_export`, NotFound for one that was not allowed."""
    _check_export(name)
    with _edited() as document:
        _take(_table(document, "exports").get(name, []), keys, lambda key: key, f"export {name}")


def deny(kind: str, values: Sequence[str]) -> None:
    """Takes out of a list of LISTS, out of the commands, or what was said for a `secret`. Raises NotFound for what is
    not there."""
    table, key = LISTS.get(kind, ("commands", ""))
    with _edited() as document:
        found = _table(document, "secrets", "hosts") if kind == "secret" else _table(document, table)
        _take(found.get(key, []) if key else found, values, _CHECKS.get(kind, str), kind)


def define_command(name: str, argv: Sequence[str]) -> None:
    """Has attributes call an argument list by a name. Raises Malformed, NotFound for a program that there is not."""
    if not re.fullmatch(permissions.COMMAND_NAME, name):
        raise Malformed(f"a command's name has letters, digits, dots and dashes: {name[:60]!a}")
    if not argv:
        raise Malformed(f"what program is {name}? (clusto config allow command {name} -- PROGRAM ARGUMENT...)")
    with _edited() as document:
        _table(document, "commands")[name] = [_program(argv[0]), *argv[1:]]


def set_helper(argv: Sequence[str]) -> None:
    """Has a program asked for secrets by name; none where the list is empty. Raises NotFound."""
    with _edited() as document:
        table = _table(document, "secrets")
        if argv:
            table["helper"] = [_program(argv[0]), *argv[1:]]
        else:
            table.pop("helper", None)


def set_alias(name: str, line: str) -> None:
    """Has a word stand for a command line of the operator's own: `[alias]`."""
    with _edited() as document:
        _table(document, "alias")[name] = line


def remove_alias(name: str) -> None:
    """Raises NotFound for an alias that there is not."""
    with _edited() as document:
        if name not in _table(document, "alias"):
            raise NotFound(f"{config.file_in_force()} has no alias {name[:60]}")
        _table(document, "alias").remove(name)


def _add(kind: str, values: Sequence[str], table: Callable[[TOMLDocument], Table], key: str) -> list[str]:
    wanted = [_CHECKS[kind](value) for value in values]
    with _edited() as document:
        holder = table(document)
        present = list(holder.get(key, []))
        new = [value for value in dict.fromkeys(wanted) if value not in present]
        if present:
            holder[key].extend(new)
        else:
            holder[key] = new
    return new


def _take(holder: Any, values: Sequence[str], spelled: Callable[[str], str], kind: str) -> None:
    """Takes values out of a list or a table, as they are written there, or as `allow` spells them."""
    for value in values:
        found = value if value in holder else spelled(value)
        if found not in holder:
            raise NotFound(f"{config.file_in_force()} does not allow the {kind} {value}")
        holder.remove(found)


def _program(program: str) -> str:
    """Where a program is, so that a PATH of later does not say otherwise."""
    from shutil import which

    if (found := which(os.path.expanduser(program))) is None:
        raise NotFound(f"there is no program {program}")
    return os.path.abspath(found)


def _check_export(name: str) -> None:
    if name not in permissions.EXPORTS:
        known = ", ".join(permissions.EXPORTS)
        raise Malformed(f"attributes become settings of {known}, and of no {name[:40]!a}")


def _checked_export(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise Malformed(f"{key[:60]!a} is no key of an attribute, and not *")
    return key


def _checked_env(name: str) -> str:
    if not _ENV.fullmatch(name):
        raise Malformed(f"no environment variable is called {name[:60]!a}")
    return name


def _checked_path(path: str) -> str:
    absolute = os.path.abspath(os.path.expanduser(path))
    return absolute + "*" if path.endswith("*") and not absolute.endswith("*") else absolute


def _checked_network(text: str) -> str:
    import ipaddress

    with contextlib.suppress(ValueError):
        return str(ipaddress.ip_network(text, strict=False))
    if not _DOMAIN.fullmatch(text) or text.replace(".", "").isdecimal():
        raise Malformed(f"{text[:60]!a} is no network, address or domain: 10.0.0.0/8, 10.1.2.3, .example.com, pdu*")
    return text.lower()


def _checked_requirement(word: str) -> str:
    if word not in permissions.REQUIREMENTS:
        raise Malformed(f"what can be required is {' and '.join(permissions.REQUIREMENTS)}, not {word!r}")
    return word


_CHECKS: dict[str, Callable[[str], str]] = {
    "env": _checked_env,
    "export": _checked_export,
    "file": _checked_path,
    "network": _checked_network,
    "path": _checked_path,
    "requirement": _checked_requirement,
}


def _table(document: TOMLDocument, *names: str) -> Table:
    import tomlkit

    table: Any = document
    for name in names:
        if name not in table:
            table[name] = tomlkit.table()
        table = table[name]
    found: Table = table
    return found


class _edited:
    """The document of the configuration file, written back whole when nothing went wrong and it still is one."""

    def __enter__(self) -> TOMLDocument:
        import tomlkit

        self._path = os.path.realpath(config.file_in_force())
        text = ""
        if os.path.exists(self._path):
            config.section("devices", self._path)
            with open(self._path, "rb") as file:
                text = decoded(file.read(), self._path)
        self._document = tomlkit.parse(text)
        return self._document

    def __exit__(self, kind: object, value: object, trace: object) -> None:
        if kind is not None:
            return
        import tomllib

        text = self._document.as_string()
        permissions.parse(tomllib.loads(text), self._path)
        try:
            _write(self._path, text)
        except OSError as error:
            raise Refused(f"cannot write {self._path}: {error.strerror}") from None


def _write(path: str, text: str) -> None:
    folder = os.path.dirname(path)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    mode = os.stat(path).st_mode & 0o755 if os.path.exists(path) else 0o600
    descriptor, beside = tempfile.mkstemp(dir=folder, prefix=".config-")
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, mode)
            file.write(text)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise

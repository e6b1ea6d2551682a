"""What this clusto is made of and can use, for reports of faults: Python, libraries, databases, programs."""

from __future__ import annotations

import os
import platform
import re
import sys
from collections.abc import Iterator
from typing import NamedTuple

from clusto_cli import children

PROGRAMS = {
    "ssh": "switches, PDUs and consoles",
    "ipmitool": "power and consoles of management controllers",
    "ipmiconsole": "consoles of management controllers",
    "console": "consoles of conserver",
    "conman": "consoles of ConMan",
    "virsh": "consoles of virtual servers",
    "nodeconsole": "consoles of xCAT and Confluent",
    "gtlssh": "consoles over gtlsshd",
    "openssl": "consoles over TLS",
    "less": "lists that are longer than the screen",
}
"""The programs that clusto starts where a device or a verb needs them, and what for."""
_DATABASES = {"psycopg2-binary": "PostgreSQL", "PyMySQL": "MariaDB and MySQL"}
_FOR_DEVELOPERS = ("dev", "test")
_REQUIREMENT = re.compile(r"([\w.-]+)[^;]*(?:;.*extra == ['\"]([\w-]+)['\"])?")


class Part(NamedTuple):
    """A part; found: its version, or where it is, None where it is missing; note: what it is for, how to get it."""

    kind: str
    name: str
    found: str | None
    note: str = ""


def parts() -> Iterator[Part]:
    """All of them."""
    yield Part("python", sys.executable, platform.python_version(), f"on {platform.platform()}")
    yield Part("clusto", os.path.dirname(__file__), _version("clusto"))
    yield from _databases_and_packages()
    for name, purpose in PROGRAMS.items():
        yield Part("program", name, children.find(name), purpose)


def _databases_and_packages() -> Iterator[Part]:
    import sqlite3
    from importlib.metadata import PackageNotFoundError, requires

    try:
        required = requires("clusto") or []
    except PackageNotFoundError:
        required = []
    yield Part("database", "SQLite", sqlite3.sqlite_version)
    found: dict[str, Part] = {}
    for line in required:
        match = _REQUIREMENT.match(line)
        if match is None or match[2] in _FOR_DEVELOPERS:
            continue
        name, extra = match[1], match[2]
        version = _version(name) or (_version("psycopg2") if name == "psycopg2-binary" else None)
        how = f"pip install 'clusto[{extra}]'" if extra and version is None else ""
        what = ", ".join(filter(None, (_DATABASES.get(name, ""), how)))
        found[name] = Part("database" if name in _DATABASES else "package", name, version, what)
    yield from sorted(found.values(), key=lambda part: (part.kind, part.name.lower()))


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def show(output: str) -> None:
    """Prints them, a line each, or as records."""
    from clusto_cli.output import write_records
    from clusto_cli.page import Span, columns, write

    if output != "text":
        write_records(output, (part._asdict() for part in parts()))
        return
    write(
        columns(
            ((Span(part.kind), Span(part.name), Span(part.found or "missing"), Span(part.note)) for part in parts()),
            indent="",
        )
    )

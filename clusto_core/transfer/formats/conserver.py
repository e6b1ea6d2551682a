"""A configuration for conserver: a console for each machine whose serial port is wired to a console server.

Source of the format: conserver.cf(5), conserver 8.2. A console whose server has the attribute `console.base`, own or
inherited, is reached over TCP, at that number plus the number of the port, with telnet, or raw when `console.method` is
`raw`; all others by `clusto console`, which knows how each vendor's are reached. Who may connect is said in `access`
blocks of the site's own, in a file that includes this one.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, view_of, views
from clusto_core.drivers.parts import ConsolePort, SerialPort
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving, comment

BASE = "console.base"
HOST = "console.host"
METHOD = "console.method"

_HEAD = """\
# Which hosts may connect is said in blocks of the site's own, as:
#   access * { trusted 127.0.0.1; }
default clusto { master localhost; rw *; }
"""
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:_-]{0,252}")


class _Console(NamedTuple):
    """What it is called, how `clusto console` is told of it, and the port of a console server that it is wired to."""

    name: str
    target: str
    port: Thing


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the consoles of the Things."""
    found = [console for view in views(reader, things) for thing in view.things for console in _consoles(view, thing)]
    servers = view_of(reader, reader.by_ids({console.port.entity_id for console in found}).values())
    by_id = {server.id: server for server in servers.things}
    out.write(_HEAD)
    counted = Counter(console.name for console in found)
    for console in found:
        if counted[console.name] > 1:
            out.write(comment(f"{console.target}: left out, two consoles would be called {console.name}"))
            continue
        out.write(f"console {quoted(console.name)} {{\n")
        for line in _reached(servers, by_id[console.port.entity_id], console):
            out.write(f"    {line}\n")
        out.write("}\n")


def _consoles(view: View, thing: Thing) -> list[_Console]:
    """The consoles of one machine: an only one has its name, several have that and the part's."""
    wired = [
        (link.part, link.far)
        for link in view.links[thing.id]
        if link.part is not None and link.part.is_a(SerialPort) and link.far is not None and link.far.is_a(ConsolePort)
    ]
    if len(wired) == 1:
        return [_Console(thing.name, thing.name, wired[0][1])]
    return [
        _Console(f"{thing.name}-{re.sub('[^A-Za-z0-9._-]+', '-', serial.part_name)}", serial.name, port)
        for serial, port in wired
    ]


def _reached(view: View, server: Thing, console: _Console) -> Iterator[str]:
    yield "include clusto;"
    base = view.setting(server, BASE)
    host = view.setting(server, HOST) or view.address(server) or server.name
    number = console.port.number
    if base and base.isdecimal() and number is not None and _ADDRESS.fullmatch(host) and int(base) + number < 65536:
        yield "type host;"
        yield f"host {quoted(host)};"
        yield f"port {int(base) + number};"
        yield f"protocol {'raw' if view.setting(server, METHOD) == 'raw' else 'telnet'};"
    else:
        yield "type exec;"
        yield f"exec {quoted(f'clusto console {console.target}')};"


def quoted(text: str) -> str:
    """Text as a string of the configuration, in which only the quote is special."""
    return '"' + text.replace('"', '\\"') + '"'

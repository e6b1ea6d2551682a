"""A configuration for conserver: a console for each machine whose serial port is wired to a console server.

Source of the format: conserver.cf(5), conserver 8.2. A console whose server has the attribute `console.base`, own or
inherited, is reached over TCP, at that number plus the number of the port, with telnet, or raw when `console.method` is
`raw`; all others by `clusto console`, which knows how each vendor's are reached. Who may connect is said in `access`
blocks of the site's own, in a file that includes this one.

Read, it is the wiring of consoles: which port of which console server leads to which machine, where that is said by
host and port (`type host`, or `exec` of telnet or ssh), and the management controllers that are spoken to (`type ipmi`,
or `exec` of ipmitool or ipmiconsole).
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import pairwise
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, view_of, views
from clusto_core.drivers.parts import ConsolePort, SerialPort
from clusto_core.model.attributes import string
from clusto_core.model.things import Thing
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.conserver_cf import Block, blocks
from clusto_core.transfer.mentions.mention import Far, Mention, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, told

ADDRESSES = True
SOURCE = "conserver"
BASE = "console.base"
HOST = "console.host"
METHOD = "console.method"
CONTROLLER = "bmc.host"

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
    servers = view_of(reader, reader.by_ids({each.port.entity_id for each in found}).values(), leaving.spaces)
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


# --- import ----------------------------------------------------------------------------------------------------------


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What the consoles of a file say of machines, and last how many say nothing that is of use."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    defaults: dict[str, dict[str, str]] = {}
    silent = 0
    for block in blocks(file):
        if block.kind == "default":
            defaults[block.name] = _settings(block, defaults)
        elif block.kind == "console":
            settings = {**defaults.get("*", {}), **_settings(block, defaults)}
            found = _mention(block, settings, name)
            silent += not found.ports and not found.values
            yield found
    if silent:
        yield Document("", name, 1, notes=(f"{name}: {silent} consoles do not say by which port or controller",))


def _settings(block: Block, defaults: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """The values of a block with those of the defaults that it includes, each the last that is said."""
    found: dict[str, str] = {}
    for keyword, value, line in block.pairs:
        if keyword == "include":
            if value not in defaults:
                raise BrokenAtError(line, f"no such default before this line: {value[:60]!a}")
            found.update(defaults[value])
        else:
            found[keyword] = value
    return found


def _mention(block: Block, settings: Mapping[str, str], file: str) -> Mention:
    found = mention(block.name, file, block.line)
    found.aliases = tuple(filter(None, (each.strip() for each in settings.get("aliases", "").split(","))))
    kind, host = settings.get("type", ""), settings.get("host", "")
    command = _words(settings.get("exec", "")) if kind == "exec" else []
    program = command[0].rpartition("/")[2] if command else ""
    if kind == "host" and host:
        found.ports = tuple(_far(host, settings, block.line))
    elif kind == "ipmi" and host:
        found.values = {CONTROLLER: (string(host),)}
    elif program in ("telnet", "ssh"):
        found.ports = tuple(_dialled(program, command[1:]))
    elif program in ("ipmitool", "ipmiconsole", "ipmi-console"):
        controller = _option(command, "-H" if program == "ipmitool" else "-h")
        found.values = {CONTROLLER: (string(controller),)} if controller else {}
    return found


def _far(host: str, settings: Mapping[str, str], line: int) -> Iterator[Far]:
    """The port of a console server: its TCP port is portbase + portinc * port (conserver.cf(5))."""
    texts = [settings.get("portbase") or "0", settings.get("portinc") or "1", settings.get("port") or ""]
    if not texts[2].isascii() or not texts[2].isdecimal():
        return  # the name of a service, or none
    if not all(text.isascii() and text.isdecimal() and len(text) < 10 for text in texts):
        raise BrokenAtError(line, f"portbase, portinc and port are numbers, not {', '.join(texts)[:60]!a}")
    base, step, port = map(int, texts)
    yield Far(host, ConsolePort, str(port) if base else "", base + step * port)


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:
        return []


def _dialled(program: str, arguments: list[str]) -> Iterator[Far]:
    """`telnet HOST PORT`, `ssh -p PORT USER@HOST`."""
    port = _option(arguments, "-p") if program == "ssh" else arguments[-1] if len(arguments) > 1 else ""
    plain = [each for before, each in zip(["", *arguments], arguments, strict=False) if not each.startswith("-")
             and before not in ("-p", "-l", "-i", "-o", "-F", "-e")]  # fmt: skip
    if plain and port.isascii() and port.isdecimal() and 0 < int(port) < 65536:
        yield Far(plain[0].rpartition("@")[2], ConsolePort, "", int(port))


def _option(arguments: list[str], option: str) -> str:
    found = [each for before, each in pairwise(arguments) if before == option]
    return found[0] if found else ""

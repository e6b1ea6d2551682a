"""A configuration for PowerMan: a device for each PDU, a node for each feed, and each server as an alias of its feeds.

Source of the format: powerman.conf(5), powerman.dev(5), PowerMan 2.3.27. PowerMan gives a node one plug; a server with
two feeds is an alias of `server1-psu1` and `server1-psu2`, so that `powerman -0 server1` takes both.

A PDU with the attribute `powerman.spec`, own or inherited, is driven by that specification of PowerMan's, at its
address and `powerman.port` (23), or as `powerman.device` says, in which `{host}` is the address. All others are driven
by clusto, by the specification that this file brings: PowerMan's clients then work with every PDU that clusto knows.
powermand runs what a device's target says as a program, so these attributes count only where `leaving` permits them.

Read, it is the wiring of power: which outlet of which PDU feeds which machine.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, view_of, views
from clusto_core.drivers.parts import Inlet, Outlet
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader
from clusto_core.transfer.documents import Document
from clusto_core.transfer.leaving import SAFE, Leaving, comment
from clusto_core.transfer.mentions.hostlists import listed
from clusto_core.transfer.mentions.mention import Far, Mention, mention
from clusto_core.transfer.mentions.reading import BrokenAtError, numbered, told

ADDRESSES = True
SOURCE = "powerman"
SPEC = "powerman.spec"
DEVICE = "powerman.device"
PORT = "powerman.port"

_OWN = r"""specification "clusto" {
	timeout 120

	script login {
		send "PS1=; PS2=; echo =$((6*7))=\n"
		expect "=42=\r?\n"
	}
	script status {
		send "clusto power status '%s' 2>/dev/null | { read name state rest; echo =${state:-unknown}=; }\n"
		expect "=([a-z]+)=\r?\n"
		setplugstate $1 on="on" off="off"
	}
	script on_ranged {
		send "clusto power on --yes '%s' >/dev/null 2>&1; echo =$?=\n"
		expect "=0=\r?\n"
	}
	script off_ranged {
		send "clusto power off --yes '%s' >/dev/null 2>&1; echo =$?=\n"
		expect "=0=\r?\n"
	}
}
"""

_SPEC = re.compile(r"[A-Za-z0-9._-]{1,100}")
_TARGET = re.compile(r"[A-Za-z0-9 ._:/@,+=|&\[\]-]{1,500}")


class _Feed(NamedTuple):
    """An inlet and the outlet that it is wired to."""

    inlet: Thing
    outlet: Thing


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the feeds of the Things, and the PDUs that they come from."""
    feeds = {thing: _feeds(view, thing) for view in views(reader, things) for thing in view.things}
    owners = reader.by_ids({feed.outlet.entity_id for found in feeds.values() for feed in found})
    pdus = view_of(reader, owners.values(), leaving.spaces)
    specs = {pdu: pdus.setting(pdu, SPEC) if leaving.permits(SPEC) else None for pdu in pdus.things}
    leaving.leave_out("powerman", _settings(pdus), out)
    for spec in sorted({spec for spec in specs.values() if spec}):
        if _SPEC.fullmatch(spec):
            out.write(f'include "/etc/powerman/{spec}.dev"\n')
    if not all(specs.values()):
        out.write(_OWN)
    usable = {pdu.id for pdu in in_order(specs) if _write_device(pdus, pdu, specs[pdu], out, leaving)}
    nodes: set[str] = {thing.name for thing, found in feeds.items() if found}
    for thing, found in feeds.items():
        known = [feed for feed in found if feed.outlet.entity_id in usable]
        names = [_node(feed.inlet) for feed in known]
        if nodes & set(names) or len(set(names)) < len(names):
            out.write(comment(f"{thing.name}: left out, two nodes would be called {', '.join(names)}"))
            continue
        nodes |= set(names)
        for feed, name in zip(known, names, strict=True):
            pdu = owners[feed.outlet.entity_id]
            plug = _plug(feed.outlet) if specs[pdu] else feed.outlet.name
            out.write(f'node "{name}" "{pdu.name}" "{plug}"\n')
        if known:
            out.write(f'alias "{thing.name}" "{",".join(names)}"\n')


def _feeds(view: View, thing: Thing) -> list[_Feed]:
    return [
        _Feed(link.part, link.far)
        for link in view.links[thing.id]
        if link.part is not None and link.part.is_a(Inlet) and link.far is not None and link.far.is_a(Outlet)
    ]


def _settings(view: View) -> set[str]:
    """The keys of attributes that powermand would obey."""
    return {key for pdu in view.things for key in (SPEC, DEVICE) if view.setting(pdu, key)}


def _write_device(view: View, pdu: Thing, spec: str | None, out: TextIO, leaving: Leaving) -> bool:
    if not spec:
        out.write(f'device "{pdu.name}" "clusto" "/bin/sh |&"\n')
        return True
    host = view.address(pdu) or pdu.name
    host = f"[{host}]" if ":" in host else host
    port = view.setting(pdu, PORT) or "23"
    own = view.setting(pdu, DEVICE)
    if own and not leaving.permits(DEVICE):
        out.write(comment(f"{pdu.name}: left out, since {DEVICE} says how it is reached"))
        return False
    target = (own or f"{{host}}:{port}").replace("{host}", host)
    if not _SPEC.fullmatch(spec) or not _TARGET.fullmatch(target):
        out.write(
            comment(f"{pdu.name}: left out, {SPEC} or {DEVICE} has a character that PowerMan's files cannot hold")
        )
        return False
    out.write(f'device "{pdu.name}" "{spec}" "{target}"\n')
    return True


def _plug(outlet: Thing) -> str:
    """What PowerMan's specifications call an outlet: by its number."""
    return outlet.part_name if outlet.number is None else str(outlet.number)


def _node(inlet: Thing) -> str:
    return f"{inlet.owner_name}-{re.sub('[^A-Za-z0-9._-]+', '-', inlet.part_name)}"


# --- import ----------------------------------------------------------------------------------------------------------

_WORD = re.compile(r'\s*(?:"(?P<quoted>(?:\\.|[^"\\])*)"|(?P<comment>#.*)|(?P<mark>[{}])|(?P<bare>[^\s"#{}]+))')
_ESCAPE = re.compile(r"\\(.)")
_PLAIN = ("include", "listen", "tcpwrappers", "port", "plug_log_level")
_HOSTED = re.compile(r"\[(?P<v6>[0-9A-Fa-f:.]+)\](?::[0-9]+)?|(?P<host>[A-Za-z0-9._-]+)(?::[0-9]+)?")


class _Node(NamedTuple):
    """`node name device plug`, written out."""

    name: str
    device: str
    plug: str
    line: int


@dataclass
class _Said:
    """What a file says. devices: by their names, what they are reached by; groups: by aliases, the nodes."""

    devices: dict[str, str] = field(default_factory=dict)
    groups: dict[str, list[str]] = field(default_factory=dict)
    nodes: list[_Node] = field(default_factory=list)


def read(file: TextIO, name: str) -> Iterator[Document]:
    """Which outlets feed the nodes of a file; what it includes is not read."""
    return told(_read, file, name)


def _read(file: TextIO, name: str) -> Iterator[Document]:
    said = _Said()
    depth = 0
    for line, words in _lines(file):
        marks = words.count("{") - words.count("}")
        if depth or marks or words[0] in ("specification", "script"):
            depth += marks
        else:
            _take(said, line, words)
    owners = {node: alias for alias, nodes in said.groups.items() for node in nodes if _is_of(node, alias)}
    for node in said.nodes:
        yield _mention(said, node, owners.get(node.name, ""), name)


def _lines(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """The words of each line that has any."""
    for number, line in numbered(file):
        at, words = 0, []
        while line[at:].strip():
            found = _WORD.match(line, at)
            if found is None:
                raise BrokenAtError(number, 'a " without another one')
            at = found.end()
            if found["comment"] is None:
                quoted = found["quoted"]
                words.append(found["mark"] or found["bare"] or _ESCAPE.sub(r"\1", quoted or ""))
        if words:
            yield number, words


def _take(said: _Said, line: int, words: list[str]) -> None:
    kind, given = words[0], words[1:]
    if kind == "device" and len(given) in (3, 4):
        said.devices[given[0]] = given[2]
    elif kind == "alias" and len(given) == 2:
        said.groups[given[0]] = listed(given[1], line)
    elif kind == "node" and len(given) in (2, 3):
        _take_node(said, line, given)
    elif kind not in _PLAIN:
        raise BrokenAtError(line, f"expected device, node or alias with what they need, found {' '.join(words)[:60]!a}")


def _take_node(said: _Said, line: int, given: list[str]) -> None:
    if given[1] not in said.devices:
        raise BrokenAtError(line, f"no such device before this line: {given[1][:60]!a}")
    names = listed(given[0], line)
    plugs = listed(given[2], line) if len(given) == 3 else names
    if len(plugs) != len(names):
        raise BrokenAtError(line, f"{len(names)} nodes, and {len(plugs)} plugs")
    said.nodes += [_Node(name, given[1], plug, line) for name, plug in zip(names, plugs, strict=True)]


def _mention(said: _Said, node: _Node, owner: str, file: str) -> Mention:
    target = _HOSTED.fullmatch(said.devices[node.device])
    address = (target["v6"] or target["host"]) if target else ""
    found = mention(node.name, file, node.line)
    found.aliases = (owner,) if owner else ()
    # Clusto's own specification asks for plugs by the whole name of the outlet.
    plug = node.plug.removeprefix(f"{node.device}:")
    found.ports = (Far(node.device, Outlet, plug, address=address),)
    return found


def _is_of(node: str, alias: str) -> bool:
    """Whether an alias is the machine that a node is a feed of: `web1` of `web1-b`."""
    return len(node) > len(alias) and node.startswith(alias) and node[len(alias)] in "-_."

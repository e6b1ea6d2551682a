"""The tables of an xCAT database, as `tabdump` and `dumpxCATdb` write them: import only.

Read are nodelist, hosts, nics, mac, nodehm (terminal servers), ipmi, nodepos, switch, pduoutlet and vpd, each in a file
of its own or one behind another; tables are known by their columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from clusto_core.drivers.parts import ConsolePort, Outlet, Port
from clusto_core.errors import Malformed
from clusto_core.model import addresses
from clusto_core.model.attributes import string
from clusto_core.transfer.documents import Document, broken
from clusto_core.transfer.mentions.mention import Card, Far, Mention, card, mention
from clusto_core.transfer.mentions.reading import BrokenAtError
from clusto_core.transfer.mentions.xcat_tables import Row, Tables, load

SOURCE = "xcat"
GROUPS = "group.xcat"
"""The groups of a node that are no category in the inventory."""
_VALUES = (("ipmi", "bmc", "bmc.host"), ("vpd", "serial", "serial"), ("vpd", "asset", "asset.tag"))


def read(file: TextIO, name: str) -> Iterator[Document]:
    """What the tables in a file say of nodes."""
    return read_together([(file, name)])


def read_together(files: list[tuple[TextIO, str]]) -> Iterator[Document]:
    """What the tables in several files say of nodes."""
    tables = Tables()
    for file, name in files:
        try:
            load(file, name, tables)
        except BrokenAtError as error:
            yield broken(name, error.line, str(error))
            return
    for node, row in tables.nodes().items():
        try:
            yield _mention(tables, node, row)
        except Malformed as error:
            yield broken(row.file, error.line if isinstance(error, BrokenAtError) else row.line, f"{node}: {error}")
    if tables.unknown:
        yield Document("", "", 1, notes=(f"tables that are not read: {', '.join(dict.fromkeys(tables.unknown))}",))


def _mention(tables: Tables, node: str, row: Row) -> Mention:
    found = mention(node, row.file, row.line)
    found.groups = tuple(each for each in tables.groups(node) if each != "all")
    found.groups_key = GROUPS
    found.aliases = tuple(filter(None, re.split(r"[,\s]+", tables.cell("hosts", node, "hostnames"))))
    found.cards = tuple(_cards(tables, node))
    found.ports = tuple(_ports(tables, node, row.line))
    texts = {key: tables.cell(table, node, column) for table, column, key in _VALUES}
    found.values = {key: (string(text),) for key, text in texts.items() if text}
    rack, unit = tables.cell("nodepos", node, "rack"), tables.cell("nodepos", node, "u")
    if rack and unit.isdecimal():
        height = tables.cell("nodepos", node, "height")
        found.rack = rack
        found.units = (int(unit), int(unit) + (int(height) if height.isdecimal() else 1) - 1)
    return found


def _cards(tables: Tables, node: str) -> Iterator[Card]:
    """The addresses of a node, those of its other interfaces, and its MACs."""
    own = [each for each in tables.cell("hosts", node, "ip").split("|") if addresses.parse(each) is not None]
    if own:
        yield card("", own)
    for table, column, mark in (("hosts", "otherinterfaces", ":"), ("nics", "nicips", "!")):
        for each in filter(None, re.split(r"[,\s]+", tables.cell(table, node, column))):
            name, _, text = each.partition(mark)
            held = [address for address in text.split("|") if addresses.parse(address) is not None]
            if held:
                yield card("", held, part=name.removeprefix(node).lstrip("-"))
    interface = tables.cell("mac", node, "interface")
    for at, each in enumerate(filter(None, tables.cell("mac", node, "mac").split("|"))):
        mac, _, host = each.partition("!")
        of_host = host.removeprefix(node).lstrip("-") if host.startswith(node) else ""
        yield card(mac, part=of_host or (interface if at == 0 else ""))


def _ports(tables: Tables, node: str, line: int) -> Iterator[Far]:
    """Terminal servers, outlets, and ports of switches."""
    server, port = tables.cell("nodehm", node, "termserver"), tables.cell("nodehm", node, "termport")
    if server and port:
        of_tcp = port.isascii() and port.isdecimal() and len(port) > 3
        yield Far(server, ConsolePort, "" if of_tcp else port, int(port) if of_tcp else 0)
    for each in filter(None, re.split(r"[,\s]+", tables.cell("pduoutlet", node, "pdu"))):
        pdu, colon, outlet = each.rpartition(":")
        if not colon:
            raise BrokenAtError(line, f"expected PDU:OUTLET, found {each[:60]!a}")
        yield Far(pdu, Outlet, outlet)
    switch, port = tables.cell("switch", node, "switch"), tables.cell("switch", node, "port")
    if switch and port:
        yield Far(switch, Port, port, own=tables.cell("switch", node, "interface").removeprefix("primary:"))

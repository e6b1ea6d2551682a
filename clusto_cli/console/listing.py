"""What is shown without attaching: the ports of a console server, and the way to a console."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.ports import PortStatus, list_ports
from clusto_cli.backends.errors import DeviceError
from clusto_core.answers.consoles import ConsoleWay
from clusto_core.model.things import Thing


class PortRow(NamedTuple):
    """A port of a console server: what the inventory says of it, and what the server does.

    wired: the part at the other end of its cable; name: what the server calls it, where that is known.
    """

    port: str
    name: str | None
    wired: str | None
    state: str
    users: tuple[str, ...]

    def record(self) -> dict[str, Any]:
        return {
            "name": self.port,
            "called": self.name,
            "wired": self.wired,
            "state": self.state or None,
            "users": list(self.users),
        }


def port_rows(
    ports: Sequence[tuple[Thing, Thing | None]], labels: dict[int, str], status: Sequence[PortStatus]
) -> list[PortRow]:
    """The ports in order, and after them the server's ports that the inventory does not have."""
    by_name = {name: each for each in status for name in (each.name, *each.aliases)}
    rows, told = [], set()
    for port, end in ports:
        label = labels.get(port.id)
        names = (label, end.owner_name if end is not None else None, port.part_name)
        found = next((by_name[name] for name in names if name in by_name), None)
        if found is not None:
            told.add(found.name)
        users = tuple(map(str, found.users)) if found else ()
        called = found.name if found else label
        rows.append(PortRow(port.name, called, end.name if end else None, found.state if found else "", users))
    server = ports[0][0].owner_name if ports else ""
    for each in status:
        if each.name not in told:
            rows.append(PortRow(f"{server}:{each.name}", each.name, None, each.state, tuple(map(str, each.users))))
    return rows


def who_is_on(access: Access) -> tuple[list[PortStatus], str]:
    """What the server says of its ports; and why it says nothing, where it does not."""
    if access.profile.listing is None:
        return [], f"profile {access.profile.name} cannot tell who is on its ports"
    try:
        return list_ports(access), ""
    except DeviceError as error:
        return [], str(error)


def table(rows: Sequence[PortRow]) -> list[str]:
    """The rows as lines in columns."""
    cells = [
        (row.port, row.name or "-", row.wired or "-", row.state or "-", ", ".join(row.users) or "-") for row in rows
    ]
    head = ("PORT", "NAME", "WIRED TO", "STATE", "ON IT")
    widths = [max(len(row[column]) for row in (head, *cells)) for column in range(len(head))]
    return [
        "  ".join(f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in (head, *cells)
    ]


def way_lines(way: ConsoleWay, access: Access, *, verbose: bool) -> list[str]:
    """The way to a console: in words, cable by cable, and the command that would be run; the profile's notes too."""
    lines = [f"{way.thing.name} -> {way.words}" + (f" ({way.why})" if way.why else "")]
    if len(way.path) > 1:
        lines.append("  " + _path(way.path))
    lines.append(f"  {access.command}")
    lines += [f"  {caution}" for caution in access.cautions]
    if verbose and access.profile.notes:
        lines.append(f"  {access.profile.notes}")
    return lines


def _path(path: Sequence[Thing]) -> str:
    """`server1:console -- pp3:7 == pp3:rear7 -- cs1:12`: `--` is a cable, `==` the way through a patch panel."""
    text = path[0].name
    for before, part in itertools.pairwise(path):
        inside = part.entity_id == before.entity_id
        text += f" {'==' if inside else '--'} {part.name}"
    return text


def way_record(way: ConsoleWay, access: Access) -> dict[str, Any]:
    return {
        "name": way.thing.name,
        "kind": way.kind,
        "way": way.words,
        "why": way.why or None,
        "path": [part.name for part in way.path],
        "profile": access.profile.name,
        "method": access.method.name,
        "confidence": access.method.confidence,
        "command": access.command,
        "argv": access.argv(),
    }

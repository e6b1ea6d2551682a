"""The wiring as a graph in the DOT language of Graphviz: a node for each equipment, a box for each rack and place.

Source of the format: https://graphviz.org/doc/info/lang.html. `clusto export --format dot | dot -Tsvg`
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO

from clusto_core.answers.view import View, views
from clusto_core.drivers import Equipment
from clusto_core.model.things import Link, Thing, in_order
from clusto_core.rules.containment import is_place
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving

_COLOURS = {"network": "#1f6feb", "power": "#c62828", "console": "#2e7d32", "patch": "#757575"}


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the equipment, in the places it is in, and every cable once, with the names of the parts at its ends."""
    places = _Places()
    drawn: set[int] = set()
    cables: dict[int, str] = {}
    ends: set[int] = set()
    for view in views(reader, things):
        for thing in view.things:
            if thing.is_a(Equipment) and not is_place(thing):
                drawn.add(thing.id)
                places.settle(view, thing)
                links = [link for link in view.links[thing.id] if link.kind in _COLOURS]
                cables |= {link.cable_id: _line(link) for link in links}
                ends.update(link.other.entity_id for link in links)
    beyond = reader.by_ids(ends - drawn)
    for view in views(reader, beyond.values()):
        for thing in view.things:
            places.settle(view, thing)
    out.write('graph clusto {\n  graph [rankdir="LR"];\n  node [shape="box", fontname="sans-serif"];\n')
    out.write('  edge [fontname="sans-serif", fontsize="9"];\n')
    places.write(out, drawn)
    out.writelines(line for _, line in sorted(cables.items()))
    out.write("}\n")


class _Places:
    """What stands where: nested boxes, one a place."""

    def __init__(self) -> None:
        self._inside: dict[Thing | None, list[Thing]] = {}
        self._known: set[int] = set()

    def settle(self, view: View, thing: Thing) -> None:
        """Notes where a Thing stands, and where that is."""
        if thing.id in self._known:
            return
        self._known.add(thing.id)
        place = next((parent for parent in view.parents(thing) if is_place(parent)), None)
        self._inside.setdefault(place, []).append(thing)
        if place is not None:
            self.settle(view, place)

    def write(self, out: TextIO, drawn: set[int], place: Thing | None = None, indent: str = "  ") -> None:
        """Writes what is in a place; without one, all. What is not among `drawn` is dashed."""
        for thing in in_order(self._inside.get(place, ())):
            if not is_place(thing):
                style = "" if thing.id in drawn else ', style="dashed"'
                out.write(f"{indent}{quoted(thing.name)} [tooltip={quoted(thing.driver)}{style}];\n")
                continue
            out.write(f"{indent}subgraph {quoted(f'cluster_{thing.name}')} {{\n{indent}  label={quoted(thing.name)};\n")
            self.write(out, drawn, thing, indent + "  ")
            out.write(f"{indent}}}\n")


def _line(link: Link) -> str:
    near = link.part
    if near is None:
        return ""
    far = link.other
    ends = f"{quoted(near.owner_name)} -- {quoted(far.owner_name)}"
    labels = f"taillabel={quoted(near.part_name)}, headlabel={quoted(far.part_name)}"
    return f"  {ends} [{labels}, color={quoted(_COLOURS[link.kind])}];\n"


def quoted(text: str) -> str:
    """Text as a quoted string of DOT, in which only the quote ends it; a backslash would begin an escape."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

"""Targets of Prometheus: a JSON list as file_sd and http_sd read it, an entry for each Thing that has an address.

Source of the format: https://prometheus.io/docs/prometheus/latest/http_sd/; of what a label may be called:
https://prometheus.io/docs/concepts/data_model/. Labels that begin with `__` are Prometheus' own, and some say what it
asks and how (`__address__`, `__scheme__`, `__param_*`): no attribute becomes one of those. The name and the driver come
as `__meta_clusto_name` and `__meta_clusto_driver`, which relabelling sees and no series has.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, TextIO

from clusto_core.answers.view import View, views
from clusto_core.errors import Malformed
from clusto_core.model.things import Thing
from clusto_core.query.columns import Column, Table, parse
from clusto_core.store.reader import Reader
from clusto_core.transfer.leaving import SAFE, Leaving

ADDRESSES = True
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_OTHER = re.compile(r"[^a-zA-Z0-9_]+")
_TOLD = 10


class Label(NamedTuple):
    """A label, and the column that tells it of each target."""

    name: str
    column: Column


def write(reader: Reader, things: Iterable[Thing], out: TextIO, leaving: Leaving = SAFE) -> None:
    """Writes the Things that have an address, an entry each. Raises Malformed for labels that cannot be, NotFound for
    one of a key that nothing has."""
    labels = [label(text) for text in leaving.labels]
    Table(reader, []).check([each.column for each in labels])
    lost: list[str] = []
    between = "\n"
    out.write("[")
    for view in views(reader, things, leaving.spaces):
        for entry in _entries(reader, view, labels, leaving.port, lost):
            out.write(between + json.dumps(entry))
            between = ",\n"
    out.write("\n]\n")
    if lost:
        more = ", ..." if len(lost) > _TOLD else ""
        leaving.tell(f"no address, and so no target: {', '.join(lost[:_TOLD])}{more} ({len(lost)})")


def label(text: str) -> Label:
    """A label as it is asked for: `COLUMN` or `NAME=COLUMN`, with columns as of `find`, or a key. Raises Malformed."""
    given, equals, wanted = text.partition("=")
    column = parse(wanted if equals else text, keys=True)
    name = given if equals else _OTHER.sub("_", text.rpartition(":")[2])
    if column.key is not None and column.key.secret:
        raise Malformed(f"{column.key} is secret, and labels are seen by all")
    if name.startswith("__"):
        raise Malformed(f"{name[:60]} is a label of Prometheus' own: take another name, and relabel")
    if not _NAME.fullmatch(name):
        raise Malformed(f"no label can be called {name[:60]!a}: letters, digits and _, as NAME={column.text[:60]}")
    return Label(name, column)


def _entries(
    reader: Reader, view: View, labels: Sequence[Label], port: int | None, lost: list[str]
) -> Iterator[dict[str, object]]:
    found = {thing: view.address(thing) for thing in view.things}
    lost += [thing.name for thing, address in found.items() if address is None and _is_expected(thing)]
    targets = [thing for thing, address in found.items() if address is not None]
    table = Table(reader, targets)
    columns = [table.column(each.column) for each in labels]
    for row, thing in enumerate(targets):
        told = {"__meta_clusto_name": thing.name, "__meta_clusto_driver": thing.driver}
        for each, column in zip(labels, columns, strict=True):
            if text := ",".join(cell.text for cell in column[row]):
                told[each.name] = text
        yield {"targets": [_target(found[thing] or "", port)], "labels": told}


def _is_expected(thing: Thing) -> bool:
    """Whether one would look for it among targets."""
    from clusto_core.drivers.equipment import Server, VirtualServer

    return thing.is_a(Server) or thing.is_a(VirtualServer)


def _target(address: str, port: int | None) -> str:
    host = f"[{address}]" if ":" in address else address
    return host if port is None else f"{host}:{port}"

"""Lines as objects of the transfer format, which `clusto import` takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from clusto_cli.discovery.reasoning import Line
from clusto_core.spelling import natural_key
from clusto_core.transfer import evidence
from clusto_core.transfer.documents import Document, parse

FILE = "the proposal"


def merged(lines: Iterable[Line]) -> tuple[list[Line], list[str]]:
    """The lines, each place once: what says the same is seen in both ways; what says two things is left out, and
    told.
    """
    places: dict[tuple[str, tuple[str, ...]], Line] = {}
    disputed: dict[tuple[str, tuple[str, ...]], str] = {}
    for line in lines:
        place = (line.thing, line.path)
        other = places.setdefault(place, line)
        if other.said != line.said:
            disputed[place] = f"{line.thing} {' '.join(line.path)}: {other.said} and {line.said}: nothing is proposed"
        elif other is not line:
            surer = max(other, line, key=lambda each: each.confidence.rank)
            places[place] = surer._replace(seen=tuple(dict.fromkeys((*other.seen, *line.seen))))
    return [line for place, line in places.items() if place not in disputed], list(disputed.values())


def documents(lines: Iterable[Line]) -> tuple[list[Document], list[str]]:
    """An object a Thing, in natural order; and what cannot be said of one, in words."""
    by_thing: dict[str, list[Line]] = {}
    for line in lines:
        by_thing.setdefault(line.thing, []).append(line)
    found, remarks = [], []
    for number, name in enumerate(sorted(by_thing, key=natural_key), 1):
        document = parse(_plain(name, by_thing[name]), FILE, number)
        if document.problems:
            remarks += [f"{name}: {problem.text}" for problem in document.problems]
        else:
            found.append(document)
    return found, remarks


def _plain(name: str, lines: list[Line]) -> dict[str, Any]:
    data: dict[str, Any] = {"name": name}
    for line in lines:
        evidence.put(data, line.path, line.said)
    data["evidence"] = evidence.plain(line.evidence for line in lines)
    return data


def words(line: Line) -> str:
    """A line for people: `web1:eth0 -- switch1:3  sure  LLDP of switch1 3: web1 eth0`."""
    return f"{_what(line)}  {line.confidence}  {'; '.join(line.seen)}"


def _what(line: Line) -> str:
    match line.path:
        case ("driver",):
            return f"+ {line.said} {line.thing}"
        case ("connect", part):
            return f"+ {line.thing}:{part} -- {line.said}"
        case ("part_attrs", part, key):
            return f"+ {line.thing}:{part} {key}={line.said}"
        case ("attrs", key):
            return f"+ {line.thing} {key}={line.said}"
        case ("parts",) if isinstance(line.said, dict):
            counts = ", ".join(f"{len(names)} {kind}" for kind, names in line.said.items())
            return f"+ {line.thing} with {counts}"
        case ("ip",) if isinstance(line.said, list):
            return f"+ {line.thing} holds {', '.join(line.said)}"
    return f"+ {line.thing} {' '.join(line.path)}={line.said}"

"""Device types in the public YAML format of the NetBox device type library.

Source of the format: https://github.com/netbox-community/devicetype-library, schema/devicetype.json and
schema/components.json. One file is one type; it becomes a Thing of driver DeviceType. How ports are named is told in
`clusto_core.rules.ports`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TextIO

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed
from clusto_core.rules import devicetypes, ports
from clusto_core.transfer.documents import Document, broken, parse

_LISTS = {
    "interfaces": ports.INTERFACE,
    "console-ports": ports.SERIAL,
    "console-server-ports": ports.CONSOLE_PORT,
    "power-ports": ports.INLET,
    "power-outlets": ports.OUTLET,
    "front-ports": ports.FRONT,
    "rear-ports": ports.REAR,
}
_BAYS = ("module-bays", "device-bays", "inventory-items")
_TEXTS = ("part_number", "airflow", "description", "comments", "subdevice_role", "weight", "weight_unit", "is_powered")
_IGNORED = ("slug", "front_image", "rear_image")
_KNOWN = ("manufacturer", "model", "u_height", "is_full_depth", *_LISTS, *_BAYS, *_TEXTS, *_IGNORED)
_NUMBERS = frozenset(("maximum_draw", "allocated_draw"))
_FLAGS = frozenset(("enabled", "poe", "is_powered"))
_PORT_FIELDS = {
    "type": "connector",
    "label": "marking",
    **{
        field: field
        for field in (
            "description", "color", "feed_leg", "maximum_draw", "allocated_draw", "poe", "poe_mode", "poe_type",
            "rf_role", "enabled",
        )
    },
}  # fmt: skip
"""What is kept of a port, and under which key of the part."""

LIMIT = 4 * 1024 * 1024
"""The longest file, in characters; the library's longest is a tenth of a megabyte."""


class _Wrong(Exception):
    """Something in the file is not as the format has it."""

    def __init__(self, node: Node, text: str) -> None:
        super().__init__(text)
        self.line: int = node.start_mark.line + 1


def read(file: TextIO, name: str) -> Iterator[Document]:
    """The one device type of a file."""
    text = file.read(LIMIT + 1)
    if len(text) > LIMIT:
        yield broken(name, 1, f"a device type has at most {LIMIT} characters")
        return
    loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        # Nodes keep what is written: a port called 01 stays 01, and no YAML 1.1 rule makes `on` a boolean.
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        yield broken(name, line, f"not YAML: {error.problem}")
        return
    except yaml.YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        yield broken(name, line, f"not YAML: {' '.join(str(error).split())}")
        return
    if root is None:
        yield broken(name, 1, "the file is empty")
        return
    try:
        yield _document(root, name)
    except _Wrong as error:
        yield broken(name, error.line, str(error))
    except Malformed as error:
        yield broken(name, 1, str(error))


class _Field(NamedTuple):
    key: Node
    value: Node


def _document(root: Node, file: str) -> Document:
    fields = _mapping(root)
    for key, field in fields.items():
        if key not in _KNOWN:
            raise _Wrong(field.key, f"a device type has no {key[:40]!a} (known: {', '.join(_KNOWN)})")
    maker, model = _required(root, fields, "manufacturer"), _required(root, fields, "model")
    named = ports.named(list(_ports(fields)))
    notes: list[str] = []
    title = devicetypes.name_of(maker, model)
    given = _given(fields)
    left_out = [f"{_count(fields[key].value)} {key.replace('-', ' ')}" for key in _BAYS if key in fields]
    if left_out:
        notes.append(f"{title}: left out: {', '.join(left_out)}: what is in them is not part of the type")
    attributes: dict[str, object] = {"manufacturer": maker, "model": model, **given}
    attributes |= {key: _scalar(key, fields[key].value) for key in _TEXTS if key in fields}
    driver = devicetypes.likely_driver(each.port.kind for each in named)
    data = {
        "name": title,
        "driver": DeviceType.__name__,
        "attrs": {
            **{key: value for key, value in attributes.items() if value != ""},
            str(devicetypes.DEFINITION): {"json": devicetypes.definition(named, given, driver)},
        },
    }
    document = parse(data, file, root.start_mark.line + 1)
    document.notes = tuple(notes)
    return document


def _given(fields: Mapping[str, _Field]) -> dict[str, object]:
    """The attributes that equipment of the type gets: its height in rack units, whether it is shallow."""
    tall = _measure(fields["u_height"].value) if "u_height" in fields else 1.0
    if not 0 <= tall <= 100 or 2 * tall != int(2 * tall):
        raise _Wrong(fields["u_height"].value, f"u_height is 0 to 100 rack units, in halves, not {tall:g}")
    given: dict[str, object] = {"height": tall if tall != int(tall) else int(tall)}
    if "is_full_depth" in fields and not _flag(fields["is_full_depth"].value):
        given["full_depth"] = False
    return given


def _ports(fields: Mapping[str, _Field]) -> Iterator[ports.SourcePort]:
    for key, kind in _LISTS.items():
        for node in _sequence(fields[key].value) if key in fields else ():
            yield _port(kind, node)


def _port(kind: str, node: Node) -> ports.SourcePort:
    fields = _mapping(node)
    called = _required(node, fields, "name")
    attributes = {
        attribute: _scalar(field, fields[field].value)
        for field, attribute in _PORT_FIELDS.items()
        if field in fields and _text(fields[field].value)
    }
    inlet = _text(fields["power_port"].value) if "power_port" in fields else ""
    if kind == ports.INTERFACE and "mgmt_only" in fields and _flag(fields["mgmt_only"].value):
        kind = ports.MANAGEMENT
    rear = _required(node, fields, "rear_port") if kind == ports.FRONT else ""
    position = _number(fields["rear_port_position"].value) if "rear_port_position" in fields else 1
    positions = _number(fields["positions"].value) if kind == ports.REAR and "positions" in fields else 1
    return ports.SourcePort(kind, called, attributes, rear, position, positions, inlet)


# --- nodes -----------------------------------------------------------------------------------------------------------


def _mapping(node: Node) -> dict[str, _Field]:
    if not isinstance(node, MappingNode):
        raise _Wrong(node, "expected a mapping")
    found: dict[str, _Field] = {}
    for key, value in node.value:
        text = _text(key)
        if text in found:
            raise _Wrong(key, f"{text[:40]!a} is given twice")
        found[text] = _Field(key, value)
    return found


def _sequence(node: Node) -> list[Node]:
    if isinstance(node, ScalarNode) and not _text(node):
        return []
    if not isinstance(node, SequenceNode):
        raise _Wrong(node, "expected a list")
    return list(node.value)


def _count(node: Node) -> int:
    return len(_sequence(node))


def _text(node: Node) -> str:
    if not isinstance(node, ScalarNode):
        raise _Wrong(node, "expected text")
    text: str = node.value
    return "" if text in ("null", "~") else text


def _scalar(field: str, node: Node) -> object:
    if field in _NUMBERS:
        return _number(node)
    if field == "weight":
        return _measure(node)
    return _flag(node) if field in _FLAGS else _text(node)


def _number(node: Node) -> int:
    text = _text(node)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Wrong(node, f"expected a number, found {text[:40]!a}")
    return int(text)


def _measure(node: Node) -> float:
    text = _text(node)
    if re.fullmatch("[0-9]{1,6}([.][0-9]{1,6})?", text) is None:
        raise _Wrong(node, f"expected a number, found {text[:40]!a}")
    return float(text)


def _flag(node: Node) -> bool:
    text = _text(node).lower()
    if text not in ("true", "false", "yes", "no"):
        raise _Wrong(node, f"expected true or false, found {text[:40]!a}")
    return text in ("true", "yes")


def _required(node: Node, fields: Mapping[str, _Field], key: str) -> str:
    if key not in fields or not _text(fields[key].value):
        raise _Wrong(node, f"{key} is missing")
    return _text(fields[key].value)

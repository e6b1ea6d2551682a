"""Device types in the public YAML format of the NetBox device type library.

Source of the format: https://github.com/netbox-community/devicetype-library, schema/devicetype.json, racktype.json and
moduletype.json; NetBox's own export of a type as YAML is the same with every field written out. One file is one type
of equipment, of racks or of modules; it becomes a Thing of driver DeviceType. How ports are named is told in
`clusto_core.rules.ports`. What clusto does not know is passed over and told.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TextIO

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed
from clusto_core.rules import devicetypes, modules, ports
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
_MAPPINGS = "port-mappings"
_BAYS = ("module-bays", "device-bays", "inventory-items")
_TEXTS = ("part_number", "airflow", "description", "comments", "subdevice_role", "weight", "weight_unit", "is_powered")
_RACK = (
    *("form_factor", "width", "outer_width", "outer_height", "outer_depth", "outer_unit"),
    *("max_weight", "mounting_depth", "starting_unit", "desc_units"),
)
"""What rack types say beyond that."""
_OF_MODULES = ("profile", "attributes", "attribute_data")
_IGNORED = ("slug", "front_image", "rear_image", "default_platform", "exclude_from_utilization", *_OF_MODULES)
_KNOWN = frozenset(
    ("manufacturer", "model", "u_height", "is_full_depth", _MAPPINGS, *_LISTS, *_BAYS, *_TEXTS, *_RACK, *_IGNORED)
)
_NUMBERS = frozenset(
    ("maximum_draw", "allocated_draw", "width", "outer_width", "outer_height", "outer_depth", "mounting_depth")
) | {"starting_unit"}
_MEASURES = frozenset(("weight", "max_weight"))
_FLAGS = frozenset(("enabled", "poe", "is_powered", "desc_units"))
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
_OF_PORTS = frozenset(
    (*_PORT_FIELDS, "name", "power_port", "mgmt_only", "bridge", "positions", "rear_port", "rear_port_position")
) | {"_is_power_source"}

_MEASURE = re.compile("[0-9]{1,6}([.][0-9]{1,6})?").fullmatch

_NULLS = frozenset(("null", "~", "Null", "NULL"))

LIMIT = 4 * 1024 * 1024
"""The longest file, in characters; the library's longest is a tenth of a megabyte."""


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Nodes(_Loader):  # type: ignore[misc]
    """Nodes that keep what is written: a port called 01 stays 01, and no rule of YAML 1.1 makes `on` a boolean. So
    nothing is done to find out of which type a scalar is, which would be a third of the work."""

    def resolve(self, kind: object, value: object, implicit: object) -> str:
        """See yaml.resolver.Resolver."""
        return ""

    def ascend_resolver(self) -> None:
        """See yaml.resolver.Resolver."""

    def descend_resolver(self, node: object, index: object) -> None:
        """See yaml.resolver.Resolver."""


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
    try:
        root = yaml.compose(text, Loader=_Nodes)
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
    maker, model = _required(root, fields, "manufacturer"), _required(root, fields, "model")
    title = devicetypes.name_of(maker, model)
    said = _Said(title, fields)
    if "form_factor" in fields:
        given: dict[str, object] = {}
        definition = devicetypes.rack_definition(range(_starting(fields), _starting(fields) + _rack_height(fields)))
    else:
        every = said.source_ports()
        if _is_module(fields, file, every):
            given, definition = {}, modules.definition(every)
        else:
            named = ports.named(every)
            given = _given(fields)
            driver = devicetypes.likely_driver(each.port.kind for each in named)
            definition = devicetypes.definition(named, given, driver)
    attributes: dict[str, object] = {"manufacturer": maker, "model": model, **given}
    attributes |= {key: _scalar(key, fields[key].value) for key in (*_TEXTS, *_RACK) if key in fields}
    data = {
        "name": title,
        "driver": DeviceType.__name__,
        "attrs": {
            **{key: value for key, value in attributes.items() if value not in ("", None)},
            str(devicetypes.DEFINITION): {"json": definition},
        },
    }
    document = parse(data, file, root.start_mark.line + 1)
    document.notes = tuple(said.all_notes())
    return document


def _is_module(fields: Mapping[str, _Field], file: str, every: Iterable[ports.SourcePort]) -> bool:
    """Whether it is a type of modules: NetBox's format has no word for it, and no height."""
    if "u_height" in fields:
        return False
    return (
        any(key in fields for key in _OF_MODULES)
        or "module-types" in file.split("/")
        or any(modules.TOKEN in port.name for port in every)
    )


def _starting(fields: Mapping[str, _Field]) -> int:
    return _number(fields["starting_unit"].value) if "starting_unit" in fields else 1


def _rack_height(fields: Mapping[str, _Field]) -> int:
    tall = _number(fields["u_height"].value) if "u_height" in fields else 42
    if not 1 <= tall <= 100:
        raise _Wrong(fields["u_height"].value, f"a rack has 1 to 100 rack units, not {tall}")
    return tall


class _Said:
    """What a file says of its ports, and what of it is passed over."""

    def __init__(self, title: str, fields: Mapping[str, _Field]) -> None:
        self.title = title
        self.fields = fields
        self._unknown = dict.fromkeys(key for key in fields if key not in _KNOWN)
        self._outside: list[str] = []
        # Outlets, or interfaces, that name what the type itself has not: a module brings it.

    def all_notes(self) -> Iterator[str]:
        """What the operator should know."""
        if self._unknown:
            yield f"{self.title}: passed over, as clusto does not know it: {', '.join(map(ascii, self._unknown))}"
        if self._outside:
            what = ", ".join(self._outside[:5]) + (", ..." if len(self._outside) > 5 else "")
            yield f"{self.title}: not in the type itself, so left out: {what}"
        bays = [f"{_count(self.fields[key].value)} {key.replace('-', ' ')}" for key in _BAYS if key in self.fields]
        if bays:
            yield f"{self.title}: left out: {', '.join(bays)}: what is in them is not part of the type"

    def source_ports(self) -> list[ports.SourcePort]:
        """The ports in the order of the file's lists."""
        mapped = self._mapped()
        found = []
        for key, kind in _LISTS.items():
            for node in _sequence(self.fields[key].value) if key in self.fields else ():
                found.append(self._port(kind, node, mapped))
        if mapped:
            raise Malformed(f"{_MAPPINGS}: no front port is called {next(iter(mapped))[:60]!a}")
        return list(map(self._within(found), found))

    def _port(self, kind: str, node: Node, mapped: dict[str, list[ports.Mapping]]) -> ports.SourcePort:
        fields = _mapping(node)
        if not _OF_PORTS.issuperset(fields):
            self._unknown |= dict.fromkeys(f"{key} of ports" for key in fields if key not in _OF_PORTS)
        called = _required(node, fields, "name")
        attributes = {
            attribute: _scalar(field, fields[field].value)
            for field, attribute in _PORT_FIELDS.items()
            if field in fields and _text(fields[field].value)
        }
        if kind == ports.INTERFACE:
            if "mgmt_only" in fields and _flag(fields["mgmt_only"].value):
                kind = ports.MANAGEMENT
            parent = _text(fields["bridge"].value) if "bridge" in fields else ""
            return ports.SourcePort(kind, called, attributes, parent=parent)
        if kind == ports.OUTLET:
            inlet = _text(fields["power_port"].value) if "power_port" in fields else ""
            return ports.SourcePort(kind, called, attributes, inlet=inlet)
        positions = _number(fields["positions"].value) if "positions" in fields else 1
        if kind != ports.FRONT or called in mapped:
            mappings = tuple(mapped.pop(called, ())) if kind == ports.FRONT else ()
            return ports.SourcePort(kind, called, attributes, positions=positions, mappings=mappings)
        rear = _text(fields["rear_port"].value) if "rear_port" in fields else ""
        if not rear and _MAPPINGS not in self.fields:
            raise _Wrong(node, "rear_port is missing")
        position = _number(fields["rear_port_position"].value) if "rear_port_position" in fields else 1
        return ports.SourcePort(kind, called, attributes, rear, position, positions)

    def _mapped(self) -> dict[str, list[ports.Mapping]]:
        """By front port, what the file says apart from it of what is behind."""
        found: dict[str, list[ports.Mapping]] = {}
        for node in _sequence(self.fields[_MAPPINGS].value) if _MAPPINGS in self.fields else ():
            fields = _mapping(node)
            front, rear = _required(node, fields, "front_port"), _required(node, fields, "rear_port")
            position, behind = (
                _number(fields[key].value) if key in fields else 1
                for key in ("front_port_position", "rear_port_position")
            )
            found.setdefault(front, []).append(ports.Mapping(position, rear, behind))
        return found

    def _within(self, every: Sequence[ports.SourcePort]) -> Callable[[ports.SourcePort], ports.SourcePort]:
        """Takes out of a port what the type itself has not."""
        inlets = {port.name for port in every if port.kind == ports.INLET}
        interfaces = {port.name for port in every if port.kind in (ports.INTERFACE, ports.MANAGEMENT)}

        def within(port: ports.SourcePort) -> ports.SourcePort:
            if port.inlet and port.inlet not in inlets:
                self._outside.append(f"the inlet {port.inlet[:60]!a} of the outlet {port.name[:60]!a}")
                return port._replace(inlet="")
            if port.parent and port.parent not in interfaces:
                self._outside.append(f"the bridge {port.parent[:60]!a} of the interface {port.name[:60]!a}")
                return port._replace(parent="")
            return port

        return within


def _given(fields: Mapping[str, _Field]) -> dict[str, object]:
    """The attributes that equipment of the type gets: its height in rack units, whether it is shallow."""
    tall = _measure(fields["u_height"].value) if "u_height" in fields else 1.0
    if not 0 <= tall <= 100 or 2 * tall != int(2 * tall):
        raise _Wrong(fields["u_height"].value, f"u_height is 0 to 100 rack units, in halves, not {tall:g}")
    given: dict[str, object] = {"height": tall if tall != int(tall) else int(tall)}
    if "is_full_depth" in fields and not _flag(fields["is_full_depth"].value):
        given["full_depth"] = False
    return given


# --- nodes -----------------------------------------------------------------------------------------------------------


def _mapping(node: Node) -> dict[str, _Field]:
    """The fields that are given: those without a value are not."""
    if not isinstance(node, MappingNode):
        raise _Wrong(node, "expected a mapping")
    found: dict[str, _Field] = {}
    empty: set[str] = set()
    for key, value in node.value:
        text = _text(key)
        if text in found or text in empty:
            raise _Wrong(key, f"{text[:40]!a} is given twice")
        if isinstance(value, ScalarNode) and _is_nothing(value):
            empty.add(text)
        else:
            found[text] = _Field(key, value)
    return found


def _is_nothing(node: ScalarNode) -> bool:
    """Whether a value is not given: NetBox writes all its fields out, `null` or empty."""
    return not node.value or (node.value in _NULLS and not node.style)


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
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return "" if text in ("null", "~") else text


def _scalar(field: str, node: Node) -> object:
    if field in _NUMBERS:
        return _number(node)
    if field in _MEASURES:
        return _measure(node)
    return _flag(node) if field in _FLAGS else _text(node)


def _number(node: Node) -> int:
    text = _text(node)
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise _Wrong(node, f"expected a number, found {text[:40]!a}")
    return int(text)


def _measure(node: Node) -> float:
    text = _text(node)
    if _MEASURE(text) is None:
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

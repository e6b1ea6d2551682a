"""Device types: models of equipment, in the YAML format of the NetBox device type library, kept as Things.

Source of the format: https://github.com/netbox-community/devicetype-library (schema/). A type becomes a Thing of driver
DeviceType named `manufacturer/model`; its attribute `definition` holds parts and height as JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from clusto_core.attributes import Key
from clusto_core.drivers import Part, registry
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed, NotFound, did_you_mean
from clusto_core.names import suggest
from clusto_core.unit import UnitOfWork

NAME = re.compile(r"[a-z0-9][a-z0-9._+-]*/[a-z0-9][a-z0-9._+-]*")
DEFINITION = Key("definition")


class TypedPart(NamedTuple):
    """A part that a new Thing gets, with its first attributes."""

    name: str
    driver: type[Part]
    attributes: Mapping[str, object]


class Model(NamedTuple):
    """What a device type gives to a new Thing."""

    parts: list[TypedPart]
    attributes: dict[str, object]


def load(unit: UnitOfWork, name: str) -> Model:
    """The device type of that name in the store. Raises NotFound with a suggestion."""
    thing = unit.get(name)
    if thing is None or not thing.is_a(DeviceType):
        names = [each.name for each in unit.reader.all([DeviceType.__name__])]
        raise NotFound(
            f"no such device type: {name[:80]}{did_you_mean(suggest(name, names))} (clusto import --device-type FILE)"
        )
    for attribute in unit.attributes(thing):
        if attribute.key == DEFINITION and attribute.value.type == "json":
            return _model(attribute.value.python(), name)
    raise NotFound(f"the device type {name} has no definition: import it again")


def _model(definition: Any, name: str) -> Model:
    try:
        parts = [
            TypedPart(each["name"], _driver(each["driver"]), each.get("attrs", {})) for each in definition["parts"]
        ]
        return Model(parts, dict(definition["attrs"]))
    except (KeyError, TypeError, AttributeError):
        raise Malformed(f"the definition of the device type {name} is damaged: import it again") from None


def _driver(name: str) -> type[Part]:
    driver = registry.get(name)
    if not issubclass(driver, Part):
        raise Malformed(f"{name} is no kind of part")
    return driver

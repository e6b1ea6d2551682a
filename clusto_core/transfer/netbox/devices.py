"""Device types, devices with their ports, and virtual machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from clusto_core.drivers import Driver, registry
from clusto_core.drivers.resources import DeviceType
from clusto_core.errors import Malformed
from clusto_core.model import mounting
from clusto_core.rules import devicetypes, modules, ports
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.naming import Candidate
from clusto_core.transfer.netbox.places import CLUSTER, LOCATION, RACK, ROLE, SITE, rack_units
from clusto_core.transfer.netbox.translation import MadePart, Translation, number

TYPE = "dcim.devicetype"
MODULE_TYPE = "dcim.moduletype"
DEVICE = "dcim.device"
MACHINE = "virtualization.virtualmachine"
MACHINE_INTERFACE = "virtualization.vminterface"
INTERFACE = "dcim.interface"

PORTS = {
    "dcim.interface": ports.INTERFACE,
    "dcim.consoleport": ports.SERIAL,
    "dcim.consoleserverport": ports.CONSOLE_PORT,
    "dcim.powerport": ports.INLET,
    "dcim.poweroutlet": ports.OUTLET,
    "dcim.frontport": ports.FRONT,
    "dcim.rearport": ports.REAR,
}
"""The models of ports; those of a type's are called the same with `template` behind it."""

_DRIVERS = (
    ("patch", "PatchPanel"),
    ("panel", "PatchPanel"),
    ("console", "ConsoleServer"),
    ("terminal", "ConsoleServer"),
    ("pdu", "PDU"),
    ("power-dist", "PDU"),
    ("firewall", "Firewall"),
    ("load-balancer", "LoadBalancer"),
    ("loadbalancer", "LoadBalancer"),
    ("router", "Router"),
    ("switch", "Switch"),
    ("hypervisor", "Server"),
    ("compute", "Server"),
    ("server", "Server"),
)
"""What the slug of a device's role says about its driver; the first that fits."""


def candidates(dump: Dump) -> Iterator[Candidate]:
    """What is to be named here."""
    for pk, row in dump.rows(DEVICE).items():
        inside = dump.text(SITE, row.get("site"))
        yield Candidate(Reference(DEVICE, pk), _called(dump, pk, row), inside, "device")
    for pk, row in dump.rows(MACHINE).items():
        yield Candidate(Reference(MACHINE, pk), row["name"], dump.text(CLUSTER, row.get("cluster")), "vm")


def _called(dump: Dump, pk: int, row: Row) -> str:
    """A device's name; NetBox calls a member of a virtual chassis by the chassis, and others may have none."""
    if row.get("name"):
        return str(row["name"])
    chassis = dump.text("dcim.virtualchassis", row.get("virtual_chassis"))
    if chassis:
        return f"{chassis}-{row.get('vc_position') or pk}"
    return f"{dump.text(TYPE, row.get('device_type'), 'model') or 'device'}-{pk}"


# --- types -----------------------------------------------------------------------------------------------------------


class Types:
    """The device types of a dump, as they are in clusto."""

    def __init__(self, translation: Translation) -> None:
        self.dump = translation.dump
        self.names: dict[int, str] = {}
        self.ports: dict[int, list[ports.NamedPort]] = {}
        self.heights: dict[int, float] = {}
        self.deep: dict[int, bool] = {}
        self._called: set[str] = set()
        sources = _of_types(self.dump, "device_type")
        for pk, row in self.dump.rows(TYPE).items():
            self.names[pk] = self._name(row, pk)
            self.ports[pk] = ports.named(sources(pk))
            self.heights[pk] = float(row.get("u_height") or 0)
            self.deep[pk] = row.get("is_full_depth") is not False
            self._add(translation, pk, row)
        sources = _of_types(self.dump, "module_type")
        for pk, row in self.dump.rows(MODULE_TYPE).items():
            key = Reference(MODULE_TYPE, pk)
            translation.names[key] = self._name(row, pk)
            self._write(translation, key, row, {}, modules.definition(sources(pk)))
        translation.used |= {
            TYPE,
            MODULE_TYPE,
            "dcim.manufacturer",
            "dcim.portmapping",
            "dcim.porttemplatemapping",
            *PORTS,
            *(f"{model}template" for model in PORTS),
        }

    def _name(self, row: Row, pk: int) -> str:
        name = _type_name(self._maker(row), row["model"], pk)
        if name in self._called:
            name = f"{name}-{pk}"
        self._called.add(name)
        return name

    def _maker(self, row: Row) -> str:
        return self.dump.text("dcim.manufacturer", row.get("manufacturer"))

    def _add(self, translation: Translation, pk: int, row: Row) -> None:
        given: dict[str, object] = {"height": number(self.heights[pk])}
        if row.get("is_full_depth") is False:
            given["full_depth"] = False
        driver = devicetypes.likely_driver(each.port.kind for each in self.ports[pk])
        definition = devicetypes.definition(self.ports[pk], given, driver)
        key = Reference(TYPE, pk)
        translation.names[key] = self.names[pk]
        self._write(translation, key, row, given, definition)

    def _write(
        self,
        translation: Translation,
        key: Reference,
        row: Row,
        given: Mapping[str, object],
        definition: Mapping[str, object],
    ) -> None:
        attrs = {"manufacturer": self._maker(row), "model": row["model"], **given, **translation.common(row)}
        attrs |= {field: row.get(field) for field in ("part_number", "airflow")}
        data = translation.add(key, DeviceType.__name__, "", attrs)
        data["attrs"][str(devicetypes.DEFINITION)] = {"json": definition}


def _of_types(dump: Dump, field: str) -> Callable[[int], list[ports.SourcePort]]:
    """What gives the ports of the templates of a type, by its number; `field` says of which sort of types."""
    templates = {model: dump.grouped(f"{model}template", field) for model in PORTS}
    behind = dump.grouped("dcim.porttemplatemapping", "front_port")

    def sources(pk: int) -> list[ports.SourcePort]:
        return [
            source
            for model in PORTS
            for source in _sources(dump, model, "template", templates[model].get(pk, {}), behind)
        ]

    return sources


def _type_name(maker: str, model: str, pk: int) -> str:
    try:
        return devicetypes.name_of(maker, model)
    except Malformed:
        return f"netbox/type-{pk}"


def _sources(
    dump: Dump, model: str, suffix: str, rows: Mapping[int, Row], behind: Mapping[int, Mapping[int, Row]]
) -> list[ports.SourcePort]:
    """The ports of one model that a device or a type has, in the order of their numbers in NetBox.

    behind: by front port what leads to rear ports, since NetBox 4.5; before, the front port named its one rear port.
    """
    found = []
    for pk, row in rows.items():
        attributes = {
            key: row.get(field)
            for field, key in (("type", "connector"), ("label", "marking"), ("description", "description"),
                               ("color", "color"), ("feed_leg", "feed_leg"), ("maximum_draw", "maximum_draw"),
                               ("allocated_draw", "allocated_draw"), ("poe_mode", "poe_mode"),
                               ("poe_type", "poe_type"))
        }  # fmt: skip
        kind = PORTS[model]
        if kind == ports.INTERFACE and row.get("mgmt_only"):
            kind = ports.MANAGEMENT
        found.append(
            ports.SourcePort(
                kind,
                row["name"],
                {key: value for key, value in attributes.items() if value not in (None, "")},
                dump.text(f"dcim.rearport{suffix}", row.get("rear_port")) if kind == ports.FRONT else "",
                row.get("rear_port_position") or 1,
                row.get("positions") or 1,
                dump.text(f"dcim.powerport{suffix}", row.get("power_port")) if kind == ports.OUTLET else "",
                _mappings(dump, suffix, behind.get(pk, {}).values()) if kind == ports.FRONT else (),
            )
        )
    return found


def _mappings(dump: Dump, suffix: str, rows: Iterable[Row]) -> tuple[ports.Mapping, ...]:
    """What leads from the positions of a front port to those of rear ports."""
    return tuple(
        ports.Mapping(
            row.get("front_port_position") or 1,
            dump.text(f"dcim.rearport{suffix}", row.get("rear_port")),
            row.get("rear_port_position") or 1,
        )
        for row in rows
    )


# --- devices ---------------------------------------------------------------------------------------------------------


def translate(translation: Translation) -> None:
    """Devices become equipment of the driver that their role says, made after their type, with the ports they have."""
    dump, types = translation.dump, Types(translation)
    own = {model: dump.grouped(model, "device") for model in PORTS}
    behind = dump.grouped("dcim.portmapping", "front_port")
    bays = {
        row["installed_device"]: row["device"]
        for row in dump.rows("dcim.devicebay").values()
        if row.get("installed_device")
    }
    places = _Mounting(translation)
    for pk, row in sorted(dump.rows(DEVICE).items(), key=lambda item: (item[1].get("face") == "rear", item[0])):
        sources = [source for model in PORTS for source in _sources(dump, model, "", own[model].get(pk, {}), behind)]
        named = ports.named(sources)
        role = dump.row(ROLE, row.get("role") or row.get("device_role"))
        driver = _driver(role, named)
        attrs = translation.common(row, platform="dcim.platform")
        attrs |= _main_addresses(dump, row)
        attrs["airflow"] = row.get("airflow")
        attrs["face"] = "rear" if row.get("face") == "rear" else None
        attrs["virtual_chassis"] = dump.text("dcim.virtualchassis", row.get("virtual_chassis"))
        attrs["vc_position"] = row.get("vc_position")
        data = translation.add(Reference(DEVICE, pk), driver.__name__, row.get("name"), attrs)
        type_pk = row["device_type"]
        data["type"] = types.names[type_pk]
        _give_parts(data, driver, named, types.ports[type_pk])
        translation.own_parts[data["name"]] = {kind: list(found) for kind, found in _by_kind(driver, named).items()}
        keys = [Reference(model, port) for model in PORTS for port in own[model].get(pk, {})]
        _remember(translation, data["name"], driver, keys, named)
        translation.attach(
            data["name"],
            [
                translation.name(ROLE, row.get("role") or row.get("device_role")),
                translation.name(CLUSTER, row.get("cluster")),
            ],
        )
        if pk in bays:
            translation.attach(data["name"], [translation.name(DEVICE, bays[pk])])
        else:
            places.place(data, row, types.heights[type_pk], deep=types.deep[type_pk])
    places.tell()
    translation.used |= {"dcim.virtualchassis", "dcim.platform", "dcim.devicebay"}


def _main_addresses(dump: Dump, row: Row) -> dict[str, object]:
    """The addresses by which a device is known, of those that its interfaces hold."""
    fields = ("primary_ip4", "primary_ip6", "oob_ip")
    return {field: dump.text("ipam.ipaddress", row.get(field), "address").partition("/")[0] for field in fields}


def _driver(role: Row, named: list[ports.NamedPort]) -> type[Driver]:
    slug = f"{role.get('slug') or ''} {role.get('name') or ''}".lower().replace(" ", "-")
    for word, driver in _DRIVERS:
        if word in slug:
            return registry.get(driver)
    return registry.get(devicetypes.likely_driver(each.port.kind for each in named))


def _give_parts(
    data: dict[str, Any], driver: type[Driver], named: list[ports.NamedPort], typed: list[ports.NamedPort]
) -> None:
    """Says what parts there are where they are not those of the type, and attributes that the type does not give."""
    own = _by_kind(driver, named)
    given = _by_kind(driver, typed)
    differing = {
        kind: list(names) if names else 0
        for kind in {**given, **own}
        if set(names := own.get(kind, {})) != set(given.get(kind, {}))
    }
    if differing:
        data["parts"] = differing
    for kind, found in own.items():
        for name, attributes in found.items():
            usual = given.get(kind, {}).get(name, {})
            values: dict[str, object] = {key: value for key, value in attributes.items() if usual.get(key) != value}
            values |= {key: [] for key in usual if key not in attributes}
            if values:
                data.setdefault("part_attrs", {})[name] = values


def _by_kind(driver: type[Driver], named: list[ports.NamedPort]) -> dict[str, dict[str, dict[str, object]]]:
    found: dict[str, dict[str, dict[str, object]]] = {}
    for each in named:
        kind = ports.part_driver(each.port.kind, driver).kind
        found.setdefault(kind, {})[each.name] = each.attributes
    return found


def _remember(
    translation: Translation,
    owner: str,
    driver: type[Driver],
    keys: list[Reference],
    named: list[ports.NamedPort],
) -> None:
    """Notes what part each port became."""
    parts = iter(named)
    for key in keys:
        first = next(parts)
        made = [first, *(next(parts) for _ in range(first.port.positions - 1))]
        translation.remember(
            key, [MadePart(owner, each.name, ports.part_driver(each.port.kind, driver)) for each in made]
        )


class _Mounting:
    """Which halves of units of which rack are taken, at which face, as NetBox has them."""

    def __init__(self, translation: Translation) -> None:
        self.translation = translation
        self.taken: dict[tuple[str, int], int] = {}
        self.beside: list[str] = []

    def place(self, data: dict[str, Any], row: Row, height: float, *, deep: bool) -> None:
        """Into its units; where they are taken or not there, into the rack; else into the location or the site."""
        translation = self.translation
        rack = translation.name(RACK, row.get("rack"))
        if not rack:
            place = translation.name(LOCATION, row.get("location")) or translation.name(SITE, row.get("site"))
            translation.attach(data["name"], [place])
            return
        if row.get("position") in (None, "") or height == 0:
            translation.attach(data["name"], [rack])
            return
        position = float(row["position"])
        units = mounting.taken(round(2 * position), round(2 * (position + height)) - 1, _cells(row, deep=deep))
        allowed = rack_units(translation.dump.row(RACK, row["rack"]))
        if any(not self._is_free(rack, unit, cells) or unit not in allowed for unit, cells in units.items()):
            data["attrs"]["position"] = f"RU{position:g} {row.get('face') or 'front'}"
            translation.attach(data["name"], [rack])
            self.beside.append(data["name"])
            return
        for unit, cells in units.items():
            self.taken[rack, unit] = self.taken.get((rack, unit), 0) | cells
        data["at"] = f"{rack}:{mounting.spelled(units.items())}"

    def _is_free(self, rack: str, unit: int, cells: int) -> bool:
        return not self.taken.get((rack, unit), 0) & cells & mounting.WHOLE

    def tell(self) -> None:
        """Says what could not be as it is in NetBox."""
        if self.beside:
            self.translation.remarks.append(
                f"{len(self.beside)} devices are on units that another device has, or that the rack has not: they are "
                f"in the rack, their place is in the attribute position: {_some(self.beside)}"
            )


def _cells(row: Row, *, deep: bool) -> int:
    """What a device takes of a unit: both faces where its type is as deep as the rack, else the one that it is at."""
    rear = row.get("face") == "rear"
    cells = mounting.WHOLE if deep else mounting.FACES["rear" if rear else "front"]
    return cells | (mounting.FACING_REAR if rear else 0)


def _some(names: list[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")


# --- virtual machines ------------------------------------------------------------------------------------------------


def translate_machines(translation: Translation) -> None:
    """Virtual machines become VirtualServers, in the Server or the Pool that runs them."""
    dump = translation.dump
    own = dump.grouped(MACHINE_INTERFACE, "virtual_machine")
    driver = registry.get("VirtualServer")
    for pk, row in dump.rows(MACHINE).items():
        attrs = translation.common(row, platform="dcim.platform")
        attrs |= _main_addresses(dump, row)
        attrs |= {"vcpus": number(row.get("vcpus")), "memory": row.get("memory"), "disk": row.get("disk")}
        data = translation.add(Reference(MACHINE, pk), driver.__name__, row["name"], attrs)
        rows = own.get(pk, {})
        named = ports.named([ports.SourcePort(ports.INTERFACE, each["name"], {}) for each in rows.values()])
        data["parts"] = {"nic": [each.name for each in named] or 0}
        translation.own_parts[data["name"]] = {"nic": [each.name for each in named]}
        for each in named:
            if each.attributes:
                data.setdefault("part_attrs", {})[each.name] = each.attributes
        _remember(translation, data["name"], driver, [Reference(MACHINE_INTERFACE, key) for key in rows], named)
        translation.attach(
            data["name"],
            [
                translation.name(DEVICE, row.get("device")) or translation.name(CLUSTER, row.get("cluster")),
                translation.name(ROLE, row.get("role")),
            ],
        )
        if not row.get("cluster") and not row.get("device"):
            translation.within(data["name"], row)
    translation.used |= {MACHINE_INTERFACE}

"""What devices are made of: their modules and inventory items, as tables of attributes (`item#7.serial`).

The number in a table is NetBox's own of the object, so that one that goes leaves the others what they were.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from clusto_core.transfer.netbox.devices import DEVICE, MODULE_TYPE, PORTS
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.translation import Translation

MODULE, _BAY = "dcim.module", "dcim.modulebay"
ITEM, _ROLE = "dcim.inventoryitem", "dcim.inventoryitemrole"
_MAKER = "dcim.manufacturer"
_TABLES = {MODULE: "module", ITEM: "item"}
_OWN = ("label", "part_id", "serial", "asset_tag", "description")


def translate(translation: Translation) -> None:
    """Modules and inventory items are said of the device that they are in, and of ports which module they are of."""
    dump = translation.dump
    for pk, row in dump.rows(MODULE).items():
        _tell(translation, Reference(MODULE, pk), row, _of_module(dump, row))
    for pk, row in dump.rows(ITEM).items():
        _tell(translation, Reference(ITEM, pk), row, _of_item(dump, row))
    for model in PORTS:
        _ports(translation, model)
    translation.used |= {MODULE, _BAY, ITEM, _ROLE}


def _tell(translation: Translation, key: Reference, row: Row, values: Mapping[str, object]) -> None:
    device = translation.name(DEVICE, row.get("device"))
    if not device:
        translation.left_out[key.model] += 1
        return
    table = _TABLES[key.model]
    translation.thing_attrs(device, {f"{table}#{key.pk}.{field}": value for field, value in values.items()})


def _of_module(dump: Dump, row: Row) -> Mapping[str, object]:
    type = dump.row(MODULE_TYPE, row.get("module_type"))
    return {
        "bay": dump.text(_BAY, row.get("module_bay")),
        "manufacturer": dump.text(_MAKER, type.get("manufacturer")),
        "model": type.get("model"),
        "part_number": type.get("part_number"),
        **_own(row),
    }


def _of_item(dump: Dump, row: Row) -> Mapping[str, object]:
    return {
        "name": row.get("name"),
        "role": dump.text(_ROLE, row.get("role")),
        "manufacturer": dump.text(_MAKER, row.get("manufacturer")),
        **_own(row),
    }


def _own(row: Row) -> dict[str, object]:
    """What both have; a state that is not `active` is one to know of."""
    state = row.get("status")
    return {**{field: row.get(field) for field in _OWN}, "status": None if state == "active" else state}


def _ports(translation: Translation, model: str) -> None:
    dump = translation.dump
    for pk, module in _with_module(dump, model):
        told = {
            "module": translation.name(MODULE_TYPE, module.get("module_type")),
            "bay": dump.text(_BAY, module.get("module_bay"), "position") or dump.text(_BAY, module.get("module_bay")),
        }
        for part in translation.parts.get(Reference(model, pk), ()):
            translation.part_attrs(part.owner, part.name, told)


def _with_module(dump: Dump, model: str) -> Iterator[tuple[int, Row]]:
    for pk, row in dump.rows(model).items():
        if module := dump.row(MODULE, row.get("module")):
            yield pk, module

"""Leaves out of what was read all that is at other sites than the ones that are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from clusto_core.errors import NotFound
from clusto_core.transfer.netbox.dump import Dump

Rows = Mapping[int, Mapping[str, Any]]
Tables = Mapping[str, Rows]

_PORTS = (
    "interface", "consoleport", "consoleserverport", "powerport", "poweroutlet", "frontport", "rearport", "devicebay",
    "module", "inventoryitem",
)  # fmt: skip


def narrowed(tables: Tables, wanted: Iterable[str]) -> dict[str, Rows]:
    """The tables with what is at the wanted sites, by slug or name, and what is at none. Raises NotFound for a site
    that NetBox has not."""
    found = dict(tables)
    wanted = list(wanted)
    sites = _sites(found.get("dcim.site", {}), wanted)
    dump = Dump([])
    dump.tables = {name: dict(rows) for name, rows in tables.items()}

    def keep(model: str, stays: Callable[[Mapping[str, Any]], bool]) -> None:
        found[model] = {pk: row for pk, row in found.get(model, {}).items() if stays(row)}

    def is_here(row: Mapping[str, Any]) -> bool:
        scope = dump.scope(row)
        if scope is None or scope.model not in ("dcim.site", "dcim.location"):
            return True
        site = scope.pk if scope.model == "dcim.site" else dump.row(*scope).get("site")
        return site in sites

    found["dcim.site"] = {pk: row for pk, row in found.get("dcim.site", {}).items() if pk in sites}
    for model in ("dcim.location", "dcim.rack", "dcim.device", "ipam.vlan", "ipam.prefix", "virtualization.cluster"):
        keep(model, is_here)
    machine = "virtualization.virtualmachine"
    keep(machine, lambda row: is_here(row) and _has(found, "virtualization.cluster", row, "cluster"))
    for port in _PORTS:
        keep(f"dcim.{port}", lambda row: row.get("device") in found["dcim.device"])
    keep("virtualization.vminterface", lambda row: row.get("virtual_machine") in found[machine])
    for model in ("ipam.ipaddress", "dcim.macaddress"):
        keep(model, lambda row: _is_held_here(found, dump, row))
    return found


def _sites(rows: Rows, wanted: Iterable[str]) -> set[int]:
    called = {name: pk for pk, row in rows.items() for name in (row.get("slug"), row.get("name")) if name}
    for name in wanted:
        if name not in called:
            raise NotFound(f"NetBox has no site {name[:60]!a}")
    return {called[name] for name in wanted}


def _has(found: Tables, model: str, row: Mapping[str, Any], field: str) -> bool:
    return row.get(field) is None or row[field] in found.get(model, {})


def _is_held_here(found: Tables, dump: Dump, row: Mapping[str, Any]) -> bool:
    holder = dump.generic(row.get("assigned_object_type"), row.get("assigned_object_id"))
    return holder is None or holder.model not in found or holder.pk in found[holder.model]

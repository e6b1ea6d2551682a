"""Sites, locations and racks; roles, clusters: what other things are in."""

from __future__ import annotations

from collections.abc import Iterator

from clusto_core.transfer.netbox.dump import Dump, Reference, Row, numbers
from clusto_core.transfer.netbox.naming import Candidate
from clusto_core.transfer.netbox.translation import Translation, number

SITE = "dcim.site"
LOCATION = "dcim.location"
RACK = "dcim.rack"
ROLE = "dcim.devicerole"
CLUSTER = "virtualization.cluster"


def candidates(dump: Dump) -> Iterator[Candidate]:
    """What is to be named here."""
    for pk, row in dump.rows(SITE).items():
        yield Candidate(Reference(SITE, pk), row["name"], kind="site")
    for pk, row in dump.rows(LOCATION).items():
        yield Candidate(Reference(LOCATION, pk), row["name"], dump.text(SITE, row.get("site")), "location")
    for pk, row in dump.rows(RACK).items():
        yield Candidate(Reference(RACK, pk), row["name"], dump.text(SITE, row.get("site")), "rack")
    for pk, row in dump.rows(ROLE).items():
        yield Candidate(Reference(ROLE, pk), row["name"], kind="role")
    for pk, row in dump.rows(CLUSTER).items():
        yield Candidate(Reference(CLUSTER, pk), row["name"], kind="cluster")


def translate(translation: Translation) -> None:
    """Sites become Datacenters, locations Rooms, racks Racks, roles Roles, clusters Pools."""
    dump = translation.dump
    for pk, row in dump.rows(SITE).items():
        attrs = translation.common(row, region="dcim.region", group="dcim.sitegroup")
        for field in ("time_zone", "physical_address", "shipping_address", "latitude", "longitude"):
            attrs[field] = number(row.get(field))
        translation.add(Reference(SITE, pk), "Datacenter", row["name"], attrs)
    for pk, row in dump.rows(LOCATION).items():
        data = translation.add(Reference(LOCATION, pk), "Room", row["name"], translation.common(row))
        translation.attach(
            data["name"], [translation.name(LOCATION, row.get("parent")) or translation.name(SITE, row.get("site"))]
        )
    reservations = _reservations(dump)
    for pk, row in dump.rows(RACK).items():
        attrs = translation.common(row, role="dcim.rackrole")
        attrs |= {field: row.get(field) for field in ("width", "facility_id", "airflow")}
        attrs["type"] = (
            dump.text("dcim.racktype", row.get("rack_type"), "model") or row.get("form_factor") or row.get("type")
        )
        attrs["descending_units"] = row.get("desc_units") or None
        attrs["reserved"] = reservations.get(pk)
        data = translation.add(Reference(RACK, pk), "Rack", row["name"], attrs)
        first, height = int(row.get("starting_unit") or 1), int(row.get("u_height") or 42)
        data["parts"] = {"ru": height if first == 1 else [f"RU{unit}" for unit in range(first, first + height)]}
        translation.attach(
            data["name"], [translation.name(LOCATION, row.get("location")) or translation.name(SITE, row.get("site"))]
        )
    for pk, row in dump.rows(ROLE).items():
        translation.add(Reference(ROLE, pk), "Role", row["name"], translation.common(row))
    for pk, row in dump.rows(CLUSTER).items():
        attrs = translation.common(row, type="virtualization.clustertype", group="virtualization.clustergroup")
        data = translation.add(Reference(CLUSTER, pk), "Pool", row["name"], attrs)
        translation.within(data["name"], row)
    translation.used |= {
        "dcim.region", "dcim.sitegroup", "dcim.rackrole", "dcim.rackreservation", "tenancy.tenant",
        "virtualization.clustertype", "virtualization.clustergroup", "extras.tag", "extras.taggeditem",
        "extras.customfield", "dcim.racktype",
    }  # fmt: skip


def rack_units(row: Row) -> range:
    """The units of a rack, as they are numbered on it."""
    first = int(row.get("starting_unit") or 1)
    return range(first, first + int(row.get("u_height") or 42))


def _reservations(dump: Dump) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for row in dump.rows("dcim.rackreservation").values():
        units = ",".join(map(str, numbers(row.get("units"))))
        found.setdefault(row.get("rack") or 0, []).append(f"RU {units}: {row.get('description') or 'reserved'}")
    return found

"""VLANs, prefixes, addresses, and what interfaces say of them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Network, IPv6Network, ip_interface, ip_network
from typing import Any

from clusto_core.model import interfaces
from clusto_core.model.addresses import SHARED, Assigned
from clusto_core.transfer.netbox.devices import INTERFACE, MACHINE_INTERFACE
from clusto_core.transfer.netbox.dump import Dump, Reference, Row
from clusto_core.transfer.netbox.naming import Candidate
from clusto_core.transfer.netbox.places import SITE
from clusto_core.transfer.netbox.translation import MadePart, Translation

VLAN = "ipam.vlan"
PREFIX = "ipam.prefix"
ADDRESS = "ipam.ipaddress"
VRF = "ipam.vrf"
_MAC = "dcim.macaddress"
_GROUP = "ipam.vlangroup"
_SHARING, _SHARER = "ipam.fhrpgroup", "ipam.fhrpgroupassignment"
_PROTOCOLS = {"vrrp2": "vrrp", "vrrp3": "vrrp", "carp": "carp", "hsrp": "hsrp", "glbp": "glbp"}
"""As what the addresses of a group are shared; any other protocol's as `vip`."""
_ELSEWHERE = {"bridge": "netbox.bridge", "parent": "netbox.parent"}
"""Under what an interface keeps the name of one that is no part of the same Thing."""


def candidates(dump: Dump) -> Iterator[Candidate]:
    """What is to be named here: a VLAN by its number, a prefix by its block."""
    for pk, row in dump.rows(VLAN).items():
        inside = dump.text(SITE, row.get("site")) or dump.text("ipam.vlangroup", row.get("group"))
        yield Candidate(Reference(VLAN, pk), f"vlan{row['vid']}", inside, "vlan")
    for pk, row in dump.rows(VRF).items():
        yield Candidate(Reference(VRF, pk), row["name"], "", "vrf")
    for pk, row in dump.rows(PREFIX).items():
        inside = dump.text(VRF, row.get("vrf")) or _scope_name(dump, row)
        yield Candidate(Reference(PREFIX, pk), row["prefix"], inside, "prefix")


def _scope_name(dump: Dump, row: Row) -> str:
    scope = dump.scope(row)
    return dump.text(*scope) if scope else ""


def translate(translation: Translation) -> None:
    """VLANs, prefixes as Networks, addresses at the interfaces that hold them, and the VLANs of interfaces."""
    dump = translation.dump
    for pk, row in dump.rows(VLAN).items():
        attrs = translation.common(row, role="ipam.role", group="ipam.vlangroup")
        data = translation.add(Reference(VLAN, pk), "VLAN", row["name"], {"vid": row["vid"], **attrs})
        translation.within(data["name"], row if row.get("site") else dump.row(_GROUP, row.get("group")))
    for pk, row in dump.rows(VRF).items():
        translation.add(Reference(VRF, pk), "VRF", row["name"], {"rd": row.get("rd"), **translation.common(row)})
    blocks: set[tuple[object, str]] = set()
    doubled = 0
    for pk, row in dump.rows(PREFIX).items():
        attrs = translation.common(row, role="ipam.role")
        attrs["vrf"] = _reference(translation.name(VRF, row.get("vrf")))
        vlan = translation.name(VLAN, row.get("vlan"))
        key = (row.get("vrf"), row["prefix"])
        attrs = {"prefix" if key in blocks else "cidr": row["prefix"], "vlan": _reference(vlan), **attrs}
        doubled += key in blocks
        blocks.add(key)
        attrs["is_pool"] = row.get("is_pool") or None
        data = translation.add(Reference(PREFIX, pk), "Network", row["prefix"], attrs)
        translation.within(data["name"], row)
    if doubled:
        translation.remarks.append(
            f"{doubled} prefixes are there twice in one VRF: of the others the block is the attribute prefix"
        )
    _interfaces(translation)
    _Addresses(translation).translate()
    translation.used |= {"ipam.role", "ipam.vlangroup", _MAC}


def _interfaces(translation: Translation) -> None:
    """What an interface has besides its socket."""
    dump = translation.dump
    macs = _macs(dump)
    if more := sum(len(found) - 1 for found in macs.values()):
        translation.remarks.append(f"{more} MAC addresses besides the primary one of their interface are left out")
    for model in (INTERFACE, MACHINE_INTERFACE):
        for pk, row in dump.rows(model).items():
            for part in translation.parts.get(Reference(model, pk), ()):
                attrs: dict[str, object] = {
                    "mac": _mac_of(row, dump, macs.get(Reference(model, pk), [])),
                    "enabled": False if row.get("enabled") is False else None,
                }
                attrs |= {field: row.get(field) for field in ("mtu", "mode", "speed", "duplex", "wwn", "description")}
                attrs |= _above(translation, model, row, part)
                attrs["vlan"] = _reference(translation.name(VLAN, row.get("untagged_vlan")))
                names = (translation.name(VLAN, each) for each in row.get("tagged_vlans") or ())
                attrs["tagged_vlan"] = [{"ref": name} for name in names if name]
                attrs["tag"] = translation.tags(Reference(model, pk))
                translation.part_attrs(part.owner, part.name, attrs)


def _above(translation: Translation, model: str, row: Row, part: MadePart) -> dict[str, object]:
    """What an interface is of: of a sub-interface and a channel the interface, of a member its bridge and its LAG.

    A LAG may be of another member of the virtual chassis; a parent is always of the same device for clusto.
    """
    found: dict[str, object] = {}
    for field in ("lag", "bridge", "parent"):
        above = next(iter(translation.parts.get(Reference(model, row.get(field) or 0), ())), None)
        if above is None:
            continue
        reference = {"ref": f"{above.owner}:{above.name}"}
        if field == "lag":
            found[field] = reference
        elif above.owner != part.owner:
            found[_ELSEWHERE[field]] = f"{above.owner}:{above.name}"
        else:
            found["parent"] = reference
        if field == "parent":
            found["kind"] = "leg" if row.get("channel_id") or not _in_software(row) else "sub"
    return found


def _in_software(row: Row) -> bool:
    return not row.get("type") or not interfaces.has_socket(interfaces.kind_of_connector(str(row["type"])))


def _macs(dump: Dump) -> dict[Reference, list[str]]:
    """By interface, the MAC addresses that are assigned to it, since NetBox 4.2 objects of their own."""
    found: dict[Reference, list[str]] = {}
    for _, row in sorted(dump.rows(_MAC).items()):
        key = dump.generic(row.get("assigned_object_type"), row.get("assigned_object_id"))
        if key is not None:
            found.setdefault(key, []).append(str(row.get("mac_address") or ""))
    return found


def _mac_of(row: Row, dump: Dump, assigned: list[str]) -> str:
    """The one MAC of an interface: the primary one; one that is assigned alone is in use, whether primary or not."""
    primary = dump.text(_MAC, row.get("primary_mac_address"), "mac_address")
    return (primary or str(row.get("mac_address") or "") or next(iter(assigned), "")).lower()


def _reference(name: str) -> dict[str, str] | None:
    return {"ref": name} if name else None


def _about(row: Row) -> str:
    """What NetBox says of an address that is not simply in use: `deprecated`, `reserved`, `secondary`."""
    told = (row.get("status"), row.get("role"))
    return " ".join(str(word) for word in told if word not in (None, "", "active", *SHARED))


def _groups(translation: Translation) -> dict[int, list[MadePart]]:
    """By group of interfaces that share addresses (VRRP, HSRP...), the parts in it, which are told so."""
    dump, found, told = translation.dump, dict[int, list[MadePart]](), dict[tuple[str, str], list[str]]()
    for _, row in sorted(dump.rows(_SHARER).items()):
        key = dump.generic(row.get("interface_type"), row.get("interface_id"))
        group = dump.row(_SHARING, row.get("group"))
        for part in translation.parts.get(key, [])[:1] if key else []:
            found.setdefault(row["group"], []).append(part)
            words = (group.get("protocol"), group.get("group_id"), "priority", row.get("priority"), group.get("name"))
            told.setdefault(part[:2], []).append(" ".join(str(word) for word in words if word not in (None, "")))
    for (owner, name), groups in told.items():
        translation.part_attrs(owner, name, {"fhrp": groups})
    return found


class _Addresses:
    """Addresses go to the interface that holds them, others to the narrowest prefix around them."""

    def __init__(self, translation: Translation) -> None:
        self.translation = translation
        self.held: set[Assigned] = set()
        self.blocks: dict[object, list[tuple[IPv4Network | IPv6Network, str]]] = {}
        for pk, row in translation.dump.rows(PREFIX).items():
            block = ip_network(row["prefix"], strict=False)
            self.blocks.setdefault(row.get("vrf"), []).append((block, translation.name(PREFIX, pk)))
        for found in self.blocks.values():
            found.sort(key=lambda each: -each[0].prefixlen)
        self.groups = _groups(translation)

    def translate(self) -> None:
        translation = self.translation
        doubled = 0
        for row in translation.dump.rows(ADDRESS).values():
            address = str(ip_interface(row["address"]).ip)
            key = translation.dump.generic(row.get("assigned_object_type"), row.get("assigned_object_id"))
            parts = translation.parts.get(key, []) if key else []
            if key and key.model == _SHARING and key.pk in self.groups:
                self._share(row, address, key.pk)
            elif not parts:
                self._reserve(row, address)
            elif (assigned := self._assigned(row, address)) in self.held and not assigned.shared:
                doubled += 1
                translation.part_attrs(parts[0].owner, parts[0].name, {"address": [row["address"]]})
            else:
                self.held.add(assigned)
                part = parts[0]
                self._hold(part, assigned)
                translation.part_attrs(part.owner, part.name, {"dns_name": row.get("dns_name")})
                translation.part_attrs(part.owner, part.name, {f"address.{address}": _about(row)})
        if doubled:
            translation.remarks.append(
                f"{doubled} addresses are held twice in NetBox in one VRF: the first holder has them, of the "
                "others they are the attribute address"
            )
        for row in translation.dump.rows("ipam.iprange").values():
            first, last = (str(ip_interface(row[field]).ip) for field in ("start_address", "end_address"))
            network = self._around(row, first)
            if network is None:
                translation.left_out["ipam.iprange"] += 1
            else:
                self._note(network, "range", f"{first}-{last} {row.get('description') or row.get('status')}")
        translation.used |= {ADDRESS, "ipam.iprange", _SHARING, _SHARER}

    def _share(self, row: Row, address: str, group: int) -> None:
        """The address of a group is held by every interface in it."""
        protocol = self.translation.dump.text(_SHARING, group, "protocol")
        assigned = self._assigned(row, address)._replace(shared=_PROTOCOLS.get(protocol, "vip"))
        for part in self.groups[group]:
            self._hold(part, assigned)

    def _hold(self, part: MadePart, assigned: Assigned) -> None:
        data: dict[str, Any] = self.translation.things[part.owner]
        data.setdefault("ip", {}).setdefault(part.name, []).append(str(assigned))

    def _assigned(self, row: Row, address: str) -> Assigned:
        """An address within its VRF, and as what it is shared, by those of NetBox's roles that say so."""
        space = self.translation.name(VRF, row.get("vrf"))
        role = row.get("role")
        shared = role if isinstance(role, str) and role in SHARED else None
        return Assigned(address, space or ("" if self.translation.dump.rows(VRF) else None), shared)

    def _reserve(self, row: Row, address: str) -> None:
        """An address that no interface holds is noted where it belongs."""
        network = self._around(row, address)
        if network is None:
            self.translation.left_out[ADDRESS] += 1
            return
        words = [str(row[field]) for field in ("status", "role", "dns_name", "description") if row.get(field)]
        self.translation.things[network]["attrs"][f"address.{address}"] = " ".join(words) or "active"

    def _around(self, row: Row, address: str) -> str | None:
        wanted = ip_interface(address).ip
        for block, name in self.blocks.get(row.get("vrf"), ()):
            if wanted.version == block.version and wanted in block:
                return name
        return None

    def _note(self, network: str, key: str, value: str) -> None:
        self.translation.things[network]["attrs"].setdefault(key, []).append(value)

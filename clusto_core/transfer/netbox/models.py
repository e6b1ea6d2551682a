"""What of a NetBox is read: its models, where its REST API has them, and which of their fields the translation uses.

Source: https://github.com/netbox-community/netbox, the serializers below `*/api/serializers_/` of versions 4.0 to 4.7.
Fields that a version has not are passed over by NetBox's `fields` parameter, as are those that it has no more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple


class Model(NamedTuple):
    """A model (`dcim.rack`), its list in the REST API (`dcim/racks`), and the fields that are read.

    optional: some versions from 4.0 on have no such list.
    """

    name: str
    path: str
    fields: tuple[str, ...]
    optional: bool = False


CHANGES = ("core/object-changes", "extras/object-changes")
"""The feed of changes, since 4.1 and before."""

_COMMON = ("status", "description", "comments", "serial", "asset_tag", "facility", "tenant")
_NAMED = ("name",)
_PORT = ("device", "module", "name", "label", "type", "description", "mark_connected", "color")
_TEMPLATE = ("device_type", "module_type", "name", "label", "type", "description", "color")
_INTERFACE = (
    "enabled", "mtu", "mode", "speed", "duplex", "wwn", "parent", "bridge", "lag", "mac_address",
    "primary_mac_address", "mgmt_only", "poe_mode", "poe_type", "untagged_vlan", "tagged_vlans", "vrf", "channels",
    "channel_id",
)  # fmt: skip
_POWER = ("maximum_draw", "allocated_draw")
_OUTLET = ("power_port", "feed_leg")
_FRONT = ("positions", "rear_port", "rear_port_position", "rear_ports")
_ADDRESSES = ("primary_ip4", "primary_ip6", "oob_ip")
_SCOPE = ("site", "scope_type", "scope_id")
_ASSIGNED = ("assigned_object_type", "assigned_object_id")


def _model(name: str, path: str, *fields: str, optional: bool = False) -> Model:
    return Model(name, path, fields, optional)


_READ = (
    _model("extras.tag", "extras/tags", "name"),
    _model("extras.customfield", "extras/custom-fields", "name", "type", "object_type", "related_object_type"),
    _model("tenancy.tenant", "tenancy/tenants", *_NAMED),
    _model("dcim.region", "dcim/regions", *_NAMED),
    _model("dcim.sitegroup", "dcim/site-groups", *_NAMED),
    _model("dcim.site", "dcim/sites", *_NAMED, *_COMMON, "slug", "region", "group", "time_zone", "physical_address",
           "shipping_address", "latitude", "longitude"),
    _model("dcim.location", "dcim/locations", *_NAMED, *_COMMON, "site", "parent"),
    _model("dcim.rackrole", "dcim/rack-roles", *_NAMED),
    _model("dcim.racktype", "dcim/rack-types", "model", "manufacturer", optional=True),
    _model("dcim.rack", "dcim/racks", *_NAMED, *_COMMON, "site", "location", "role", "rack_type", "type",
           "form_factor", "width", "facility_id", "u_height", "starting_unit", "desc_units", "airflow"),
    _model("dcim.rackreservation", "dcim/rack-reservations", "rack", "units", "description"),
    _model("dcim.manufacturer", "dcim/manufacturers", *_NAMED),
    _model("dcim.devicetype", "dcim/device-types", *_COMMON, "manufacturer", "model", "slug", "part_number",
           "u_height", "is_full_depth", "airflow"),
    _model("dcim.moduletype", "dcim/module-types", *_COMMON, "manufacturer", "model", "part_number", optional=True),
    _model("dcim.interfacetemplate", "dcim/interface-templates", *_TEMPLATE, "mgmt_only", "poe_mode", "poe_type",
           "enabled", "bridge"),
    _model("dcim.consoleporttemplate", "dcim/console-port-templates", *_TEMPLATE),
    _model("dcim.consoleserverporttemplate", "dcim/console-server-port-templates", *_TEMPLATE),
    _model("dcim.powerporttemplate", "dcim/power-port-templates", *_TEMPLATE, *_POWER),
    _model("dcim.poweroutlettemplate", "dcim/power-outlet-templates", *_TEMPLATE, *_OUTLET),
    _model("dcim.frontporttemplate", "dcim/front-port-templates", *_TEMPLATE, *_FRONT),
    _model("dcim.rearporttemplate", "dcim/rear-port-templates", *_TEMPLATE, "positions"),
    _model("dcim.devicerole", "dcim/device-roles", *_NAMED, *_COMMON, "slug"),
    _model("dcim.platform", "dcim/platforms", *_NAMED),
    _model("dcim.virtualchassis", "dcim/virtual-chassis", *_NAMED, "master"),
    _model("virtualization.clustertype", "virtualization/cluster-types", *_NAMED),
    _model("virtualization.clustergroup", "virtualization/cluster-groups", *_NAMED),
    _model("virtualization.cluster", "virtualization/clusters", *_NAMED, *_COMMON, *_SCOPE, "type", "group"),
    _model("dcim.device", "dcim/devices", *_NAMED, *_COMMON, *_ADDRESSES, "device_type", "role", "platform", "site",
           "location", "rack", "position", "face", "airflow", "cluster", "virtual_chassis", "vc_position"),
    _model("dcim.devicebay", "dcim/device-bays", *_NAMED, "device", "installed_device"),
    _model("dcim.modulebay", "dcim/module-bays", *_NAMED, "device", "position", optional=True),
    _model("dcim.module", "dcim/modules", *_COMMON, "device", "module_bay", "module_type", optional=True),
    _model("dcim.inventoryitemrole", "dcim/inventory-item-roles", *_NAMED, optional=True),
    _model("dcim.inventoryitem", "dcim/inventory-items", *_NAMED, *_COMMON, "device", "label", "role", "manufacturer",
           "part_id"),
    _model("dcim.interface", "dcim/interfaces", *_PORT, *_INTERFACE),
    _model("dcim.consoleport", "dcim/console-ports", *_PORT),
    _model("dcim.consoleserverport", "dcim/console-server-ports", *_PORT),
    _model("dcim.powerport", "dcim/power-ports", *_PORT, *_POWER),
    _model("dcim.poweroutlet", "dcim/power-outlets", *_PORT, *_OUTLET),
    _model("dcim.frontport", "dcim/front-ports", *_PORT, *_FRONT),
    _model("dcim.rearport", "dcim/rear-ports", *_PORT, "positions"),
    _model("dcim.macaddress", "dcim/mac-addresses", "mac_address", *_ASSIGNED, optional=True),
    _model("dcim.powerfeed", "dcim/power-feeds", *_NAMED),
    _model("circuits.circuit", "circuits/circuits", "cid"),
    _model("circuits.circuittermination", "circuits/circuit-terminations", "circuit", "term_side"),
    _model("dcim.cable", "dcim/cables", "status", "type", "label", "color", "length", "length_unit", "description",
           "profile"),
    _model("dcim.cabletermination", "dcim/cable-terminations", "cable", "cable_end", "termination_type",
           "termination_id", "connector", "positions"),
    _model("ipam.vrf", "ipam/vrfs", *_NAMED, *_COMMON, "rd", "enforce_unique"),
    _model("ipam.role", "ipam/roles", *_NAMED),
    _model("ipam.vlangroup", "ipam/vlan-groups", *_NAMED, "scope_type", "scope_id"),
    _model("ipam.vlan", "ipam/vlans", *_NAMED, *_COMMON, "vid", "site", "group", "role"),
    _model("ipam.prefix", "ipam/prefixes", *_COMMON, *_SCOPE, "prefix", "vrf", "vlan", "role", "is_pool"),
    _model("ipam.iprange", "ipam/ip-ranges", "start_address", "end_address", "vrf", "status", "description"),
    _model("ipam.fhrpgroup", "ipam/fhrp-groups", "name", "protocol", "group_id", optional=True),
    _model("ipam.fhrpgroupassignment", "ipam/fhrp-group-assignments", "group", "interface_type", "interface_id",
           "priority", optional=True),
    _model("ipam.ipaddress", "ipam/ip-addresses", "address", "vrf", "status", "role", "dns_name", "description",
           *_ASSIGNED),
    _model("virtualization.virtualmachine", "virtualization/virtual-machines", *_NAMED, *_COMMON, *_ADDRESSES,
           "site", "cluster", "device", "role", "platform", "vcpus", "memory", "disk"),
    _model("virtualization.vminterface", "virtualization/interfaces", "virtual_machine", "name", "description",
           *_INTERFACE),
)  # fmt: skip
MODELS: Mapping[str, Model] = {model.name: model for model in _READ}

UNPLACED: Mapping[str, str] = {
    "circuits.provider": "circuits/providers",
    "dcim.powerpanel": "dcim/power-panels",
    "ipam.aggregate": "ipam/aggregates",
    "ipam.asn": "ipam/asns",
    "ipam.service": "ipam/services",
    "tenancy.contact": "tenancy/contacts",
    "vpn.tunnel": "vpn/tunnels",
    "wireless.wirelesslan": "wireless/wireless-lans",
}
"""What a NetBox often has and clusto has no place for: counted, so that it can be said."""

_BESIDE = ("id", "tags", "custom_fields", "last_updated")


def fields_of(model: Model) -> Iterator[str]:
    """The fields to ask for."""
    return iter(dict.fromkeys((*_BESIDE, *model.fields)))

"""Object identifiers of switches, by the name that their MIB gives them, and the type that writing takes."""

from __future__ import annotations

from clusto_cli.backends.snmp import Oid, parse_oid


def _under(root: str, **columns: str) -> dict[str, Oid]:
    return {name: parse_oid(f"{root}.{tail}") for name, tail in columns.items()}


# SNMPv2-MIB, IF-MIB (RFC 2863), BRIDGE-MIB (RFC 4188), IEEE8023-LAG-MIB
SYS_DESCR = parse_oid("1.3.6.1.2.1.1.1.0")
SYS_OBJECT_ID = parse_oid("1.3.6.1.2.1.1.2.0")
IF_DESCR = parse_oid("1.3.6.1.2.1.2.2.1.2")
IF_TYPE = parse_oid("1.3.6.1.2.1.2.2.1.3")
IF_OPER_STATUS = parse_oid("1.3.6.1.2.1.2.2.1.8")
IF_NAME = parse_oid("1.3.6.1.2.1.31.1.1.1.1")
IF_CONNECTOR = parse_oid("1.3.6.1.2.1.31.1.1.1.17")
IF_ALIAS = parse_oid("1.3.6.1.2.1.31.1.1.1.18")
IF_STACK_STATUS = parse_oid("1.3.6.1.2.1.31.1.2.1.3")
BASE_PORT_IF_INDEX = parse_oid("1.3.6.1.2.1.17.1.4.1.2")
TP_FDB_PORT = parse_oid("1.3.6.1.2.1.17.4.3.1.2")
LAG_ATTACHED = parse_oid("1.2.840.10006.300.43.1.2.1.1.13")

# Q-BRIDGE-MIB (RFC 4363). Lists of ports are indexed by VLAN, the current ones by a time mark before it; PVIDs and
# frame types by bridge port, which is not the ifIndex.
_Q = "1.3.6.1.2.1.17.7.1"
Q_FDB_PORT = parse_oid(f"{_Q}.2.2.1.2")
Q_CURRENT_FDB_ID = parse_oid(f"{_Q}.4.2.1.3")
Q_CURRENT_EGRESS = parse_oid(f"{_Q}.4.2.1.4")
Q_CURRENT_UNTAGGED = parse_oid(f"{_Q}.4.2.1.5")
Q_NAME = parse_oid(f"{_Q}.4.3.1.1")
Q_EGRESS = parse_oid(f"{_Q}.4.3.1.2")
Q_UNTAGGED = parse_oid(f"{_Q}.4.3.1.4")
Q_ROW_STATUS = parse_oid(f"{_Q}.4.3.1.5")
Q_PVID = parse_oid(f"{_Q}.4.5.1.1")
Q_FRAME_TYPES = parse_oid(f"{_Q}.4.5.1.2")

# CISCO-VLAN-MEMBERSHIP-MIB and CISCO-VTP-MIB, by ifIndex; VLANs by the VTP domain (1) and VLAN.
VM_VLAN_TYPE = parse_oid("1.3.6.1.4.1.9.9.68.1.2.2.1.1")
VM_VLAN = parse_oid("1.3.6.1.4.1.9.9.68.1.2.2.1.2")
VM_VOICE = parse_oid("1.3.6.1.4.1.9.9.68.1.5.1.1.1")
VTP_MODE = parse_oid("1.3.6.1.4.1.9.9.46.1.2.1.1.3.1")
VTP_STATE = parse_oid("1.3.6.1.4.1.9.9.46.1.3.1.1.2.1")
VTP_TYPE = parse_oid("1.3.6.1.4.1.9.9.46.1.3.1.1.3.1")
VTP_NAME = parse_oid("1.3.6.1.4.1.9.9.46.1.3.1.1.4.1")
VTP_OPERATION = parse_oid("1.3.6.1.4.1.9.9.46.1.4.1.1.1.1")
VTP_APPLY_STATUS = parse_oid("1.3.6.1.4.1.9.9.46.1.4.1.1.2.1")
VTP_OWNER = parse_oid("1.3.6.1.4.1.9.9.46.1.4.1.1.3.1")
VTP_EDIT_TYPE = parse_oid("1.3.6.1.4.1.9.9.46.1.4.2.1.3.1")
VTP_EDIT_NAME = parse_oid("1.3.6.1.4.1.9.9.46.1.4.2.1.4.1")
VTP_EDIT_SAID = parse_oid("1.3.6.1.4.1.9.9.46.1.4.2.1.6.1")
VTP_EDIT_STATUS = parse_oid("1.3.6.1.4.1.9.9.46.1.4.2.1.11.1")
TRUNK_NATIVE = parse_oid("1.3.6.1.4.1.9.9.46.1.6.1.1.5")
# Bits of VLANs 0 to 1023 and, in columns of their own, of each further 1024.
TRUNK_VLANS = tuple(parse_oid(f"1.3.6.1.4.1.9.9.46.1.6.1.1.{column}") for column in (4, 17, 18, 19))
TRUNK_STATE = parse_oid("1.3.6.1.4.1.9.9.46.1.6.1.1.13")
TRUNK_STATUS = parse_oid("1.3.6.1.4.1.9.9.46.1.6.1.1.14")
CDP_DEVICE = parse_oid("1.3.6.1.4.1.9.9.23.1.2.1.1.6")
CDP_PORT = parse_oid("1.3.6.1.4.1.9.9.23.1.2.1.1.7")
CDP_CAPABILITIES = parse_oid("1.3.6.1.4.1.9.9.23.1.2.1.1.9")
# CISCO-CONFIG-COPY-MIB, by a row number of one's own.
CC_SOURCE = parse_oid("1.3.6.1.4.1.9.9.96.1.1.1.1.3")
CC_DESTINATION = parse_oid("1.3.6.1.4.1.9.9.96.1.1.1.1.4")
CC_STATE = parse_oid("1.3.6.1.4.1.9.9.96.1.1.1.1.10")
CC_ROW_STATUS = parse_oid("1.3.6.1.4.1.9.9.96.1.1.1.1.14")

# Tables in which an access port simply has a mode and a VLAN: Dell N by bridge port, Cisco Small Business by ifIndex.
DELL_MODE = parse_oid("1.3.6.1.4.1.674.10895.5000.2.6132.1.1.1.2.13.1.26")
DELL_ACCESS_VLAN = parse_oid("1.3.6.1.4.1.674.10895.5000.2.6132.1.1.1.2.13.1.43")
DELL_SAVE = parse_oid("1.3.6.1.4.1.674.10895.5000.2.6132.1.1.1.3.1.0")
SB_MODE = parse_oid("1.3.6.1.4.1.9.6.1.101.48.22.1.1")
SB_ACCESS_VLAN = parse_oid("1.3.6.1.4.1.9.6.1.101.48.62.1.1")
SB_COPY = parse_oid("1.3.6.1.4.1.9.6.1.101.87.2.1")

# Comware: the mode by ifIndex, and a list of ports a VLAN with its bits reversed.
H3C_MODE = parse_oid("1.3.6.1.4.1.25506.8.35.1.1.1.5")
H3C_PORTS = parse_oid("1.3.6.1.4.1.25506.8.35.2.1.1.1.3")
H3C_SAVE_TYPE = parse_oid("1.3.6.1.4.1.25506.2.4.1.2.4.1.2")
H3C_SAVE_STATUS = parse_oid("1.3.6.1.4.1.25506.2.4.1.2.4.1.9")

# Foundry: rows of members, by VLAN and ifIndex.
FOUNDRY_ROW_STATUS = parse_oid("1.3.6.1.4.1.1991.1.1.3.2.6.1.3")
FOUNDRY_TAG_MODE = parse_oid("1.3.6.1.4.1.1991.1.1.3.2.6.1.4")
FOUNDRY_SAVE = parse_oid("1.3.6.1.4.1.1991.1.1.2.1.3.0")

HP_SAVE = parse_oid("1.3.6.1.4.1.11.2.14.11.5.1.7.1.29.1.1.0")

# LLDP-MIB (IEEE 802.1AB): neighbours by time mark, local port number and a number; local ports by that number.
_LLDP = "1.0.8802.1.1.2.1"
LLDP_REMOTE = _under(
    f"{_LLDP}.4.1.1",
    chassis_subtype="4",
    chassis="5",
    port_subtype="6",
    port="7",
    description="8",
    system="9",
    capabilities="12",
)
LLDP_LOCAL_SUBTYPE = parse_oid(f"{_LLDP}.3.7.1.2")
LLDP_LOCAL_ID = parse_oid(f"{_LLDP}.3.7.1.3")
LLDP_LOCAL_DESCRIPTION = parse_oid(f"{_LLDP}.3.7.1.4")

# EXOS: VLANs by an interface number of their own, and rows that tell one slot's ports to join or leave.
EXOS_VLAN_ID = parse_oid("1.3.6.1.4.1.1916.1.2.1.2.1.10")
EXOS_CONTROL_PORTS = parse_oid("1.3.6.1.4.1.1916.1.2.6.2.1.1")
EXOS_CONTROL_OPERATION = parse_oid("1.3.6.1.4.1.1916.1.2.6.2.1.2")
EXOS_CONTROL_STATUS = parse_oid("1.3.6.1.4.1.1916.1.2.6.2.1.3")

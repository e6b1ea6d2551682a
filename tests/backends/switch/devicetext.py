"""What switches print about ports in every mode, about neighbours and about learned addresses: one generator for all.

The words and columns follow the vendors' manuals and published recordings; names, numbers and addresses are made up.
A platform that knows no such mode has no text for it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clusto_cli.backends.switch.model import PortMode, PortState

ACCESS, TRUNK, CLOSED, HYBRID, NATIVE_TAGGED = "access", "trunk", "trunk without native", "hybrid", "native tagged"
TUNNEL, VOICE, MEMBER, LAYER3, SHUT, UNUSED = "QinQ", "voice", "member of a LAG", "routed", "shut", "never used"
KINDS = (ACCESS, TRUNK, CLOSED, HYBRID, NATIVE_TAGGED, TUNNEL, VOICE, MEMBER, LAYER3, SHUT, UNUSED)
VLANS = {1: "default", 10: "office", 20: "lab20", 21: "lab21", 30: "lab30", 40: "phones", 99: "parking"}
MAC, DOTTED, DASHED = "52:54:00:00:00:01", "5254.0000.0001", "5254-0000-0001"
HOST, FAR, DESCRIPTION = "web1.example.com", "eth0", "uplink of web1"


def state(mode: PortMode, pvid: int | None, untagged: str = "", tagged: str = "", **more: object) -> PortState:
    sets = (frozenset(int(vlan) for vlan in text.split(",") if vlan) for text in (untagged, tagged))
    return PortState("", mode, pvid, *sets, **more)  # type: ignore[arg-type]


EXPECTED = {
    ACCESS: state(PortMode.ACCESS, 10, "10"),
    TRUNK: state(PortMode.TRUNK, 10, "10", "20,21,30"),
    CLOSED: state(PortMode.TRUNK, 99, "", "20,21"),
    HYBRID: state(PortMode.HYBRID, 10, "10", "20,30"),
    NATIVE_TAGGED: state(PortMode.TRUNK, 10, "", "10,20"),
    TUNNEL: state(PortMode.TUNNEL, 30, "30"),
    VOICE: state(PortMode.ACCESS, 10, "10", "40", voice=40),
    SHUT: state(PortMode.ACCESS, 10, "10"),
    LAYER3: state(PortMode.ROUTED, None),
    UNUSED: state(PortMode.ACCESS, 1, "1"),
}


@dataclass(frozen=True)
class Platform:
    """A platform's ports and texts: `one` is the answer about a port, by the command with `{port}` in it.

    `differs` are states that are not those of EXPECTED; `odd` a kind whose text has a list, and a word in it that is
    replaced by one that no list has.
    """

    port: str
    one: Callable[[str, str], Mapping[str, str] | None]
    neighbours: str
    stations: str
    vlans: str = ""
    differs: Mapping[str, PortState] | None = None
    odd: tuple[str, str] | None = None
    odd_neighbour: str = ""
    odd_station: str = ""
    station_port: str = ""
    no_description: bool = False

    def expected(self, kind: str) -> PortState:
        return {**EXPECTED, **(self.differs or {})}.get(kind, EXPECTED[ACCESS])


UNKNOWN = state(PortMode.UNKNOWN, None)
ROUTED = state(PortMode.ROUTED, None)
NOWHERE = state(PortMode.ACCESS, None)


def cisco(word: str, show: str, short: bool = False) -> Callable[[str, str], Mapping[str, str] | None]:
    """IOS, NX-OS and EOS: `show interfaces PORT switchport`."""

    def one(kind: str, port: str) -> Mapping[str, str] | None:
        admin, oper, access, native, allowed, voice = "static access", "static access", 10, 1, "ALL", "none"
        if kind in (TRUNK, CLOSED):
            admin = oper = "trunk"
            native = 99 if kind == CLOSED else 10
            allowed = "20-21" if kind == CLOSED else "10,20-21,\n     30"
        elif kind == TUNNEL:
            admin = oper = "dot1q-tunnel" if word != "ios" else "tunnel"
            access = 30
        elif kind == VOICE and word != "eos":
            voice = "40 (phones)"
        elif kind == MEMBER:
            admin, oper = "trunk", "trunk (member of bundle Po1)"
            native, allowed = 10, "10,20-21,30"
            if word != "ios":
                return None
        elif kind == SHUT:
            oper = "down" if word == "ios" else oper
        elif kind == UNUSED:
            access = 1
            admin, oper = ("dynamic auto", "down") if word == "ios" else (admin, oper)
        elif kind == LAYER3:
            return {show: f"Name: {port}\nSwitchport: Disabled\n"}
        elif kind != ACCESS:
            return None
        if word == "nxos":
            oper = oper.replace("static ", "")
        lines = [f"Name: {port}", "Switchport: Enabled"]
        lines += [f"Administrative Mode: {admin}"] if word != "nxos" else []
        lines += [f"Operational Mode: {oper}", f"Access Mode VLAN: {access} ({VLANS[access]})"]
        lines += [f"Trunking Native Mode VLAN: {native} ({VLANS[native]})"]
        lines += [f"Voice VLAN: {voice}"] if word != "eos" else []
        lines += [f"Trunking VLANs {'Allowed' if word == 'nxos' else 'Enabled'}: {allowed}", ""]
        return {show: "\n".join(lines)}

    return one


def comware(kind: str, port: str) -> Mapping[str, str] | None:
    lines = [port, f"Current state: {'DOWN ( Administratively )' if kind == SHUT else 'UP'}", "Line protocol state: UP"]
    lines += [f"Description: {DESCRIPTION}", "Bandwidth: 1000000 kbps"]
    access = [" Tagged VLANs:   None", f" Untagged VLANs: {1 if kind == UNUSED else 10}"]
    body = {
        ACCESS: ["PVID: 10", "Port link-type: Access", *access],
        SHUT: ["PVID: 10", "Port link-type: Access", *access],
        UNUSED: ["PVID: 1", "Port link-type: Access", *access],
        TRUNK: [
            "PVID: 10",
            "Port link-type: Trunk",
            " VLAN Passing:   10(default vlan), 20-21",
            "                 30",
            " VLAN permitted: 1-4094",
            " Trunk port encapsulation: IEEE 802.1q",
        ],
        CLOSED: ["PVID: 99", "Port link-type: trunk", "  VLAN passing  : 20-21", "  VLAN permitted: 20-21"],
        HYBRID: ["PVID: 10", "Port link-type: Hybrid", " Tagged VLANs:   20, 30", " Untagged VLANs: 10"],
    }
    body[LAYER3] = ["Internet address: 192.0.2.1/24 (Primary)", "IP packet frame type: Ethernet II"]
    if kind == VOICE:
        body[VOICE] = ["PVID: 10", "Port link-type: Hybrid", " Tagged VLANs:   40", " Untagged VLANs: 10"]
    if kind not in body:
        return None
    following = ["", "Vlan-interface10", "Current state: UP", "Internet Address is 192.0.2.1/24 Primary"]
    return {"display interface {port}": "\n".join([*lines, *body[kind], *following, ""])}


def vrp(kind: str, port: str) -> Mapping[str, str] | None:
    row = {
        ACCESS: ("access", 10, "-"),
        SHUT: ("access", 10, "-"),
        TRUNK: ("trunk", 10, f"10 20-21\n{'':47}30"),
        CLOSED: ("trunk", 99, "20-21"),
        HYBRID: ("hybrid", 10, "-"),
        TUNNEL: ("dot1q-tunnel", 30, "-"),
        MEMBER: ("-", 0, "-"),
        UNUSED: ("desirable", 1, "1-4094"),
    }.get(kind)
    if row is None:
        return None
    listing = f"Port                        Link Type    PVID  Trunk VLAN List\n{'-' * 79}\n"
    answers = {"display port vlan {port}": f"{listing}{port:<27} {row[0]:<12} {row[1]:<5} {row[2]}\n"}
    if kind == HYBRID:
        short = port.replace("GigabitEthernet", "GE")
        head = f"T=TAG U=UNTAG\n{'-' * 79}\nPort                Link Type    PVID    VLAN List\n{'-' * 79}\n"
        answers["display port vlan active"] = f"{head}{short:<19} hybrid       10      U: 10\n{'':41}T: 20 30\n"
    return answers


def junos(word: str, native: str) -> Callable[[str, str], Mapping[str, str] | None]:
    def one(kind: str, port: str) -> Mapping[str, str] | None:
        stem = f"set interfaces {port} unit 0 family ethernet-switching"
        body = {
            ACCESS: [f"{stem} {word} access", f"{stem} vlan members office"],
            SHUT: [f"set interfaces {port} disable", f"{stem} {word} access", f"{stem} vlan members 10"],
            TRUNK: [
                f"{stem} {word} trunk",
                f"{stem} vlan members [ lab20 21 ]",
                f"{stem} vlan members 30",
                f"set interfaces {port} {native}native-vlan-id 10",
            ],
            UNUSED: [stem],
            MEMBER: [f"set interfaces {port} ether-options 802.3ad ae0"],
            LAYER3: [f"set interfaces {port} unit 0 family inet address 192.0.2.1/24"],
        }.get(kind)
        if body is None:
            return None
        described = f'set interfaces {port} description "{DESCRIPTION}"'
        return {"show configuration interfaces {port} | display set": "\n".join([described, *body, ""])}

    return one


def aoscx(kind: str, port: str) -> Mapping[str, str] | None:
    body = {
        ACCESS: ["no shutdown", "no routing", "vlan access 10"],
        SHUT: ["shutdown", "no routing", "vlan access 10"],
        TRUNK: ["no shutdown", "no routing", "vlan trunk native 10", "vlan trunk allowed 10,20-21,30"],
        CLOSED: ["no shutdown", "no routing", "vlan trunk native 99", "vlan trunk allowed 20-21"],
        NATIVE_TAGGED: ["no shutdown", "no routing", "vlan trunk native 10 tag", "vlan trunk allowed 10,20"],
        MEMBER: ["no shutdown", "lag 1"],
        LAYER3: ["no shutdown", "ip address 192.0.2.1/24"],
        UNUSED: ["no shutdown"],
    }.get(kind)
    if body is None:
        return None
    lines = [f"interface {port}", f"description {DESCRIPTION}", *body, "exit"]
    return {"show running-config interface {port}": "\n    ".join(lines) + "\n"}


def os10(kind: str, port: str) -> Mapping[str, str] | None:
    body = {
        ACCESS: ["no shutdown", "switchport access vlan 10"],
        SHUT: ["shutdown", "switchport access vlan 10"],
        TRUNK: [
            "no shutdown",
            "switchport mode trunk",
            "switchport access vlan 10",
            "switchport trunk allowed vlan 20-21,30",
        ],
        MEMBER: ["no shutdown", "channel-group 1 mode active", "no switchport"],
        LAYER3: ["no shutdown", "no switchport", "ip address 192.0.2.1/24"],
        UNUSED: ["no shutdown", "switchport access vlan 1"],
    }.get(kind)
    if body is None:
        return None
    lines = ["!", f"interface {port}", f" description {DESCRIPTION}", *(f" {line}" for line in body), ""]
    return {"show running-configuration interface {port}": "\n".join(lines)}


def fastpath(command: str, os6: bool) -> Callable[[str, str], Mapping[str, str] | None]:
    def one(kind: str, port: str) -> Mapping[str, str] | None:
        mode, access, native, allowed = "Access Mode", 10, "1 (default)", "All"
        pvid, untagged, tagged = 10, "10", ""
        if kind == UNUSED:
            access, pvid, untagged = 1, 1, "1"
        elif kind == TRUNK and os6:
            mode, native, allowed = "Trunk Mode", "10", "10,20-21,30"
        elif kind == CLOSED and os6:
            mode, native, allowed = "Trunk Mode", "99", "20-21"
        elif kind == HYBRID:
            mode, tagged = "General Mode", "20,30"
        elif kind not in (ACCESS, SHUT):
            return None
        lines = [f"Port: {port}"]
        lines += [f"VLAN Membership Mode: {mode}", f"Access Mode VLAN: {access} (x)"] if os6 else []
        lines += [f"General Mode PVID: {pvid}{' (default)' if os6 else ''}", "General Mode Ingress Filtering: Enabled"]
        lines += [f"General Mode Untagged VLANs: {untagged}", f"General Mode Tagged VLANs: {tagged}"]
        lines += [f"Trunking Mode Native VLAN: {native}", f"Trunking Mode VLANs Enabled: {allowed}"] if os6 else []
        return {command: "\n".join([*lines, ""])}

    return one


def os9(kind: str, port: str) -> Mapping[str, str] | None:
    rows = {
        ACCESS: ["U       10"],
        SHUT: ["U       10"],
        HYBRID: ["U       10", "T       20,30"],
        UNUSED: ["U       1"],
    }.get(kind)
    if rows is None:
        return None
    head = [f"Name: {port}", "802.1QTagged: Hybrid", "Vlan membership:", "Q       Vlans"]
    return {"show interfaces switchport {port}": "\n".join([*head, *rows, "", "Native VlanId:    10.", ""])}


def procurve(kind: str, port: str) -> Mapping[str, str] | None:
    rows = {
        ACCESS: [(10, "Untagged")],
        SHUT: [(10, "Untagged")],
        HYBRID: [(10, "Untagged"), (20, "Tagged"), (30, "Tagged")],
        UNUSED: [(1, "Untagged")],
    }.get(kind)
    if rows is None:
        return None
    head = [
        f" Status and Counters - VLAN Information - for ports {port}",
        "",
        "  VLAN ID Name | Status Voice Jumbo Mode",
    ]
    body = [f"  {vlan:<7} {VLANS[vlan]:<20} | Port-based No    No    {how}" for vlan, how in rows]
    return {"show vlans ports {port} detail": "\n".join([*head, *body, ""])}


def routeros(kind: str, port: str) -> Mapping[str, str] | None:
    pvid, frames = (1 if kind == UNUSED else 10), "admit-all"
    tagged: tuple[int, ...] = {HYBRID: (20, 30), NATIVE_TAGGED: (10, 20)}.get(kind, ())
    if kind == NATIVE_TAGGED:
        frames = "admit-only-vlan-tagged"
    elif kind not in (ACCESS, SHUT, HYBRID, UNUSED):
        return None
    row = f" 0   H interface={port} bridge=bridge priority=0x80 pvid={pvid} frame-types={frames} auto-isolate=no\n"
    rows = []
    for number, vlan in enumerate(VLANS):
        static, own = port if vlan in tagged else "", "" if kind in (SHUT, UNUSED) or vlan != pvid else port
        current = static if kind != SHUT else ""
        own = "" if frames != "admit-all" else own
        rows.append(
            f" {number} D bridge=bridge vlan-ids={vlan} tagged=bridge,{static} untagged= "
            f"current-tagged=bridge,{current} current-untagged={own}"
        )
    return {
        "/interface/bridge/port print terse where interface={port}": row,
        "/interface/bridge/vlan print terse": "\n".join([*rows, ""]),
    }


def icx(kind: str, port: str) -> Mapping[str, str] | None:
    how = {
        ACCESS: "Member of L2 VLAN ID 10, port is untagged, port state is FORWARDING",
        SHUT: "Member of L2 VLAN ID 10, port is untagged, port state is BLOCKING",
        UNUSED: "Member of L2 VLAN ID 1, port is untagged, port state is BLOCKING",
        LAYER3: "Not a Member of any VLAN , port is untagged, port state is NONE\n  Internet address is 192.0.2.1/24",
        TRUNK: "Member of 3 L2 VLANs, port is tagged, port state is FORWARDING",
        HYBRID: "Member of 3 L2 VLANs, port is dual mode in Vlan 10, port state is FORWARDING",
    }.get(kind)
    if how is None:
        return None
    link = "down" if kind in (SHUT, UNUSED) else "up"
    lines = [f"GigabitEthernet{port} is {link}, line protocol is {link}", f"  Port name is {DESCRIPTION}", f"  {how}"]
    answers = {"show interfaces ethernet {port}": "\n".join([*lines, "  Not member of any active trunks", ""])}
    if kind in (TRUNK, HYBRID):
        vlans = "20 21 30" if kind == TRUNK else "10 20 30"
        own = ["Untagged VLAN   : 10"] if kind == HYBRID else []
        carried = "20 21 30" if kind == TRUNK else "20 30"
        told = [f"Port {port} is a member of 3 VLANs", f"VLANs {vlans}", *own, f"Tagged VLANs    : {carried}", ""]
        answers["show vlan brief ethernet {port}"] = "\n".join(told)
    return answers


def exos(kind: str, port: str) -> Mapping[str, str] | None:
    untagged, tagged = {
        ACCESS: (10, ()),
        SHUT: (10, ()),
        UNUSED: (1, ()),
        HYBRID: (10, (20, 30)),
        TRUNK: (0, (20, 21, 30)),
    }.get(kind, (None, ()))
    if untagged is None:
        return None
    lines = [f"Port:\t{port}", f'\tDescription String: "{DESCRIPTION}"', "\tVLAN cfg:"]
    lines += [f"\t\t Name: {VLANS[untagged]}, Internal Tag = {untagged}, MAC-limit = No-limit"] if untagged else []
    lines += [f"\t\t Name: {VLANS[vlan]}, 802.1Q Tag = {vlan}, MAC-limit = No-limit" for vlan in tagged]
    return {"show ports {port} information detail": "\n".join([*lines, "\tSTP cfg:", ""])}


def sonic(kind: str, port: str) -> Mapping[str, str] | None:
    rows = {
        ACCESS: [(10, "untagged")],
        SHUT: [(10, "untagged")],
        HYBRID: [(10, "untagged"), (20, "tagged"), (30, "tagged")],
        TRUNK: [(20, "tagged"), (21, "tagged"), (30, "tagged")],
        UNUSED: [],
    }.get(kind)
    if rows is None:
        return None
    head = ["Name      VID  Member       Mode", "-------  ----  -----------  --------"]
    body = [f"Vlan{vlan:<5} {vlan:>4}  {port:<12} {how}" for vlan, how in rows]
    return {"show vlan config": "\n".join([*head, *body, f"Vlan99     99  {port}4  untagged", ""])}


def srl(kind: str, port: str) -> Mapping[str, str] | None:
    body = {
        ACCESS: (["vlan-tagging false"], [10]),
        SHUT: (["vlan-tagging false"], [10]),
        UNUSED: ([], []),
        TRUNK: (
            ["vlan-tagging true", *(f"subinterface {v} vlan encap single-tagged vlan-id {v}" for v in (20, 21, 30))],
            [],
        ),
    }.get(kind)
    if body is None:
        return None
    lines = [f"set / interface {port} admin-state enable", f'set / interface {port} description "{DESCRIPTION}"']
    lines += [f"set / interface {port} {line}" for line in body[0]]
    members = [f"set / network-instance vlan{vlan} interface {port}.0" for vlan in body[1]]
    return {
        "info flat from running / interface {port}": "\n".join([*lines, ""]),
        "info flat from running / network-instance * interface {port}.0": "\n".join([*members, ""]),
    }


def bridge(command: str) -> Callable[[str, str], Mapping[str, str] | None]:
    def one(kind: str, port: str) -> Mapping[str, str] | None:
        own: dict[str, object] = {"vlan": 1 if kind == UNUSED else 10, "flags": ["PVID", "Egress Untagged"]}
        vlans = {
            ACCESS: [own],
            SHUT: [own],
            UNUSED: [own],
            HYBRID: [own, {"vlan": 20}, {"vlan": 30}],
            NATIVE_TAGGED: [{"vlan": 10, "flags": ["PVID"]}, {"vlan": 20}],
        }.get(kind)
        return None if vlans is None else {command: json.dumps([{"ifname": port, "vlans": vlans}])}

    return one


def ovs(kind: str, port: str) -> Mapping[str, str] | None:
    tag, trunks, mode = {
        ACCESS: (10, [], "access"),
        SHUT: (10, [], "access"),
        TRUNK: (10, [10, 20, 21, 30], "native-untagged"),
        NATIVE_TAGGED: (10, [20], "native-tagged"),
        TUNNEL: (30, [], "dot1q-tunnel"),
        UNUSED: (["set", []], [], ["set", []]),
    }.get(kind, (None, [], ""))
    if tag is None:
        return None
    headings = ["name", "tag", "trunks", "vlan_mode", "interfaces"]
    row = [port, tag, ["set", trunks], mode, ["uuid", "x"]]
    command = "ovs-vsctl --format=json --columns=name,tag,trunks,vlan_mode,interfaces list port {port}"
    return {command: json.dumps({"headings": headings, "data": [row]})}


def lldpcli(port: str) -> str:
    pairs = {"via": "LLDP", "rid": "1", "chassis.mac": MAC, "chassis.name": HOST, "chassis.descr": "Debian"}
    pairs |= {"port.ifname": FAR, "port.descr": DESCRIPTION}
    return "".join(f"lldp.{port}.{key}={value}\n" for key, value in pairs.items())


IOS_TABLE = "VLAN Name                             Status    Ports\n---- " + "-" * 32 + " ---------\n"
IOS_VLANS = IOS_TABLE + "".join(f"{vlan:<4} {name:<32} active    \n" for vlan, name in VLANS.items())
JUNOS_VLANS = "".join(f"set vlans {name} vlan-id {vlan}\n" for vlan, name in VLANS.items())


def _ios_neighbours(port: str, local: str = "Local Intf") -> str:
    return (
        f"------------------------------------------------\n{local}: {port}\nChassis id: {DOTTED}\nPort id: {FAR}\n"
        f"Port Description: {DESCRIPTION}\nSystem Name: {HOST}\n\nSystem Description: \nDebian\n\n"
        "Time remaining: 95 seconds\n\nTotal entries displayed: 1\n"
    )


def _summary(port: str) -> str:
    head = (
        "LLDP Remote Device Summary\n\nLocal\nInterface  RemID   Chassis ID           Port ID           System Name\n"
    )
    rule = "--------- ------- -------------------- ----------------- -----------------\n"
    idle = port.replace("4", "5")
    return f"{head}{rule}{port:<9} 1       {MAC:<20} {FAR:<17}  {HOST}\n{idle}\n"


def _ios(word: str) -> Platform:
    dynamic = state(PortMode.ACCESS, 1, "1")
    return Platform(
        "Gi1/0/4",
        cisco("ios", "show interfaces {port} switchport"),
        _ios_neighbours("Gi1/0/4"),
        f"          Mac Address Table\n\nVlan    Mac Address       Type        Ports\n"
        f" All    0100.0ccc.cccc    STATIC      CPU\n  10    {DOTTED}    DYNAMIC     Gi1/0/4\n",
        IOS_VLANS,
        {UNUSED: dynamic, MEMBER: state(PortMode.TRUNK, 10, "10", "20,21,30", lag="Po1")},
        (TRUNK, "20-21"),
        "Local Intf: Gi1/0/9\nsomething else\n",
        f"  10    {DOTTED}    MOVING     Gi1/0/4\n",
    )


PLATFORMS: dict[str, Platform] = {
    "cisco_ios": _ios("cisco_ios"),
    "cisco_iosxe": _ios("cisco_iosxe"),
    "cisco_nxos": Platform(
        "Ethernet1/4",
        cisco("nxos", "show interface {port} switchport"),
        f"Chassis id: {DOTTED}\nPort id: {FAR}\nLocal Port id: Eth1/4\nPort Description: {DESCRIPTION}\n"
        f"System Name: {HOST}\nSystem Description: Debian\nTime remaining: 99 seconds\n",
        "   VLAN     MAC Address      Type      age     Secure NTFY Ports\n"
        f"*   10     {DOTTED}   dynamic  0         F      F    Eth1/4\n"
        "G    -     5087.89a1.de75   static   -         F      F    sup-eth1(R)\n",
        IOS_VLANS,
        None,
        (TRUNK, "20-21"),
        "Local Port id: Eth1/9\nsomething else\n",
        f"*   10     {DOTTED}   moving  0         F      F    Eth1/4\n",
        "Eth1/4",
    ),
    "arista_eos": Platform(
        "Et4",
        cisco("eos", "show interfaces {port} switchport"),
        "Port       Neighbor Device ID             Neighbor Port ID           TTL\n"
        f"Et4        {HOST}    {FAR}    120\n",
        "Vlan    Mac Address       Type        Ports      Moves   Last Move\n"
        f"  10    {DOTTED}    DYNAMIC     Et4        1       0:01:02 ago\n",
        IOS_VLANS,
        None,
        (TRUNK, "20-21"),
        "Et9        what is this\n",
        f"  10    {DOTTED}    MOVING     Et4        1       0:01:02 ago\n",
        no_description=True,
    ),
    "hp_comware": Platform(
        "GigabitEthernet1/0/4",
        comware,
        "LLDP neighbor-information of port 4[GigabitEthernet1/0/4]:\nLLDP agent nearest-bridge:\n"
        f" LLDP neighbor index : 1\n Update time         : 0 days\n Chassis type        : MAC address\n"
        f" Chassis ID          : {DASHED}\n Port ID type        : Interface name\n Port ID             : {FAR}\n"
        f" Time to live        : 121\n Port description    : {DESCRIPTION}\n System name         : {HOST}\n"
        " System description  :\n   Debian\n",
        "MAC ADDR       VLAN ID  STATE          PORT INDEX               AGING TIME(s)\n"
        f"{DASHED} 10       Learned        GigabitEthernet1/0/4     AGING\n",
        "".join(f" VLAN ID: {vlan}\n VLAN type: Static\n Name: {name}\n\n" for vlan, name in VLANS.items()),
        {VOICE: state(PortMode.HYBRID, 10, "10", "40")},
        (TRUNK, "20-21"),
        "LLDP neighbor-information of port 9[GigabitEthernet1/0/9]:\n LLDP neighbor index : 1\n  something else\n",
        f"{DASHED} 10       Roaming        GigabitEthernet1/0/4     AGING\n",
    ),
    "huawei_vrp": Platform(
        "GigabitEthernet0/0/4",
        vrp,
        "GigabitEthernet0/0/4 has 1 neighbor(s):\n\nNeighbor index :1\nChassis type   :MAC address\n"
        f"Chassis ID     :{DASHED}\nPort ID type   :Interface name\nPort ID        :{FAR}\n"
        f"Port description    :{DESCRIPTION}\nSystem name         :{HOST}\nExpired time   :101s\n",
        f"MAC Address    VLAN/VSI                          Learned-From        Type\n{'-' * 79}\n"
        f"{DASHED} 10/-                              GE0/0/4             dynamic\nTotal items displayed = 1\n",
        "".join(f"{vlan:<4} common  UT:GE0/0/1(U)\n" for vlan in VLANS),
        {UNUSED: state(PortMode.UNKNOWN, 1), MEMBER: UNKNOWN},
        (TRUNK, "20-21"),
        "GigabitEthernet0/0/9 has 1 neighbor(s):\n\nNeighbor index :1\nsomething else\n",
        f"{DASHED} 10/-                              GE0/0/4             roaming\n",
        "GE0/0/4",
    ),
    "aruba_aoscx": Platform(
        "1/1/4",
        aoscx,
        "LLDP Neighbor Information\nTotal Neighbor Entries          : 1\nPort                           : 1/1/4\n"
        f"Neighbor Entries               : 1\nNeighbor Chassis-Name          : {HOST}\n"
        f"Neighbor Chassis-Description   : Debian\nNeighbor Chassis-ID            : {MAC}\n"
        f"Neighbor Port-ID               : {FAR}\nNeighbor Port-Desc             : {DESCRIPTION}\n",
        "MAC Address          VLAN     Type                      Port\n"
        f"{MAC}    10       dynamic                   1/1/4\n",
        "".join(f"{vlan:<5} {name:<33} up      ok      static   1/1/1\n" for vlan, name in VLANS.items()),
        {UNUSED: ROUTED, MEMBER: state(PortMode.UNKNOWN, None, lag="1")},
        (TRUNK, "20-21"),
        "Port                           : 1/1/9\nNeighbor Entries               : 1\n",
        f"{MAC}    10       roaming                   1/1/4\n",
    ),
    "dell_os10": Platform(
        "ethernet1/1/4",
        os10,
        "Loc PortID          Rem Host Name        Rem Port Id          Rem Chassis Id\n"
        f"ethernet1/1/4       {HOST}     {FAR}                 {MAC}\n",
        f"VlanId  Mac Address         Type       Interface\n10      {MAC}   dynamic    ethernet1/1/4\n",
        "".join(f"  {vlan:<6} Active      A Eth1/1/1\n" for vlan in VLANS),
        {MEMBER: state(PortMode.UNKNOWN, None, lag="1")},
        (TRUNK, "20-21"),
        "ethernet1/1/9   so\n",
        f"10      {MAC}   roaming    ethernet1/1/4\n",
        no_description=True,
    ),
    "dell_os6": Platform(
        "Gi1/0/4",
        fastpath("show interfaces switchport {port}", os6=True),
        _summary("Gi1/0/4"),
        f"Vlan     Mac Address           Type        Port\n10       {DOTTED.upper()}        Dynamic     Gi1/0/4\n",
        "".join(f"{vlan:<6} {name:<20} Gi1/0/1   Static\n" for vlan, name in VLANS.items()),
        None,
        (TRUNK, "20-21"),
        "Gi1/0/9   so\n",
        f"10       {DOTTED}        Roaming     Gi1/0/4\n",
        no_description=True,
    ),
    "ubiquiti_edgeswitch": Platform(
        "0/4",
        fastpath("show interfaces switchport", os6=False),
        _summary("0/4"),
        "VLAN ID  MAC Address         Interface              IfIndex  Status\n"
        f"10       {MAC}   0/4                    4        Learned\n"
        "1        80:2A:A8:00:00:01   CPU Interface:  0/5/1  65       Management\n",
        "".join(f"{vlan:<6} {name:<20} Static\n" for vlan, name in VLANS.items()),
        {HYBRID: state(PortMode.HYBRID, 10, "10", "20,30")},
        (HYBRID, "20,30"),
        "0/9   so\n",
        f"10       {MAC}   0/4                    4        Roaming\n",
        no_description=True,
    ),
    "dell_os9": Platform(
        "TenGigabitEthernet 0/4",
        os9,
        f"{'=' * 72}\n Local Interface Te 0/4 has 1 neighbor\n    Total Frames Out: 6547\n\n"
        f"  The neighbors are given below:\n  {'-' * 71}\n\n    Remote Chassis ID Subtype: Mac address (4)\n"
        f"    Remote Chassis ID:  {MAC}\n    Remote Port Subtype:  Interface name (5)\n    Remote Port ID:  {FAR}\n"
        f"    Remote Port Description:  {DESCRIPTION}\n    Local Port ID: TenGigabitEthernet 0/4\n"
        f"    Remote TTL:  120\n    Remote System Name:  {HOST}\n",
        f"VlanId     Mac Address           Type          Interface        State\n"
        f" 10        {MAC}     Dynamic       Te 0/4           Active\n",
        "".join(f"    {vlan:<6} Active    {name:<31} U Te 0/1\n" for vlan, name in VLANS.items()),
        None,
        (HYBRID, "20,30"),
        " Local Interface Te 0/9 has 1 neighbor\n    Remote Chassis ID Subtype: Mac address (4)\n    so\n",
        f" 10        {MAC}     Roaming       Te 0/4           Active\n",
        "Te 0/4",
    ),
    "hp_procurve": Platform(
        "4",
        procurve,
        f"\n LLDP Remote Device Information Detail\n\n  Local Port   : 4\n  ChassisType  : mac-address\n"
        f"  ChassisId    : 525400-000001\n  PortType     : local\n  PortId       : {FAR}\n  SysName      : {HOST}\n"
        f"  System Descr : Debian\n  PortDescr    : {DESCRIPTION}\n",
        "  MAC Address       Port                            VLAN\n"
        "  525400-000001     4                               10\n",
        "".join(f"  {vlan:<7} {name:<20} | Port-based No    No\n" for vlan, name in VLANS.items()),
        None,
        None,
        "  Local Port   : 9\n  so\n",
        "  525400-000001     4   and more of it\n",
    ),
    "mikrotik_routeros": Platform(
        "ether4",
        routeros,
        f' 0 interface=ether4,bridge address=192.0.2.9 mac-address={MAC.upper()} identity="{HOST}" '
        f'platform="x" interface-name="{FAR}" system-description="Debian"\n',
        f"0 D  mac-address={MAC.upper()} vid=10 on-interface=ether4 bridge=bridge\n"
        "1 DL mac-address=52:54:00:00:00:09 interface=bridge bridge=bridge on-interface=bridge\n",
        "",
        {UNUSED: state(PortMode.ACCESS, 1, "1")},
        None,
        " 9 interface=ether9 address=192.0.2.9\n",
        f"0 D  mac-address={MAC.upper()} somewhere\n",
        no_description=True,
    ),
    "ruckus_icx": Platform(
        "1/1/4",
        icx,
        f"Local port: 1/1/4\n  Neighbor: {DOTTED}, TTL 94 seconds\n    + Chassis ID (MAC address): {DOTTED}\n"
        f"    + Port ID (interface name): {FAR}\n    + Time to live: 120 seconds\n"
        f'    + System name         : "{HOST}"\n'
        f'    + Port description    : "{DESCRIPTION}"\n',
        f"MAC-Address     Port                 Type         VLAN\n{DOTTED}  1/1/4                Dynamic      10\n",
        "".join(f"vlan {vlan} name {name} by port\n!\n" for vlan, name in VLANS.items()),
        {TRUNK: state(PortMode.TRUNK, None, "", "20,21,30")},
        (HYBRID, "20 30"),
        "Local port: 1/1/9\n  Neighbor: so\n",
        f"{DOTTED}  1/1/4                Roaming      10\n",
    ),
    "extreme_exos": Platform(
        "1:4",
        exos,
        f"{'-' * 77}\nLLDP Port 1:4 detected 1 neighbor\n  Neighbor: {MAC}/{FAR}, age 21 seconds\n"
        f"    - Chassis ID type: MAC address (4)\n      Chassis ID     : {MAC}\n    - Port ID type: ifName (5)\n"
        f'      Port ID     : "{FAR}"\n    - Time To Live: 120 seconds\n    - Port Description: "{DESCRIPTION}"\n'
        f'    - System Name: "{HOST}"\n',
        "MAC                                      VLAN Name( Tag)  Age  Flags          Port / Virtual Port List\n"
        f"{MAC}                           office(0010) 0041  d m            1:4\n",
        "".join(f"{name:<15} {vlan:<4}\n" for vlan, name in VLANS.items()),
        {TRUNK: state(PortMode.TRUNK, None, "", "20,21,30")},
        None,
        "LLDP Port 1:9 detected 1 neighbor\n  Neighbor: so\n",
        f"{MAC}                           office(0010) 0041  q            1:4\n",
    ),
    "nokia_srl": Platform(
        "ethernet-1/4",
        srl,
        "  |     Name     |     Neighbor      | Neighbor System Name | Neighbor Chassis ID | Neighbor First Message |"
        " Neighbor Last Update | Neighbor Port |\n"
        f"  | ethernet-1/4 | {MAC} | {HOST}     | {MAC}   | 42 seconds ago         | 12 seconds ago       | {FAR} |\n",
        "|      Address       |  Destination   | Dest Index |  Type  | Active | Aging | Last Update |\n"
        f"| {MAC.upper()}  | ethernet-1/4.0 | 5          | learnt | true   | 297   | now         |\n",
        "".join(f"set / network-instance vlan{vlan} type mac-vrf\n" for vlan in VLANS),
        {UNUSED: NOWHERE, TRUNK: state(PortMode.TRUNK, None, "", "20,21,30")},
        None,
        "  | ethernet-1/9 | so |\n",
        f"| {MAC.upper()}  | ethernet-1/4.0 | 5          | roaming | true   | 297   | now         |\n",
        no_description=True,
    ),
    "sonic": Platform(
        "Ethernet0",
        sonic,
        "Capability codes: (R) Router, (B) Bridge, (O) Other\n"
        "LocalPort    RemoteDevice      RemotePortID    Capability    RemotePortDescr\n"
        f"Ethernet0    {HOST}  {FAR}            BR            {DESCRIPTION}\nTotal entries displayed:  1\n",
        "  No.    Vlan  MacAddress         Port       Type\n-----  ------  -----------------  ---------  -------\n"
        f"    1      10  {MAC.upper()}  Ethernet0  Dynamic\nTotal number of entries 1\n",
        "".join(f"Vlan{vlan:<5} {vlan:>4}  Ethernet64  untagged\n" for vlan in VLANS),
        {UNUSED: NOWHERE, TRUNK: state(PortMode.TRUNK, None, "", "20,21,30")},
        None,
        "Ethernet9    so\n",
        f"    1      10  {MAC.upper()}  Ethernet0  Roaming\n",
    ),
    "openvswitch": Platform(
        "swp4",
        ovs,
        lldpcli("swp4"),
        f'4    "swp4"\n port  VLAN  MAC                Age\n    4    10  {MAC}    3\n',
        "",
        {UNUSED: state(PortMode.TRUNK, None, "", ",".join(str(vlan) for vlan in range(1, 4095)))},
        None,
        "",
        f"    4    {MAC}    so\n",
    ),
}
for _name, _command in (("linux_bridge", "bridge"), ("cumulus_nvue", "/usr/sbin/bridge")):
    PLATFORMS[_name] = Platform(
        "swp4",
        bridge(f"{_command} -j vlan show dev {{port}}"),
        lldpcli("swp4"),
        f"{MAC} dev swp4 vlan 10 master br0\n",
        odd_station=f"{MAC} on swp4\n",
    )
for _name, _mode, _native in (
    ("juniper_junos_els", "interface-mode", ""),
    ("juniper_junos_nonels", "port-mode", "unit 0 family ethernet-switching "),
):
    PLATFORMS[_name] = Platform(
        "ge-0/0/4",
        junos(_mode, _native),
        "Local Interface    Parent Interface    Chassis Id          Port info          System Name\n"
        f"ge-0/0/4           ae7                 {MAC}   {FAR}               {HOST}\n",
        "   Vlan                MAC                 MAC      Age    Logical                NH        RTR\n"
        f"   office              {MAC}   D             -   ge-0/0/4.0             0         0\n",
        JUNOS_VLANS,
        {MEMBER: state(PortMode.UNKNOWN, None, lag="ae0")},
        (TRUNK, "lab20 21"),
        "ge-0/0/9  so\n",
        f"   office              {MAC}   D             -   qq\n",
        no_description=True,
    )

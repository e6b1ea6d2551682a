"""The tests' SNMP agent in front of a real Open vSwitch: what is written over SNMP moves frames."""

from __future__ import annotations

from .agent import Bridge, Vlan
from .ovslab import OvsLab


class OvsBridge(Bridge):
    """The ports of an OvsLab as bridge ports 1..N; a port is an access port of its PVID when it is untagged there."""

    lab: OvsLab

    @classmethod
    def in_front_of(cls, lab: OvsLab, vlans: tuple[int, ...] = (1, 10, 203)) -> OvsBridge:
        members = set(lab.hosts)
        made = {vlan: Vlan(f"vlan{vlan}") for vlan in vlans}
        made[10].egress, made[10].untagged = set(members), set(members)
        bridge = cls({port: f"swp{port}" for port in members}, made, dict.fromkeys(members, 10))
        bridge.lab = lab
        return bridge

    def moved(self) -> None:
        """Where PVID and untagged membership agree the port is in that VLAN; elsewhere its frames go nowhere (4094)."""
        words: list[str] = []
        for port, name in self.ports.items():
            pvid = self.pvid[port]
            tag = pvid if port in self.vlans[pvid].untagged else 4094
            words += ["--", "set", "port", name, f"tag={tag}", "vlan_mode=access"]
        self.lab.vsctl(*words[1:])

    def addresses(self) -> dict[tuple[int, str], int]:
        ports = {}
        for line in self.lab.vsctl(
            "--no-headings", "--columns=ofport,name", "--format=csv", "list", "interface"
        ).split():
            number, _, name = line.partition(",")
            ports[number] = name.strip('"')
        found = {}
        for line in self.lab.run("ovs-appctl", "fdb/show", "br0").splitlines()[1:]:
            number, vlan, mac, _ = line.split()
            name = ports.get(number, "")
            if name.startswith("swp"):
                found[int(vlan), mac] = int(name.removeprefix("swp"))
        return found

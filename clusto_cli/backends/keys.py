"""The settings that adapters read, as plain data: what each means, what its values may be, and in which unit.

The core reads them by these declarations on every way in, and once more when a setting is used, so that an adapter
gets `true`, `161` and `2.5` in that one spelling, whatever was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NETWORKED = ["PDU", "Switch", "Router", "Firewall", "LoadBalancer", "Appliance", "ConsoleServer"]
_CONSOLES = ["ConsoleServer", "ConsolePort", "Server", "VirtualServer", "SerialPort"]
_MACHINES = ["Server", "VirtualServer", "Appliance"]
_PDUS = ["PDU"]
_BALANCED = ["LoadBalancer"]
_SWITCHES = ["Switch", "Router", "Firewall"]
_HOSTS = "networks and domains that credentials of the group, beside which it is set, may be sent to"


def _port(meaning: str, on: list[str]) -> dict[str, Any]:
    return {"type": "integer", "low": 1, "high": 65535, "on": on, "meaning": meaning}


def _seconds(meaning: str, on: list[str], longest: float = 86399) -> dict[str, Any]:
    return {"type": "number", "unit": "s", "low": 0.001, "high": longest, "on": on, "meaning": meaning}


def _text(meaning: str, on: list[str], **more: Any) -> dict[str, Any]:
    return {"type": "text", "on": on, "meaning": meaning, **more}


def _power_profiles() -> list[str]:
    from clusto_cli.backends.power.profile import names

    return names()


def _switch_profiles() -> list[str]:
    from clusto_cli.backends.switch.profiles import names

    return list(names())


def _console_profiles() -> list[str]:
    from clusto_cli.backends.console.profile import names

    return names()


def _auth_protocols() -> list[str]:
    from clusto_cli.backends.snmp.settings import AUTH_PROTOCOLS

    return list(AUTH_PROTOCOLS)


def _priv_protocols() -> list[str]:
    from clusto_cli.backends.snmp.settings import PRIV_PROTOCOLS

    return list(PRIV_PROTOCOLS)


_SNMP: dict[str, dict[str, Any]] = {
    "snmp.any_source": {
        "type": "boolean",
        "on": _NETWORKED,
        "meaning": "answers may come from another address than was asked (a device of several addresses, VRRP)",
    },
    "snmp.auth_key": _text("version 3: the key of authentication, 8 characters or more", _NETWORKED),
    "snmp.auth_protocol": {
        "type": "choice",
        "choices": _auth_protocols,
        "on": _NETWORKED,
        "meaning": "version 3: how messages are authenticated: SHA-256",
    },
    "snmp.community": _text("for reading and for writing; without a write_community it is for both", _NETWORKED),
    "snmp.context": _text("version 3: the context", _NETWORKED),
    "snmp.host": _text("where the agent is; else the address of the device, else its name", _NETWORKED),
    "snmp.hosts": _text(_HOSTS, _NETWORKED, many=True),
    "snmp.max_octets": {
        "type": "integer",
        "low": 100,
        "high": 65507,
        "on": _NETWORKED,
        "meaning": "the largest message: 484",
    },
    "snmp.port": _port("the UDP port of the agent: 161", _NETWORKED),
    "snmp.priv_key": _text("version 3: the key of encryption, 8 characters or more", _NETWORKED),
    "snmp.priv_protocol": {
        "type": "choice",
        "choices": _priv_protocols,
        "on": _NETWORKED,
        "meaning": "version 3: how messages are encrypted: AES",
    },
    "snmp.retries": {
        "type": "integer",
        "low": 0,
        "high": 100,
        "on": _NETWORKED,
        "meaning": "how often a question is repeated before a device is given up: 4",
    },
    "snmp.timeout": _seconds("how long one attempt waits at most: 1", _NETWORKED),
    "snmp.user": _text("version 3: the user", _NETWORKED),
    "snmp.version": {
        "type": "choice",
        "choices": ["1", "2c", "3"],
        "on": _NETWORKED,
        "meaning": "the version of SNMP: 2c",
    },
    "snmp.window": {
        "type": "integer",
        "low": 1,
        "high": 1000,
        "on": _NETWORKED,
        "meaning": "requests under way to one device: 2",
    },
    "snmp.write_community": _text("the community for writing", _NETWORKED),
}
_POWER: dict[str, dict[str, Any]] = {
    "power.command": _text("a program of the site's own instead of SNMP, by its name in the configuration", _PDUS),
    "power.driver": {
        "type": "choice",
        "choices": ["snmp", "command"],
        "open": True,
        "on": _PDUS,
        "meaning": "how the PDU is spoken to: snmp, command, or an adapter of another package",
    },
    "power.profile": {
        "type": "choice",
        "choices": _power_profiles,
        "open": True,
        "on": _PDUS,
        "meaning": "the family of the PDU, where it should not be recognised: `apc-rpdu2`, `gude-epc/43`",
    },
    "power.settle": _seconds("with power.command: within how long the relay shows the change", _PDUS),
    "power.timeout": _seconds("with power.command: how long one run may take", _PDUS),
}
_BMC: dict[str, dict[str, Any]] = {
    "bmc.cipher_suite": {
        "type": "integer",
        "low": 0,
        "high": 255,
        "on": _MACHINES,
        "meaning": "IPMI: 17 on current controllers, 3 on old ones; without it ipmitool asks",
    },
    "bmc.efi": {
        "type": "boolean",
        "on": _MACHINES,
        "meaning": "the server boots by UEFI; IPMI means a BIOS without it, Redfish leaves it as it is",
    },
    "bmc.fingerprint": _text(
        "Redfish: the SHA-256 of the controller's own certificate, which is then believed alone",
        _MACHINES,
    ),
    "bmc.host": _text("the controller: an address or a name, either with :PORT, or https://HOST[:PORT]", _MACHINES),
    "bmc.hosts": _text(_HOSTS, _MACHINES, many=True),
    "bmc.password": _text("the password of the controller's user", _MACHINES),
    "bmc.port": _port("623 for IPMI, 443 for Redfish, where bmc.host has none", _MACHINES),
    "bmc.protocol": {
        "type": "choice",
        "choices": ["ipmi", "redfish"],
        "open": True,
        "on": _MACHINES,
        "meaning": "ipmi (the default), redfish, or an adapter of another package",
    },
    "bmc.settle": _seconds("within how long the controller shows a change: 60", _MACHINES),
    "bmc.system": _text(
        "Redfish, where a controller has several systems: an Id, a name, a UUID, a serial number", _MACHINES
    ),
    "bmc.timeout": _seconds("how long one answer may take: 20", _MACHINES),
    "bmc.user": _text("the controller's user", _MACHINES),
    "bmc.verify": {
        "type": "truth",
        "otherwise": "a file of certificates",
        "on": _MACHINES,
        "meaning": "Redfish: whose certificates are believed; the system's authorities without it",
    },
}
_CONSOLE: dict[str, dict[str, Any]] = {
    "console.base": {
        "type": "integer",
        "low": 0,
        "high": 65535,
        "on": _CONSOLES,
        "meaning": "what the TCP ports of the consoles begin at: 3000 in `3000+n`",
    },
    "console.cipher": _text("the cipher suite of IPMI's serial over LAN", _CONSOLES),
    "console.host": _text("where the console server is; else its address, else its name", _CONSOLES),
    "console.hosts": _text(_HOSTS, _CONSOLES, many=True),
    "console.method": _text("a method of the profile; else its first", _CONSOLES),
    "console.name": _text("on one port: the name that the server knows it by; else the machine's", _CONSOLES),
    "console.number": {
        "type": "integer",
        "low": 0,
        "high": 1000000,
        "on": _CONSOLES,
        "meaning": "on one port: the number that the server knows it by, where that is not the jack's",
    },
    "console.password": _text("typed at a password prompt, or given to ipmitool in its environment", _CONSOLES),
    "console.path": _text("a unix socket or a device file", _CONSOLES),
    "console.port": _port("on one port of the server: its TCP port; on the server: the one of all consoles", _CONSOLES),
    "console.profile": {
        "type": "choice",
        "choices": _console_profiles,
        "open": True,
        "on": _CONSOLES,
        "meaning": "how the console server is spoken to: a profile of clusto's, or one of your own",
    },
    "console.speed": _text("the speed of a serial line: `9600,8n1`", _CONSOLES),
    "console.uri": _text("libvirt's connection: `qemu+ssh://HYPERVISOR/system`", _CONSOLES),
    "console.user": _text("the user; without it ssh's own configuration says", _CONSOLES),
}
_REACHED = [*_SWITCHES, "LoadBalancer", "ConsoleServer", "ConsolePort", "Server", "VirtualServer", "SerialPort"]
_SSH: dict[str, dict[str, Any]] = {
    "ssh.enable_secret": _text("the password of a switch's privileged mode", _SWITCHES),
    "ssh.host": _text("where the sshd is, when not at the device's own address", _REACHED),
    "ssh.hosts": _text(_HOSTS, _REACHED, many=True),
    "ssh.identity": _text("a key file; without it and a password, an agent's keys and those in ~/.ssh", _REACHED),
    "ssh.known_hosts": _text("the file of known hosts", _REACHED),
    "ssh.legacy": {
        "type": "boolean",
        "on": _REACHED,
        "meaning": "equipment that speaks none but old algorithms over ssh (key exchange by SHA-1, ssh-rsa)",
    },
    "ssh.password": _text("the password of the login, for adapters that can give one", _REACHED),
    "ssh.port": _port("the TCP port of the sshd: 22", _REACHED),
    "ssh.timeout": _seconds("how long an answer may take: 10", _REACHED),
    "ssh.user": _text("the login", _REACHED),
}
_SWITCH: dict[str, dict[str, Any]] = {
    "switch.bridge": _text("the bridge, where a platform's lines name one (Open vSwitch, RouterOS)", _SWITCHES),
    "switch.profile": {
        "type": "choice",
        "choices": _switch_profiles,
        "on": _SWITCHES,
        "meaning": "the platform of the switch, where it should not be recognised",
    },
    "switch.via": {
        "type": "choice",
        "choices": ["snmp", "ssh"],
        "on": _SWITCHES,
        "meaning": "how the switch is spoken to, where both ways are open",
    },
}
_BALANCER: dict[str, dict[str, Any]] = {
    "balancer.address": _text("on a member: the address that requests go to, where that is not its own", _MACHINES),
    "balancer.backend": _text(
        "what the balancer calls the pool, where that is not the Pool's name (HAProxy's backend, nginx's upstream)",
        [*_BALANCED, "Vip", "Pool"],
    ),
    "balancer.check": {
        "type": "boolean",
        "on": _BALANCED,
        "meaning": "HAProxy: servers that are added are checked; true without it",
    },
    "balancer.check_command": _text("what finds the configuration right, by its name in the configuration", _BALANCED),
    "balancer.command": _text("a program of the site's own, by its name in the configuration", _BALANCED),
    "balancer.config": _text(
        "the configuration that the balancer starts with, which is checked: /etc/haproxy/haproxy.cfg", _BALANCED
    ),
    "balancer.driver": {
        "type": "choice",
        "choices": ["haproxy", "ipvs", "nginx", "command"],
        "open": True,
        "on": _BALANCED,
        "meaning": "how the balancer is spoken to: haproxy, ipvs, nginx, command, or an adapter of another package",
    },
    "balancer.file": _text(
        "the file in which members are kept in step, between two marks", [*_BALANCED, "Vip", "Pool"]
    ),
    "balancer.forwarding": {
        "type": "choice",
        "choices": ["gateway", "masquerade", "tunnel"],
        "on": _BALANCED,
        "meaning": "IPVS: how packets reach members: gateway",
    },
    "balancer.protocol": {
        "type": "choice",
        "choices": ["tcp", "udp"],
        "on": [*_BALANCED, "Vip", "Pool"],
        "meaning": "IPVS: the protocol of the virtual service: tcp",
    },
    "balancer.reload": {
        "type": "boolean",
        "on": _BALANCED,
        "meaning": "a configuration that was written is used at once; HAProxy does without it, keepalived does so",
    },
    "balancer.reload_command": _text("what has the configuration used, by its name in the configuration", _BALANCED),
    "balancer.socket": _text("HAProxy's runtime socket: the path of a unix socket, or HOST:PORT", _BALANCED),
    "balancer.timeout": _seconds("how long one answer of a balancer may take: 10", _BALANCED),
    "balancer.via": {
        "type": "choice",
        "choices": ["local", "ssh"],
        "on": _BALANCED,
        "meaning": "where its socket, files and programs are: on this computer (local), or on the balancer, by ssh",
    },
    "balancer.weight": {
        "type": "integer",
        "low": 0,
        "high": 256,
        "on": [*_MACHINES, "Pool"],
        "meaning": "on a member or a Pool: its share of the requests, beside those of others: 1",
    },
}
_BOOT_SERVER: dict[str, dict[str, Any]] = {
    "cobbler.hosts": _text(_HOSTS, _MACHINES, many=True),
    "cobbler.password": _text("the password of Cobbler's user", _MACHINES),
    "cobbler.profile": _text("Cobbler's profile for the machine, where it is not the system's own already", _MACHINES),
    "cobbler.timeout": _seconds("how long an answer of Cobbler may take: 60", _MACHINES),
    "cobbler.url": _text("Cobbler as the boot server: `https://cobbler.example/cobbler_api`", _MACHINES),
    "cobbler.user": _text("Cobbler's user", _MACHINES),
    "cobbler.verify": {
        "type": "truth",
        "otherwise": "a file of certificates",
        "on": _MACHINES,
        "meaning": "whose certificates are believed; the system's authorities without it",
    },
    "rebuild.command": _text(
        "a program of the site's own as the boot server, by its name in the configuration", _MACHINES
    ),
    "rebuild.command_timeout": _seconds("how long it may take: 60", _MACHINES),
    "rebuild.dir": _text("the boot directory: a path, or `sftp://[user@]host[:port]/path`", _MACHINES),
    "rebuild.provisioner": {
        "type": "choice",
        "choices": ["directory", "sftp", "cobbler", "command"],
        "open": True,
        "on": _MACHINES,
        "meaning": "which boot server, where more than one is set; or one of another package",
    },
    "rebuild.answers": {
        "type": "choice",
        "choices": ["address", "token"],
        "on": _MACHINES,
        "meaning": "by what a machine gets its answers",
    },
    "rebuild.loaders": _text("which boot files are written: `pxelinux ipxe grub`", _MACHINES),
    "rebuild.local_boot": {
        "type": "choice",
        "choices": ["next", "disk"],
        "on": _MACHINES,
        "meaning": "how a machine goes on with its disk: what its firmware boots next, or its first disk",
    },
    "rebuild.url": _text(
        "what machines reach `clusto rebuild serve` or a web server by: `http://192.0.2.1:8080`", _MACHINES
    ),
}

KEYS: Mapping[str, Mapping[str, Any]] = _SNMP | _POWER | _BMC | _CONSOLE | _SSH | _SWITCH | _BALANCER | _BOOT_SERVER

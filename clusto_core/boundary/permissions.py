"""What the operator's configuration lets attributes cause: the tables `[commands]`, `[secrets]`, `[devices]` and
`[exports]`.

Many people and programs write attributes, and the operator alone this file. It is read when something asks for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from clusto_core import config
from clusto_core.errors import Malformed, Refused
from clusto_core.tuples import NamedTuple

COMMAND_NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}"
KEYRING = "clusto"
"""The service in the desktop's keyring whose entries `secret:NAME` may be."""
REQUIREMENTS = ("snmpv3", "tls")
"""What `[devices] require` may ask for: no SNMP 1 or 2c; no unverified or unencrypted way for a password."""
EXPORTS = ("ansible", "dnsmasq", "genders", "powerman")
"""The formats of export whose programs obey what some attributes say."""
_TABLES = ("commands", "devices", "exports", "secrets")
_KNOWN = {
    "exports": EXPORTS,
    "secrets": ("env", "files", "helper", "hosts", "keyring"),
    "devices": ("networks", "paths", "require"),
}
_SYSTEM = "/etc/clusto"
_NONE: Mapping[str, tuple[str, ...]] = MappingProxyType({})


class Line(NamedTuple):
    """One thing that is allowed or required; value: a command's argument list, a secret's networks, the keys of an
    export. always: nobody has to write it."""

    kind: str
    name: str
    value: tuple[str, ...] = ()
    always: bool = False


class Permissions(NamedTuple):
    """What is allowed besides what always is.

    commands: argument lists by the names that attributes call them by. env: names of environment variables, with `*`.
    files: files and folders that `file:` may read. helper: the program that is asked for `secret:NAME`, an argument
    list with `{name}`. hosts: where a secret may be sent, by its reference. networks: where every credential may be
    sent: blocks, addresses, domains, host names with `*`. paths: files and folders of this computer that attributes
    may name. require: of REQUIREMENTS. exports: by format, of EXPORTS, the keys of attributes that its program may
    obey, `*` for all.
    """

    path: str
    commands: Mapping[str, tuple[str, ...]] = _NONE
    env: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    helper: tuple[str, ...] = ()
    keyring: bool = True
    hosts: Mapping[str, tuple[str, ...]] = _NONE
    networks: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    require: frozenset[str] = frozenset()
    exports: Mapping[str, tuple[str, ...]] = _NONE

    @property
    def secret_folders(self) -> tuple[str, ...]:
        """The user's and the system's folder of secrets: `secret:NAME` is a file there, and `file:` reads them."""
        return (os.path.join(os.path.dirname(self.path) or ".", "secrets"), f"{_SYSTEM}/secrets")

    def lines(self) -> Iterator[Line]:
        """All that is allowed or required, what always is first of its kind."""
        yield from (Line("command", name, argv) for name, argv in self.commands.items())
        yield Line("env", "CLUSTO_*", always=True)
        yield from (Line("env", name) for name in self.env)
        yield from (Line("file", folder, always=True) for folder in self.secret_folders)
        yield from (Line("file", path) for path in self.files)
        if self.helper:
            yield Line("helper", os.path.basename(self.helper[0]), self.helper)
        if self.keyring:
            yield Line("keyring", KEYRING, always=True)
        yield from (Line("secret", reference, networks) for reference, networks in self.hosts.items())
        yield from (Line("network", network) for network in self.networks)
        yield from (Line("path", path) for path in self.paths)
        yield from (Line("export", name, keys) for name, keys in self.exports.items() if keys)
        yield from (Line("requirement", word) for word in sorted(self.require))

    def command(self, key: str, name: str, owner: str) -> tuple[str, ...]:
        """The argument list that an attribute's value names. Raises Refused, saying how it is allowed."""
        if name in self.commands:
            return self.commands[name]
        if re.fullmatch(COMMAND_NAME, name):
            raise Refused(
                f"{key} of {owner} names the command {name}, which {self.path} does not define "
                f"(clusto config allow command {name} -- PROGRAM ARGUMENT...)"
            )
        raise Refused(
            f"{key} of {owner} is a command line, and no attribute runs a program: define a command by "
            f"clusto config allow command NAME -- PROGRAM ARGUMENT..., and set {key} to NAME"
        )


_TRUST = (
    "/etc/ssl",
    "/etc/pki",
    "/etc/ca-certificates",
    "/usr/share/ca-certificates",
    "/usr/local/share/ca-certificates",
)
_BALANCERS = ("/etc/haproxy", "/etc/nginx", "/etc/keepalived")
_ALLOWED_PATHS: Mapping[str, tuple[str, ...]] = {
    "balancer.config": _BALANCERS,
    "balancer.file": _BALANCERS,
    "balancer.socket": ("/run/haproxy", "/var/lib/haproxy"),
    "bmc.verify": _TRUST,
    "cobbler.verify": _TRUST,
    "console.path": ("/dev/tty*", "/dev/serial", "/dev/pts", "/run/libvirt", "/run/qemu", "/var/lib/libvirt"),
    "rebuild.dir": ("/srv", "/tftpboot", "/var/lib/tftpboot", "/var/lib/clusto", "/var/tftpboot", "/var/www"),
    "ssh.identity": ("~/.ssh",),
    "ssh.known_hosts": ("~/.ssh", "/etc/ssh"),
}
"""The keys whose value is a path of this computer, and where it may be without a word in the configuration."""
PATHS = frozenset(_ALLOWED_PATHS)

INSECURE = {
    "snmp-clear": "snmpv3",
    "http-clear": "tls",
    "unverified": "tls",
    "telnet-clear": "tls",
    "boot-token": None,
}
"""The ways that do not keep a secret, and the requirement that forbids each; None where there is no other way."""


def within(real: str, folder: str) -> bool:
    """Whether a path without symbolic links is a folder, or below it; a folder that ends in `*` is a beginning."""
    if folder.endswith("*"):
        return real.startswith(folder[:-1])
    root = os.path.realpath(os.path.expanduser(folder))
    return real == root or real.startswith(root.rstrip("/") + "/")


def local_path(key: str, path: str, owner: str) -> str:
    """A path that an attribute names, `~` expanded. The configuration is read only where it is none that may always be.
    Raises Refused for one that nothing allows."""
    expanded = os.path.expanduser(path)
    real = os.path.realpath(expanded)
    always = (*_ALLOWED_PATHS[key], os.path.dirname(config.file_in_force()), _SYSTEM)
    if any(within(real, folder) for folder in always) or any(within(real, folder) for folder in in_force().paths):
        return expanded
    raise Refused(
        f"{key} of {owner} names {path[:80]!a} of this computer, which nothing allows "
        f"(clusto config allow path {path[:200]})"
    )


def in_force() -> Permissions:
    """What the configuration of this process says now; nothing where there is none. Raises as `config.section`, and
    Refused for a file that anybody may write."""
    path = config.file_in_force()
    status = believed(path)
    return _parsed(path, (status.st_mtime_ns, status.st_size, status.st_ino) if status is not None else None)


def believed(path: str) -> os.stat_result | None:
    """The status of a configuration file; None where there is none. Raises Refused for one that anybody may write."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    if status.st_mode & 0o002:
        raise Refused(f"anybody may write {path}, which says what clusto may do (chmod o-w {path})")
    return status


@lru_cache(4)
def _parsed(path: str, version: tuple[int, int, int] | None) -> Permissions:
    return parse(config.sections(_TABLES, path) if version is not None else {}, path)


def parse(document: Mapping[str, Any], path: str) -> Permissions:
    """The permissions in the tables of a TOML document. Raises Malformed, naming what is wrong."""
    secrets, devices, exports = (_table(document, name, path) for name in ("secrets", "devices", "exports"))
    commands = _table(document, "commands", path)
    require = _texts(devices, "require", "devices.require", path)
    for word in require:
        if word not in REQUIREMENTS:
            raise Malformed(f"{path}: devices.require knows {' and '.join(REQUIREMENTS)}, not {word!r}")
    keyring = secrets.get("keyring", True)
    if not isinstance(keyring, bool):
        raise Malformed(f"{path}: secrets.keyring is true or false")
    hosts = secrets.get("hosts", {})
    if not isinstance(hosts, dict):
        raise Malformed(f'{path}: secrets.hosts is a table: "secret:NAME" = ["10.0.0.0/8"]')
    return Permissions(
        path=path,
        commands={name: _command(commands, name, path) for name in commands},
        env=_texts(secrets, "env", "secrets.env", path),
        files=_texts(secrets, "files", "secrets.files", path),
        helper=_texts(secrets, "helper", "secrets.helper", path),
        keyring=keyring,
        hosts={name: _texts(hosts, name, f"secrets.hosts.{name}", path) for name in hosts},
        networks=_texts(devices, "networks", "devices.networks", path),
        paths=_texts(devices, "paths", "devices.paths", path),
        require=frozenset(require),
        exports={name: _texts(exports, name, f"exports.{name}", path) for name in exports},
    )


def _table(document: Mapping[str, Any], name: str, path: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = document.get(name, {})
    unknown = sorted(set(table) - set(_KNOWN.get(name, table)))
    if unknown:
        raise Malformed(f"unknown setting in {path}: {name}.{unknown[0]} (known: {', '.join(_KNOWN[name])})")
    return table


def _command(commands: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    argv = _texts(commands, name, f"commands.{name}", path)
    if not argv or not re.fullmatch(COMMAND_NAME, name):
        raise Malformed(
            f'{path}: commands.{name} is a name and an argument list: NAME = ["/path/program", "{{outlet}}"]'
        )
    return argv


def _texts(table: Mapping[str, Any], key: str, spelled: str, path: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise Malformed(f'{path}: {spelled} is a list of texts: ["..."]')
    return tuple(found)


def insecure(kind: str, words: str, remedy: str) -> None:
    """A way is about to be taken that does not keep a secret; `kind` is one of INSECURE. Raises Refused where the
    configuration forbids it."""
    permissions = in_force()
    if INSECURE[kind] in permissions.require:
        raise Refused(f'{words}, and {permissions.path} requires "{INSECURE[kind]}": {remedy}')
    if config.tell_insecure is not None:
        config.tell_insecure(kind, f"{words}: {remedy}")

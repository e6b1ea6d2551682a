"""Platforms of switches as data: one TOML file each, in profiles/switch/ beside the adapters.

A profile says how the platform is recognised, which way of speaking to it is preferred, and the meaning of each way:
tables and orders of SETs for SNMP; commands, how their answers are read and what a rejection looks like for ssh.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

_Rules = TypeVar("_Rules")
_FOLDER = Path(__file__).parent.parent / "profiles" / "switch"


@dataclass(frozen=True)
class Answer:
    """A line to send, and the pattern of a question that it ends in instead of the prompt."""

    line: str
    expect: str = ""


@dataclass(frozen=True)
class ReadRules:
    """How a platform's answers say what a port is: regular expressions, matched per line (`^`, `$`).

    `port` are the commands for one port, `all` those for every port, whose answer is cut into blocks that begin where
    `block` matches (group `port`); names that match `virtual` are no ports. `more` are asked besides for ports of a
    mode whose VLANs the first answer does not tell. `{port}` in a pattern stands for the port's name, `{vlans}` for a
    list of VLANs that may run on over lines. `mode`, and `oper` where the mode found is one of `modes.dynamic`, find
    the text that `modes` maps to access, trunk, hybrid, tunnel, unknown or routed, in this order; without `mode`,
    tagged membership makes a hybrid. `access` finds the VLAN of an access or tunnel port (`default_vlan` when there is
    none), `native` and `allowed` (`default_allowed`) those of a trunk, `pvid`, `untagged` and `tagged` the membership
    of any port. With `native_listed` the native VLAN is untagged only if it is also in the list; what matches
    `native_tagged` has it tagged. `vlan_off` finds VLANs (groups `id`, `state`) whose frames are not passed on.
    """

    port: tuple[str, ...] = ()
    all: tuple[str, ...] = ()
    block: str = ""
    virtual: str = ""
    more: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    form: Literal["text", "ovs", "bridge"] = "text"
    exists: str = ""
    mode: str = ""
    oper: str = ""
    modes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    default_mode: str = "unknown"
    access: str = ""
    default_vlan: int | None = None
    native: str = ""
    native_listed: bool = False
    native_tagged: str = ""
    allowed: str = ""
    default_allowed: str | None = None
    pvid: str = ""
    untagged: str = ""
    tagged: str = ""
    voice: str = ""
    lag: str = ""
    link: str = ""
    description: str = ""
    vlans: tuple[str, ...] = ()
    vlan: str = ""
    vlan_off: str = ""


@dataclass(frozen=True)
class WriteRules:
    """The lines of a change. Placeholders: {port} {vlan} {name} {old_vlan} {old_name} {bridge}.

    `leave` is sent for each VLAN that the port is untagged in and leaves (the default VLAN 1 only with
    `leave_default`), `leave_tagged` for each it is tagged in, `from_trunk` when it is no access port, all before
    `access`, or after it with `leave_last`. `modes` are the lines that give back the mode with that note.
    `commit` ends a change on platforms where nothing happens before, `abort` throws it away.
    """

    access: tuple[str, ...] = ()
    leave: tuple[str, ...] = ()
    leave_tagged: tuple[str, ...] = ()
    from_trunk: tuple[str, ...] = ()
    leave_default: bool = True
    leave_last: bool = False
    modes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    create: tuple[str, ...] = ()
    create_exec: bool = False
    drop: tuple[str, ...] = ()
    commit: tuple[str, ...] = ()
    abort: tuple[str, ...] = ()
    save: tuple[Answer, ...] = ()


@dataclass(frozen=True)
class TableRules:
    """A listing: the commands, and the pattern of a row with named groups.

    Where an entry takes many lines, `section` begins the part of a port (group `port`), `record` each neighbour's
    within it, and `fields` are the patterns of what it says. A line that matches `mark` is one of an entry; what looks
    so and is in none is told, unless it matches `ignore`.
    """

    commands: tuple[str, ...] = ()
    row: str = ""
    section: str = ""
    record: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    mark: str = ""
    ignore: str = ""

    @property
    def known(self) -> bool:
        """Whether the platform has such a listing."""
        return bool(self.row or self.fields)


@dataclass(frozen=True)
class SshRules:
    """What a platform understands over ssh. `driver` is Netmiko's device type, or `system` for one command a call.

    `enter` and `leave` are the lines into configuration mode and out of it from anywhere within, empty where there is
    none; `entered` is what its prompt shows, where the prompt's last line is the same. `interfaces` lists all that has
    a socket, in VLANs or not, with descriptions. `legacy`: all of this platform speak none but old algorithms.
    `experimental` says what about it nobody has verified.
    """

    driver: str
    failures: tuple[str, ...]
    read: ReadRules
    write: WriteRules
    enable: bool = False
    enter: str = ""
    leave: str = ""
    entered: str = ""
    vlan_min: int = 1
    vlan_max: int = 4094
    named_vlans: bool = False
    experimental: str = ""
    legacy: bool = False
    lldp: TableRules = field(default_factory=TableRules)
    fdb: TableRules = field(default_factory=TableRules)
    interfaces: TableRules = field(default_factory=TableRules)


@dataclass(frozen=True)
class SnmpRules:
    """How a platform is read and written over SNMP.

    `membership` names the tables that say who is in a VLAN; `orders` the ways of moving a port, the likeliest first,
    empty for what cannot be written, when `why_not` says why. `save` names the way of saving.
    """

    membership: Literal["qbridge", "vmvlan", "delln", "ciscosb", "foundry", "exos", "comware"] = "qbridge"
    orders: tuple[str, ...] = ()
    why_not: str = ""
    experimental: str = ""
    save: str = ""
    vlan_context: bool = False
    keep_vlans: tuple[int, ...] = ()


@dataclass(frozen=True)
class Profile:
    """One platform; `sources` says where its facts are from.

    It is recognised by a prefix in `sysobjectid`. Where other platforms are below that prefix, it also takes `sysdescr`
    to be found in sysDescr, or one of the subtrees in `answers` to have rows.
    """

    name: str
    title: str
    sysobjectid: tuple[str, ...] = ()
    sysdescr: str = ""
    answers: tuple[str, ...] = ()
    prefer: Literal["snmp", "ssh"] = "ssh"
    sources: tuple[str, ...] = ()
    ssh: SshRules | None = None
    snmp: SnmpRules | None = None


@cache
def names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("*.toml")))


@cache
def load(name: str) -> Profile:
    """The profile of that name. KeyError when there is none; ValueError when its file is not a good profile."""
    path = _FOLDER / f"{name}.toml"
    if name not in names():
        raise KeyError(name)
    return parse(name, path.read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Profile:
    """A profile from the text of its file. ValueError names what is wrong in it."""
    try:
        data = tomllib.loads(text)
        ssh, snmp = data.pop("ssh", None), data.pop("snmp", None)
        return Profile(
            name=name,
            ssh=_ssh(ssh) if ssh is not None else None,
            snmp=_make(SnmpRules, snmp) if snmp is not None else None,
            **_settings(Profile, data),
        )
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise ValueError(f"switch profile {name}: {error}") from error


def telling(sysobjectid: str) -> tuple[str, ...]:
    """The subtrees whose rows tell platforms apart that are below the same prefix."""
    return tuple(dict.fromkeys(subtree for profile, _ in _below(sysobjectid) for subtree in profile.answers))


def recognise(sysobjectid: str, sysdescr: str = "", answering: Collection[str] = ()) -> str:
    """The name of the profile whose sysObjectID is the longest prefix of this one; empty when there is none.

    `answering` are the subtrees of `telling` that have rows. Among several of the same length, one that takes more than
    its prefix to be recognised wins over one that does not.
    """
    best, rank = "", (0, False)
    for profile, length in _below(sysobjectid):
        special = bool(profile.sysdescr or profile.answers)
        if (length, special) > rank and (not special or _evident(profile, sysdescr, answering)):
            best, rank = profile.name, (length, special)
    return best


def _below(sysobjectid: str) -> list[tuple[Profile, int]]:
    """The profiles with a prefix of this sysObjectID, and how long it is."""
    found = []
    for profile in map(load, names()):
        fitting = [len(prefix) for prefix in profile.sysobjectid if f"{sysobjectid}.".startswith(f"{prefix}.")]
        if fitting:
            found.append((profile, max(fitting)))
    return found


def _evident(profile: Profile, sysdescr: str, answering: Collection[str]) -> bool:
    import re

    described = bool(profile.sysdescr) and re.search(profile.sysdescr, sysdescr) is not None
    return described or any(subtree in answering for subtree in profile.answers)


def _ssh(data: dict[str, Any]) -> SshRules:
    read, write = dict(data.pop("read", {})), dict(data.pop("write", {}))
    modes = {mode: _strings(patterns) for mode, patterns in read.pop("modes", {}).items()}
    given = {note: _strings(lines) for note, lines in write.pop("modes", {}).items()}
    save = tuple(Answer(**item) if isinstance(item, dict) else Answer(item) for item in write.pop("save", ()))
    more = {mode: _strings(commands) for mode, commands in read.pop("more", {}).items()}
    tables: dict[str, Any] = {key: _make(TableRules, data.pop(key, {})) for key in ("lldp", "fdb", "interfaces")}
    return SshRules(
        read=ReadRules(modes=modes, more=more, **_settings(ReadRules, read)),
        write=WriteRules(modes=given, save=save, **_settings(WriteRules, write)),
        **tables,
        **_settings(SshRules, data),
    )


def _make(kind: type[_Rules], data: dict[str, Any]) -> _Rules:
    return kind(**_settings(kind, data))


def _settings(kind: Any, data: Mapping[str, Any]) -> dict[str, Any]:
    known = {one.name for one in fields(kind)}
    if unknown := sorted(set(data) - known):
        raise TypeError(f"{kind.__name__} has no {', '.join(unknown)}")
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _strings(value: str | list[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)

"""Which serial port is a machine's console, and by which way: through the wiring, else without any cable."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from clusto_core.answers.devicesettings import ADDRESS, DeviceSettings, own_settings, reached
from clusto_core.answers.location import panels
from clusto_core.drivers.equipment import ConsoleServer, Server, VirtualServer
from clusto_core.drivers.parts import ConsolePort, SerialPort
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.model.attributes import Key
from clusto_core.model.things import Thing, in_order
from clusto_core.store.reader import Reader

CABLE = "cable"
DIRECT = "direct"
CONTROLLER = "controller"
HYPERVISOR = "hypervisor"

GROUPS = ("console", "ssh", "bmc")
"""The first words of the settings that matter: `console.profile`, `ssh.user`, `bmc.host`."""
_LABEL = Key("label")


@dataclass(frozen=True)
class ConsoleWay:
    """One way to the console of a Thing.

    kind: by a `cable` to a console server; `direct`, as its own `console.profile` says; by the serial over LAN of its
    management `controller`; by its `hypervisor`. device: the console server or hypervisor; port: the console server's
    port. path: the parts from the machine to the port, patch panels included. profile: None where the settings name
    none. number, label: what the device calls the port. settings: those in force, `console.user`..., with what they
    refer to (`env:NAME`) read when they are used. own: those of the port itself. why: why it is not the cable.
    """

    thing: Thing
    kind: str
    host: str
    profile: str | None
    device: Thing | None = None
    port: Thing | None = None
    path: tuple[Thing, ...] = ()
    via: tuple[str, ...] = ()
    number: int | None = None
    label: str | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    why: str = ""

    @property
    def words(self) -> str:
        """`port 12 on cs1`, `port 12 on cs1 by way of pp3:7`, `serial over LAN of its management controller`..."""
        if self.port is not None:
            return self.port.place + (f" by way of {', '.join(self.via)}" if self.via else "")
        if self.kind == CONTROLLER:
            return f"serial over LAN of its management controller {self.host}"
        if self.kind == HYPERVISOR and self.device is not None:
            return f"its hypervisor {self.device.name}"
        return f"{self.profile} as it is set on {self.thing.name}"


def console_of(reader: Reader, thing: Thing, *, prefer: str | None = None) -> ConsoleWay:
    """The way to a console: the cable of a machine, or of one serial port of it; or a port of a console server.

    Without a usable cable, the Thing's own `console.profile`, its management controller, then its hypervisor.
    `prefer` asks for one kind of way. Raises Refused where there is none, saying what was looked for, and Malformed
    for a machine that has several consoles.
    """
    if thing.is_a(ConsolePort):
        return _port(reader, thing, *_machine_behind(reader, thing))
    if thing.is_part and not thing.is_a(SerialPort):
        raise Malformed(f"{thing.name} is not a console: name the machine, its serial port, or a console server's port")
    missing: list[str] = []
    if prefer in (None, CABLE):
        cables, reasons = _cables(reader, thing)
        missing += reasons
        if len(cables) > 1:
            names = ", ".join(path[0].name for path in cables)
            raise Malformed(f"{thing.name} has several consoles: name one of {names}")
        for path in cables:
            return _port(reader, path[-1], reader.by_ids([thing.entity_id])[thing.entity_id], tuple(path))
    whole = reader.by_ids([thing.entity_id])[thing.entity_id]
    for kind, find in ((DIRECT, _direct), (CONTROLLER, _controller), (HYPERVISOR, _hypervisor)):
        if prefer in (None, kind):
            found = find(reader, whole, ", ".join(filter(None, missing)))
            if isinstance(found, ConsoleWay):
                return found
            missing.append(found)
    raise Refused(f"{thing.name} has no console: {', '.join(filter(None, missing))}")


def ports_of(reader: Reader, server: Thing) -> list[tuple[Thing, Thing | None]]:
    """The ports of a console server, in order, each with the part at the other end of its cable, as far as known.

    Raises Malformed for anything else than a console server.
    """
    if server.is_part or not server.is_a(ConsoleServer):
        raise Malformed(f"{server.name} is not a console server")
    ends = {link.part.id: link.end for link in reader.links(server.id) if link.part is not None}
    return [(part, ends.get(part.id)) for part in reader.parts(server.id) if part.is_a(ConsolePort)]


def server_way(reader: Reader, server: Thing) -> ConsoleWay:
    """The way to a console server as a whole: to ask it about its ports."""
    settings, host = _reached(reader, server)
    return ConsoleWay(server, CABLE, host, settings.get("console.profile"), device=server, settings=settings)


def _cables(reader: Reader, thing: Thing) -> tuple[list[list[Thing]], list[str]]:
    """The paths from serial ports of a machine, or from the one given, to console servers; and why others are none."""
    serial = [thing] if thing.is_part else [part for part in reader.parts(thing.id) if part.is_a(SerialPort)]
    linked = {link.part.id: link for link in reader.links_of_parts(*(part.id for part in serial)) if link.part}
    paths, reasons = [], []
    for part in in_order(serial):
        link = linked.get(part.id)
        if link is None:
            continue
        path = reader.trace(part)
        if path[-1].is_a(ConsolePort):
            paths.append(path)
        else:
            reasons.append(f"the cable of {part.name} ends at {path[-1].name}")
    return paths, reasons or ([] if paths else ["no serial cable"])


def _machine_behind(reader: Reader, port: Thing) -> tuple[Thing, tuple[Thing, ...]]:
    """What a console server's port is wired to, the port itself where that is nothing, and the path from there."""
    path = reader.trace(port)
    if len(path) == 1:
        return port, (port,)
    end = path[-1]
    return reader.by_ids([end.entity_id])[end.entity_id], tuple(reversed(path))


def _port(reader: Reader, port: Thing, machine: Thing, path: tuple[Thing, ...]) -> ConsoleWay:
    server = reader.by_ids([port.entity_id])[port.entity_id]
    own = _own_settings(reader, port)
    of_server, host = _reached(reader, server)
    settings = own.over(of_server)
    label = next((each.value.text for each in reader.attributes(port.id) if each.key == _LABEL), None)
    return ConsoleWay(
        thing=machine,
        kind=CABLE,
        host=own.get("console.host") or host,
        profile=settings.get("console.profile"),
        device=server,
        port=port,
        path=path,
        via=tuple(panels(reader, list(path))),
        number=_number(own, port),
        label=own.get("console.name") or label,
        settings=settings,
        own=own,
    )


def _number(own: Mapping[str, str], port: Thing) -> int | None:
    """The port's number as its device counts: Cisco's lines are not numbered as the jacks are."""
    text = own.get("console.number")
    return port.number if text is None else int(text)


def _direct(reader: Reader, thing: Thing, why: str) -> ConsoleWay | str:
    """A console that the Thing itself describes: a hypervisor's socket, a serial port of this machine."""
    own = _own_settings(reader, thing)
    profile = own.get("console.profile")
    if profile is None or thing.is_a(ConsoleServer):
        return ""
    settings, host = _reached(reader, thing)
    number = own.get("console.number")
    return ConsoleWay(
        thing,
        DIRECT,
        host,
        profile,
        number=int(number) if number else None,
        label=own.get("console.name"),
        settings=settings,
        own=own,
        why=why,
    )


def _controller(reader: Reader, thing: Thing, why: str) -> ConsoleWay | str:
    settings, _ = _reached(reader, thing)
    host = settings.get("bmc.host")
    if host is None:
        return "no management controller (bmc.host is not set)"
    return ConsoleWay(thing, CONTROLLER, host, "ipmi-sol", settings=settings, why=why)


def _hypervisor(reader: Reader, thing: Thing, why: str) -> ConsoleWay | str:
    if not thing.is_a(VirtualServer):
        return ""
    for parent in reader.parents(thing.id):
        if parent.is_a(Server):
            # What is set on the site for its console servers says nothing about virtual machines.
            settings = _own_settings(reader, thing).over(_own_settings(reader, parent))
            at = reached(reader, [parent], GROUPS)[parent.id]
            settings = settings.over(at.settings.picked("console.host", ADDRESS))
            host = settings.get("console.host") or at.address
            source = "console.host" if "console.host" in settings else ADDRESS
            settings = settings.derived("console.uri", f"qemu+ssh://{host}/system", source)
            profile = settings.get("console.profile") or "libvirt"
            return ConsoleWay(thing, HYPERVISOR, host, profile, device=parent, settings=settings, why=why)
    return "no hypervisor (it is in no Server)"


def _reached(reader: Reader, thing: Thing) -> tuple[DeviceSettings, str]:
    """The settings in force for a device, and where it is."""
    device = reached(reader, [thing], GROUPS)[thing.id]
    return device.settings, device.settings.get("console.host") or device.address


def _own_settings(reader: Reader, thing: Thing) -> DeviceSettings:
    """The settings that a Thing or part has itself."""
    return own_settings(reader, thing, GROUPS)


def check_reachable(way: ConsoleWay) -> str:
    """The profile that a way needs. Raises NotFound, with what to do, where none is set."""
    if way.profile is None:
        where = way.device.name if way.device is not None else way.thing.name
        raise NotFound(f"{where} has no console.profile (clusto attr set console.profile opengear -t {where})")
    return way.profile

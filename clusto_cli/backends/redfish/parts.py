"""What a machine consists of, read out of a Redfish service: the schemas ComputerSystem, Processor, Memory, Storage,
Drive, SimpleStorage, NetworkAdapter, Port (before: NetworkPort), NetworkDeviceFunction, EthernetInterface and Manager
of DSP0268, and HPE's SmartStorage.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from clusto_cli.backends.machine import Card, CardPort, Disk, Facts, Module, Processor, macs_of, shortened
from clusto_cli.backends.redfish.document import Document, listing, mapping, text, texts
from clusto_cli.backends.redfish.tree import Tree

_MIB, _GB, _GIB_MIB = 1 << 20, 10**9, 1024
_LARGEST = 1 << 60
_HOST_SIDE = re.compile(r"(?i)usb|host")
"""Interfaces of controllers that lead into their own machine."""
_BARE = re.compile(r"[0-9]{1,3}|(?i:port[-_ ]?[0-9]{1,2})")
"""What ports are called that say nothing without their card."""


async def facts_of(tree: Tree, system: Document) -> Facts:
    """All of it; what could not be read is in the tree's `unread`."""
    modules = [module async for each in tree.each(system.get("Memory")) if (module := _module(each)) is not None]
    processors = [cpu async for each in tree.each(system.get("Processors")) if (cpu := _processor(each)) is not None]
    disks = await _disks(tree, system)
    cards = await _cards(tree, system)
    manager = await manager_of(tree, system)
    summary = mapping(system.get("MemorySummary")).get("TotalSystemMemoryGiB")
    total = sum(module.mib or 0 for module in modules) or _whole(summary, _GIB_MIB)
    return Facts(
        vendor=_text(system, "Manufacturer"),
        model=_text(system, "Model"),
        serial=serial_of(system),
        asset=_text(system, "AssetTag"),
        uuid=_text(system, "UUID"),
        bios=_text(system, "BiosVersion"),
        firmware=_text(manager, "FirmwareVersion"),
        mib=total,
        processors=tuple(processors),
        modules=tuple(modules),
        disks=tuple(disks),
        cards=tuple(cards),
        bmc_macs=await _controller_macs(tree, manager),
        unread=tuple(dict.fromkeys(tree.unread)),
    )


def serial_of(system: Document) -> str | None:
    """The serial number on the machine's label: Dell has its service tag under SKU, and the board's own number, which
    nobody sees, under SerialNumber.
    """
    dell = (text(system.get("Manufacturer")) or "").startswith("Dell")
    return (_text(system, "SKU") if dell else None) or _text(system, "SerialNumber")


async def manager_of(tree: Tree, system: Document) -> Document:
    """The controller that the system says it is managed by, or the first that there is."""
    named = listing(mapping(system.get("Links")).get("ManagedBy"))
    if named:
        return await tree.get(named[0])
    async for each in tree.each({"@odata.id": "/redfish/v1/Managers"}):
        return each
    return {}


async def chassis_of(tree: Tree, system: Document) -> list[Document]:
    """What the system stands in."""
    return [each for link in listing(mapping(system.get("Links")).get("Chassis")) if (each := await tree.get(link))]


def absent(resource: Document) -> bool:
    """Whether a socket, slot or bay is empty (Resource.Status)."""
    return mapping(resource.get("Status")).get("State") == "Absent"


def _processor(said: Document) -> Processor | None:
    kind = text(said.get("ProcessorType")) or "CPU"
    if absent(said) or kind != "CPU":
        return None
    cores, threads = _whole(said.get("TotalCores")), _whole(said.get("TotalThreads"))
    slot = _text(said, "Socket", "Id", "Name") or ""
    return Processor(slot, _text(said, "Model"), cores, threads, _text(said, "SerialNumber"))


def _module(said: Document) -> Module | None:
    # SizeMB: HPE's iLO 4.
    mib = _whole(said.get("CapacityMiB")) or _whole(said.get("SizeMB"))
    if absent(said) or not mib:
        return None
    slot = _text(said, "DeviceLocator", "Id", "SocketLocator", "Name") or ""
    return Module(slot, mib, _text(said, "PartNumber"), _text(said, "SerialNumber"))


async def _disks(tree: Tree, system: Document) -> list[Disk]:
    found: dict[str, Disk] = {}
    async for storage in tree.each(system.get("Storage")):
        for link in listing(storage.get("Drives")):
            _keep(found, _drive(await tree.get(link)))
    if not found:
        smart = await tree.get(mapping(_oem(system).get("Links")).get("SmartStorage"))
        controllers = mapping(smart.get("Links")).get("ArrayControllers")
        async for controller in tree.each(controllers):
            async for each in tree.each(mapping(controller.get("Links")).get("PhysicalDrives")):
                _keep(found, _drive(each))
    if not found:
        async for each in tree.each(system.get("SimpleStorage")):
            for device in listing(each.get("Devices")):
                _keep(found, _drive(mapping(device)))
    return list(found.values())


def _keep(found: dict[str, Disk], disk: Disk | None) -> None:
    """Each disk once: one behind two controllers is told by both."""
    if disk is not None:
        found.setdefault(disk.serial or f"{disk.slot} {len(found)}", disk)


def _drive(said: Document) -> Disk | None:
    if not said or absent(said):
        return None
    sizes = (("CapacityBytes", 1), ("CapacityMiB", _MIB), ("CapacityGB", _GB))
    size = next((found for key, times in sizes if (found := _whole(said.get(key), times))), None)
    located = next((mapping(each) for each in listing(said.get("Location"))), {})
    label = _text(mapping(mapping(said.get("PhysicalLocation")).get("PartLocation")), "ServiceLabel")
    slot = label or _text(located, "Info") or _text(said, "Location", "Id", "Name") or ""
    return Disk(slot, _text(said, "Model"), _text(said, "SerialNumber"), size, _text(said, "MediaType"))


async def _cards(tree: Tree, system: Document) -> list[Card]:
    """The cards of the chassis, and what interfaces the system has besides. A port that both tell of is one."""
    cards = []
    for chassis in await chassis_of(tree, system):
        async for adapter in tree.each(chassis.get("NetworkAdapters")):
            if not absent(adapter):
                cards.append(await _card(tree, adapter))
    interfaces = [each async for each in tree.each(system.get("EthernetInterfaces"))]
    named = [CardPort(_names(each), macs) for each in interfaces if (macs := _interface_macs(each))]
    known = {mac for card in cards for port in card.ports for mac in port.macs}
    others = tuple(port for port in named if not known.intersection(port.macs))
    cards = [card._replace(ports=tuple(_called(card, port, named) for port in card.ports)) for card in cards]
    return _told_apart([*cards, *([Card("", None, None, others)] if others else [])])


def _called(card: Card, port: CardPort, named: Iterable[CardPort]) -> CardPort:
    """A port with the names that the system has for it, too; those go before one that is its card's."""
    more = [name for each in named if set(each.macs) & set(port.macs) for name in each.names]
    borrowed = bool(port.names) and port.names[0].startswith(f"{card.slot} ")
    return port._replace(names=tuple(dict.fromkeys([*more, *port.names] if borrowed else [*port.names, *more])))


def _told_apart(cards: list[Card]) -> list[Card]:
    """Without the names that several ports have: those say what they are, and not which."""
    times = Counter(name for card in cards for port in card.ports for name in port.names)
    return [
        card._replace(
            ports=tuple(
                port._replace(names=tuple(name for name in port.names if times[name] == 1)) for port in card.ports
            )
        )
        for card in cards
    ]


async def _card(tree: Tree, adapter: Document) -> Card:
    slot = _text(adapter, "Id", "Name") or ""
    ports = await tree.all(adapter.get("Ports")) or await tree.all(adapter.get("NetworkPorts"))
    found = {
        text(each.get("@odata.id")) or str(number): CardPort(_names(each, slot), _port_macs(each), _neighbour(each))
        for number, each in enumerate(ports)
    }
    if not any(port.macs for port in found.values()):
        async for function in tree.each(adapter.get("NetworkDeviceFunctions")):
            ethernet = mapping(function.get("Ethernet"))
            macs = macs_of([ethernet.get("PermanentMACAddress") or ethernet.get("MACAddress")])
            place = _assigned(function)
            if place in found:
                found[place] = found[place]._replace(macs=tuple(dict.fromkeys([*found[place].macs, *macs])))
            elif macs:
                found[f"function {len(found)}"] = CardPort(_names(function, slot), macs)
    return Card(slot, _text(adapter, "Model", "Name"), _text(adapter, "SerialNumber"), tuple(found.values()))


def _assigned(function: Document) -> str:
    """The path of the port that a function is on (the schema moved that into Links)."""
    links = mapping(function.get("Links"))
    for said in (links.get("PhysicalPortAssignment"), links.get("PhysicalNetworkPortAssignment")):
        if mapping(said):
            return text(mapping(said).get("@odata.id")) or ""
    return text(mapping(function.get("PhysicalPortAssignment")).get("@odata.id")) or ""


def _port_macs(port: Document) -> tuple[str, ...]:
    """NetworkPort has them at its top, Port in an object of its own; those of Fibre Channel are longer."""
    if "Fibre" in (text(port.get("ActiveLinkTechnology")) or text(port.get("PortProtocol")) or ""):
        return ()
    above = texts(port.get("AssociatedNetworkAddresses"))
    return macs_of(above or texts(mapping(port.get("Ethernet")).get("AssociatedMACAddresses")))


def _neighbour(port: Document) -> tuple[str, str] | None:
    """Who is at the other end of the cable, as its port has heard (Port, Ethernet.LLDPReceive)."""
    heard = mapping(mapping(port.get("Ethernet")).get("LLDPReceive"))
    system, place = _text(heard, "SystemName", "ChassisId"), _text(heard, "PortId")
    return (system, place) if system and place else None


def _interface_macs(interface: Document) -> tuple[str, ...]:
    return macs_of([interface.get("PermanentMACAddress")]) or macs_of([interface.get("MACAddress")])


def _names(resource: Document, card: str = "") -> tuple[str, ...]:
    """What a port or interface is called: its Id, with the card's name where that alone says nothing."""
    name = _text(resource, "Id") or ""
    if card and _BARE.fullmatch(name):
        name = f"{card} {name}"
    return tuple(dict.fromkeys(each for each in (name, _text(resource, "Name")) if each))


async def _controller_macs(tree: Tree, manager: Document) -> tuple[str, ...]:
    found: list[str] = []
    async for each in tree.each(manager.get("EthernetInterfaces")):
        if not _HOST_SIDE.search(f"{each.get('Id')}"[:80]):
            found += _interface_macs(each)
    return tuple(dict.fromkeys(found))


def _oem(system: Document) -> Document:
    oem = mapping(system.get("Oem"))
    return mapping(oem.get("Hpe")) or mapping(oem.get("Hp"))


def _text(resource: Document, *keys: str) -> str | None:
    """The first of these that is a text with something in it."""
    return next(iter(_texts(resource, keys)), None)


def _texts(resource: Document, keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        said = shortened(text(resource.get(key)))
        if said is not None:
            yield said


def _whole(value: object, times: int = 1) -> int | None:
    """A number that can be, as a whole one."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _LARGEST:
        return None
    return round(value * times) or None

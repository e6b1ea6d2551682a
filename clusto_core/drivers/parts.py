"""Parts: what cables and screws go into."""

from __future__ import annotations

from clusto_core.drivers.base import Part


class NIC(Part):
    """A network interface of a host, or the management interface of a device."""

    kind = "nic"
    noun = "NIC"
    pattern = "eth{}"
    first = 0


class Port(Part):
    """A network port of a switch, router or panel."""

    kind = noun = "port"
    pattern = "{}"


class FrontPort(Port):
    """The front jack of a patch panel; one path with the rear port of the same number."""

    kind = "front"


class RearPort(Port):
    """The rear termination of a patch panel; one path with the front port of the same number."""

    kind = "rear"
    noun = "rear port"
    pattern = "rear{}"


class Inlet(Part):
    """Where equipment takes power: a power supply's socket."""

    aliases = ("psu",)
    kind = noun = "inlet"
    pattern = "psu{}"


class Outlet(Part):
    """Where a PDU gives power."""

    kind = noun = "outlet"
    pattern = "{}"


class SerialPort(Part):
    """The console of a machine, seen from the machine."""

    aliases = ("serial",)
    kind = "serial"
    noun = "serial port"
    pattern = "console"


class ConsolePort(Part):
    """A port of a console server, to which machines' serial ports are wired."""

    kind = "consoleport"
    noun = "port"
    pattern = "{}"


class RackUnit(Part):
    """One unit of height of a rack, 44.45 mm (EIA-310); RU1 is the lowest."""

    aliases = ("RU",)
    kind = "ru"
    noun = "RU"
    pattern = "RU{}"


class Vip(Part):
    """A virtual address that a load balancer serves."""

    kind = "vip"
    noun = "VIP"
    pattern = "vip{}"

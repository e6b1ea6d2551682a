"""Tape libraries and their drives, as drivers of clusto."""

from typing import ClassVar

from clusto_core.drivers import Part, Parts
from clusto_core.drivers.equipment import Mounted
from clusto_core.drivers.parts import NIC, Inlet


class TapeDrive(Part):
    """A drive of a tape library."""

    kind = "tapedrive"  # as in --parts tapedrive=8
    noun = "drive"  # as in "drive 2 on tape1"
    pattern = "drive{}"


class TapeLibrary(Mounted):
    """A tape library."""

    aliases = ("Jukebox",)
    parts = (Parts(TapeDrive, "drive{}", 4), Parts(NIC, "mgmt", 1), Parts(Inlet, "psu{}", 2))
    attributes: ClassVar = {"height": 6}

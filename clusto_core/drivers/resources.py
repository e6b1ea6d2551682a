"""Resources: what is handed out to Things, and the models that Things are made after."""

from __future__ import annotations

from typing import ClassVar

from clusto_core.drivers.base import Resource


class Network(Resource):
    """A block of IP addresses, v4 or v6: attribute `cidr`; in an address space of its own: attribute `vrf`."""


class VRF(Resource):
    """An address space (virtual routing and forwarding): addresses in it are none of any other. Networks are in one."""


class VLAN(Resource):
    """A VLAN: attribute `vid`, 1 to 4094."""


class NameRange(Resource):
    """Names to be given to new Things: attribute `pattern`."""


class DeviceType(Resource):
    """A model of equipment, named `manufacturer/model`: attribute `definition`, its parts and height as JSON."""

    within: ClassVar[tuple[str, ...]] = ("Category",)


class Query(Resource):
    """A saved expression, named `@NAME`."""

    within: ClassVar[tuple[str, ...]] = ("Category",)


class Policy(Query):
    """What must never be, named `%NAME`: an expression that nothing may satisfy, or one of clusto's own checks."""


class SiteKey(Resource):
    """A key that the site declared, named `=KEY`."""

    within: ClassVar[tuple[str, ...]] = ()


class SheetMap(Resource):
    """What the columns of a spreadsheet are: attribute `mapping`."""


UNSEEN = frozenset((Query.__name__, Policy.__name__, SiteKey.__name__))
"""What describes the inventory and is nothing of it: no expression selects it."""

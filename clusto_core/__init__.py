"""The inventory library of clusto: what scripts and programs of a site import.

    import clusto_core

    inventory = clusto_core.open()
    print(inventory["server1"].attrs["status"])
    with inventory.change("racked") as change:
        change["server1"].attrs["status"] = "allocated"

What `__all__` names is public, and told in docs/library.md; all else may change in any version. Importing this loads
nothing of it: each name is loaded when it is first used, so that quick commands stay quick.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clusto_core.errors import ClustoError, Malformed, NotFound, Refused, StoreBroken
    from clusto_core.library.asking import UnknownValueWarning
    from clusto_core.library.attributes import Attributes, InForce, NoSuchKey
    from clusto_core.library.change import Change
    from clusto_core.library.handle import Console, Feed, Handle, Joint, Parts
    from clusto_core.library.inventory import Inventory, Snapshot
    from clusto_core.library.opening import open
    from clusto_core.library.remote import Remote
    from clusto_core.library.view import View
    from clusto_core.model.attributes import structure as as_json
    from clusto_core.query.matching import Match
    from clusto_core.query.parser import parse as expression
    from clusto_core.query.tree import Node as Expression

__all__ = [
    "Attributes",
    "Change",
    "ClustoError",
    "Console",
    "Expression",
    "Feed",
    "Handle",
    "InForce",
    "Inventory",
    "Joint",
    "Malformed",
    "Match",
    "NoSuchKey",
    "NotFound",
    "Parts",
    "Refused",
    "Remote",
    "Snapshot",
    "StoreBroken",
    "UnknownValueWarning",
    "View",
    "as_json",
    "expression",
    "open",
]

_MODULES = {
    "errors": ("ClustoError", "Malformed", "NotFound", "Refused", "StoreBroken"),
    "library.attributes": ("Attributes", "InForce", "NoSuchKey"),
    "library.asking": ("UnknownValueWarning",),
    "library.change": ("Change",),
    "library.handle": ("Console", "Feed", "Handle", "Joint", "Parts"),
    "library.inventory": ("Inventory", "Snapshot"),
    "library.opening": ("open",),
    "library.remote": ("Remote",),
    "library.view": ("View",),
    "query.matching": ("Match",),
}
_WHERE = {name: (module, name) for module, names in _MODULES.items() for name in names} | {
    "Expression": ("query.tree", "Node"),
    "as_json": ("model.attributes", "structure"),
    "expression": ("query.parser", "parse"),
}


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module, there = _WHERE[name]
    found = getattr(import_module(f"{__name__}.{module}"), there)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

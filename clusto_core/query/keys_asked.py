"""Which keys an expression asks about, where that is all that it is about besides what Things are and are in."""

from __future__ import annotations

from clusto_core.query import tree
from clusto_core.query.tree import Node

_OF_THINGS = (tree.Name, tree.PartName, tree.DriverIs, tree.Address, tree.Among, tree.In, tree.And, tree.Or, tree.Not)
"""Tests and relations of names, drivers, positions, and what is reserved."""
_OF_KEYS = (tree.Attr, tree.Compare, tree.Exactly, tree.HasKey)


def keys_asked(node: Node) -> frozenset[str] | None:
    """The keys, by their first words; None where it asks about cables, or about whatever something has."""
    found = set()
    for each in node.walk():
        if isinstance(each, _OF_KEYS):
            found.add(each.key.key)
        elif not isinstance(each, _OF_THINGS):
            return None
    return frozenset(found)

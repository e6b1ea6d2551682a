"""The kinds of Things there are, and the registry that finds them by name."""

from __future__ import annotations

from clusto_core.drivers.base import Category, Driver, Equipment, Part, Parts, Resource
from clusto_core.drivers.registry import Registry, registry

__all__ = ["Category", "Driver", "Equipment", "Part", "Parts", "Registry", "Resource", "registry"]

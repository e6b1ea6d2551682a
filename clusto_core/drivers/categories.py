"""Categories: the groupings over Things."""

from __future__ import annotations

from clusto_core.drivers.base import Category


class Class(Category):
    """What a machine has or is: software, BigMem."""


class Role(Category):
    """The job of a machine; it can require Classes."""


class Service(Category):
    """What runs on machines and others use."""


class Pool(Category):
    """Any grouping."""

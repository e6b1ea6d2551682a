"""Finds drivers by name: the built-in ones at once, those of other packages when a name asks for them.

Other packages declare a driver as an entry point of the group `clusto.drivers`; its value is a Driver class.
Looking entry points up costs several times what a whole `locate` does, so it waits until a name is not built in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

from clusto_core.drivers import categories, equipment, parts, resources
from clusto_core.drivers.base import Category, Driver, Equipment, Part, Resource
from clusto_core.errors import Malformed, did_you_mean
from clusto_core.spelling import suggest

GROUP = "clusto.drivers"


class Registry:
    """All drivers, by name and alias, without regard to case."""

    def __init__(self, builtin: Iterable[type[Driver]]) -> None:
        self._drivers: dict[str, type[Driver]] = {}
        self._names: dict[str, type[Driver]] = {}
        self._complete = False
        for driver in builtin:
            self.register(driver)

    def register(self, driver: type[Driver]) -> None:
        """Adds a driver. Raises Malformed when another one has its name or one of its aliases."""
        for name in (driver.__name__, *driver.__dict__.get("aliases", ())):
            if self._names.setdefault(name.lower(), driver) is not driver:
                raise Malformed(f"two drivers are called {name}")
        self._drivers[driver.__name__] = driver

    def get(self, name: str) -> type[Driver]:
        """The driver of that name or alias. Raises Malformed, with a suggestion, when there is none."""
        driver = self._names.get(name.lower())
        if driver is None:
            self.load_entry_points()
            driver = self._names.get(name.lower())
        if driver is None:
            guess = suggest(name, [known.__name__ for known in self._names.values()])
            raise Malformed(f"no such driver: {name[:60]}{did_you_mean(guess)}")
        return driver

    def of(self, stored: str) -> type[Driver]:
        """The driver that a row of the store names; Driver itself where the package that had it is gone."""
        driver = self._drivers.get(stored)
        if driver is None:
            self.load_entry_points()
            driver = self._drivers.get(stored, Driver)
        return driver

    def part(self, stored: str) -> type[Part]:
        """The driver of a part, as the store names it."""
        driver = self.of(stored)
        return driver if issubclass(driver, Part) else Part

    def under(self, driver: type[Driver]) -> list[str]:
        """The names, as the store has them, of a driver and of all below it in the tree."""
        self.load_entry_points()
        return [name for name, known in self._drivers.items() if issubclass(known, driver)]

    def __iter__(self) -> Iterator[type[Driver]]:
        self.load_entry_points()
        return iter(list(self._drivers.values()))

    def load_entry_points(self) -> None:
        """Registers the drivers of all installed packages. Raises Malformed for one that cannot be loaded."""
        if self._complete:
            return
        self._complete = True
        if not names_group(GROUP):
            return
        from importlib.metadata import entry_points

        for point in entry_points(group=GROUP):
            try:
                driver = point.load()
            except Exception as error:  # another package's code: whatever it raises is said in one line
                raise Malformed(f"the driver {point.name} ({point.value}) cannot be loaded: {error}") from error
            if not (isinstance(driver, type) and issubclass(driver, Driver)):
                raise Malformed(f"the entry point {point.name} ({point.value}) is not a Driver class")
            self.register(driver)


def names_group(group: str) -> bool:
    """Whether some installed package may have entry points of a group: what importlib.metadata would parse names it.

    Most often none does, and this look at a few small files takes a fiftieth of importing that and asking it.
    """
    for directory in dict.fromkeys(sys.path):
        try:
            entries = os.listdir(directory or os.curdir)
        except NotADirectoryError:
            return True  # an archive of modules: only importlib.metadata knows what is in it
        except OSError:
            continue
        for entry in entries:
            if entry.endswith((".dist-info", ".egg-info")):
                try:
                    with open(os.path.join(directory, entry, "entry_points.txt"), "rb") as file:
                        if group.encode() in file.read():
                            return True
                except OSError:
                    continue  # most packages have none
    return False


def _builtin() -> Iterator[type[Driver]]:
    yield from (Driver, Equipment, Part, Resource, Category)
    for module in (equipment, parts, resources, categories):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, Driver) and value.__module__ == module.__name__:
                yield value


registry = Registry(_builtin())

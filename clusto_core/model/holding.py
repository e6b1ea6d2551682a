"""What may be put in what, as the drivers declare it: `Driver.within` and `Driver.holds`."""

from __future__ import annotations

from functools import lru_cache

from clusto_core.drivers import Driver, registry


@lru_cache(1000)
def may_hold(parent: str, child: str) -> bool:
    """Whether what has the one driver may be put in what has the other, drivers being named as the store does.

    Nothing is known of a driver whose package is gone: it may hold, and be in, anything.
    """
    outer, inner = registry.of(parent), registry.of(child)
    if Driver in (outer, inner):
        return True
    return any(_below(outer, name) for name in inner.within) or any(_below(inner, name) for name in outer.holds)


def allowed(child: str) -> list[str]:
    """The drivers of what it may be put in, in the order of the declaration: those below them count too."""
    others = [each.__name__ for each in registry if any(_below(registry.of(child), name) for name in each.holds)]
    return list(dict.fromkeys([*registry.of(child).within, *others]))


def _below(driver: type[Driver], name: str) -> bool:
    return issubclass(driver, registry.get(name))

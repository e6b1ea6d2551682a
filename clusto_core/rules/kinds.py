"""Of which kind a Thing must be where only one kind will do, and how Things of each kind are called."""

from __future__ import annotations

import re

from clusto_core.drivers import Driver, registry
from clusto_core.drivers.resources import DeviceType, Policy, Query, SiteKey
from clusto_core.errors import Malformed
from clusto_core.model.names import MAX_LENGTH, MalformedName, check_name, composed
from clusto_core.model.things import Thing

_QUERY = r"@\w[\w.+-]{0,99}"
_POLICY = r"%\w[\w.+-]{0,99}"
_SITE_KEY = r"=(?:\*|[^\W_][\w-]{0,99}(?:\.[\w.:/+-]{1,100})?)"
_DEVICE_TYPE = r"[a-z0-9][a-z0-9._+-]*/[a-z0-9][a-z0-9._+-]*"


def checked(thing: Thing, kind: type[Driver]) -> Thing:
    """The Thing itself. Raises Malformed for one of another kind."""
    if not thing.is_a(kind):
        raise Malformed(f"{thing.name} is a {thing.driver}, not a {kind.__name__}")
    return thing


def named(driver: str | type[Driver]) -> type[Driver]:
    """The kind of Things that a driver's name or class means. Raises Malformed for one that no Thing can be of."""
    kind = registry.get(driver) if isinstance(driver, str) else driver
    if kind.abstract():
        raise Malformed(f"{kind.__name__} is a group of drivers: name one of them")
    if registry.of(kind.__name__) is not kind:
        raise Malformed(f"the driver {kind.__name__} is not registered (entry point group clusto.drivers)")
    return kind


def checked_name(name: str, kind: type[Driver] = Driver) -> str:
    """The name as the store has it. Raises Malformed when no whole Thing of that kind can be called so."""
    if not isinstance(name, str):
        raise Malformed(f"a name is text, not a {type(name).__name__}")
    name = composed(name)
    if issubclass(kind, Policy):
        if re.fullmatch(_POLICY, name) is None:
            raise Malformed(f"malformed name of a policy: {name[:60]!r} (write % and letters, digits, . _ - +)")
    elif issubclass(kind, Query):
        if re.fullmatch(_QUERY, name) is None:
            raise Malformed(
                f"malformed name of a saved expression: {name[:60]!r} (write @ and letters, digits, . _ - +)"
            )
    elif issubclass(kind, SiteKey):
        if re.fullmatch(_SITE_KEY, name) is None:
            raise Malformed(f"malformed name of a declared key: {name[:60]!r} (write = and KEY or KEY.SUBKEY)")
    elif issubclass(kind, DeviceType):
        return checked_type(name)
    else:
        try:
            check_name(name)
        except MalformedName as error:
            raise Malformed(str(error)) from None
    return name


def checked_type(name: str) -> str:
    """The name itself. Raises Malformed when no device type can be called so."""
    if re.fullmatch(_DEVICE_TYPE, name) is None or len(name) > MAX_LENGTH:
        raise Malformed(f"malformed device type: {name[:60]!r} (write manufacturer/model)")
    return name

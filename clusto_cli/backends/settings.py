"""Settings as adapters take them: texts in the one spelling that `keys` declares, turned into what they stand for.

The core has read them by those declarations before; what is refused here was given by a program that did not.
"""

from __future__ import annotations

from collections.abc import Mapping

Settings = Mapping[str, str]


def boolean(settings: Settings, key: str) -> bool | None:
    """`true` or `false`; None where it is not set. Raises ValueError naming the key."""
    text = settings.get(key)
    if text not in (None, "true", "false"):
        raise ValueError(f"{key} is neither true nor false: {text!r}")
    return None if text is None else text == "true"


def integer(settings: Settings, key: str, default: int) -> int:
    """A whole number. Raises ValueError naming the key."""
    found = number(settings, key)
    return default if found is None else found


def number(settings: Settings, key: str) -> int | None:
    """A whole number; None where it is not set. Raises ValueError naming the key."""
    text = settings.get(key)
    if text is None:
        return None
    if not text.isdecimal():
        raise ValueError(f"{key} is not a number: {text!r}")
    return int(text)


def seconds(settings: Settings, key: str, default: float) -> float:
    """A time in seconds. Raises ValueError naming the key."""
    if key not in settings:
        return default
    try:
        found = float(settings[key])
    except ValueError:
        raise ValueError(f"{key} is not a number of seconds: {settings[key]!r}") from None
    if not 0 < found < 7 * 86400:
        raise ValueError(f"{key} is out of range: {found:g}")
    return found


def limits(settings: Settings, **keys: str) -> dict[str, float]:
    """Those of some times that are set, by the names of an adapter's arguments."""
    return {name: seconds(settings, key, 0.0) for name, key in keys.items() if key in settings}


def trust(settings: Settings, key: str) -> bool | str:
    """Whose certificates are believed: the system's authorities, nobody's, or those of a file."""
    text = settings.get(key) or "true"
    return text == "true" if text in ("true", "false") else text

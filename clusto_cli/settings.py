"""The settings that verbs find among attributes, and what is known of their values.

Which there are is what the tables of the documentation say, which the package has as data: a row whose first cell names
keys of a group (`snmp.port`) and whose second says what they mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from clusto_cli import documentation

GROUPS = ("bmc", "cobbler", "console", "os", "power", "powerman", "rebuild", "snmp", "ssh", "switch")

_ROW = re.compile(r"^\| ((?:[^|\\\n]|\\.)*) \| ((?:[^|\\\n]|\\.)*) \|", re.MULTILINE)
_KEY = re.compile(rf"`((?:{'|'.join(GROUPS)})\.[a-z][a-z0-9_]*)`")


def meanings() -> dict[str, str]:
    """The settings by key, with what each means: of several rows that name one, the one that names fewest keys."""
    found: dict[str, tuple[int, str]] = {}
    for page in documentation.pages():
        for row in _ROW.finditer(page):
            keys = _KEY.findall(row[1])
            for key in keys:
                if row[2] and (key not in found or len(keys) < found[key][0]):
                    found[key] = (len(keys), row[2].replace("\\|", "|"))
    return {key: meaning for key, (_, meaning) in sorted(found.items())}


def _power() -> list[str]:
    from clusto_cli.backends.power.profile import names

    return names()


def _console() -> list[str]:
    from clusto_cli.backends.console.profile import names
    from clusto_cli.console.ways import profile_folders

    return names(profile_folders())


def _switch() -> list[str]:
    from clusto_cli.backends.switch.profiles import names

    return list(names())


def _os() -> list[str]:
    from clusto_cli.backends.provision.recipe import names
    from clusto_cli.rebuild.machines import recipe_folders

    return names(recipe_folders())


_VALUES: Mapping[str, Callable[[], list[str]]] = {
    "bmc.protocol": lambda: ["ipmi", "redfish"],
    "console.profile": _console,
    "os.profile": _os,
    "power.profile": _power,
    "switch.profile": _switch,
    "switch.via": lambda: ["snmp", "ssh"],
}


def values(key: str) -> list[str]:
    """The values that a key is known to take; none where they cannot be listed."""
    from clusto_core.model.attributes import Key
    from clusto_core.model.grammars import Boolean
    from clusto_core.model.keys import DECLARED

    if key in _VALUES:
        return _VALUES[key]()
    declared = DECLARED.get(Key.parse(key))
    return ["false", "true"] if declared is not None and isinstance(declared.grammar, Boolean) else []


def keys(beginning: str) -> list[str]:
    """The keys with a meaning that begin so; of a group that is not typed to its end, the group: `snmp.`."""
    from clusto_core.model.keys import DECLARED

    known = {*map(str, DECLARED), *meanings()}
    shown = {key if "." in beginning else re.sub(r"\..*", ".", key) for key in known}
    return sorted(key for key in shown if key.startswith(beginning))

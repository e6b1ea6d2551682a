"""Which machine answers: the host name out of a login banner or a prompt."""

from __future__ import annotations

import re

from clusto_cli.backends.console.visible import visible_lines

# A host name as prompts show it.
_HOST = r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?)"
_SAYS = (
    re.compile(rf"^{_HOST} (?:login|Username|ogin): ?"),  # getty, and most things after it
    re.compile(rf"^\[?[A-Za-z0-9_.-]+@{_HOST}(?:[: ][^\s]*)?\]? ?[#$%>] ?"),  # root@server1:~#  [root@server1 ~]#
    re.compile(rf"^(?:[A-Za-z0-9_.-]+@)?{_HOST}(?:\([^)]*\))*[#>] ?$"),  # switch1#  admin@router1>  sw(config)#
)
# What stands in a host name's place on a machine that has none yet.
_NOBODY = {"localhost", "(none)", "switch", "router", "linux", "debian", "ubuntu", "grub", "shell", "loader"}


def host_name(said: bytes) -> str | None:
    """The last host name that the machine gave, None when it gave none or one that says nothing."""
    for line in reversed(visible_lines(said)):
        for pattern in _SAYS:
            if (match := pattern.match(line.strip())) and match["host"].lower() not in _NOBODY:
                return match["host"]
    return None


def same_host(said: str, name: str) -> bool:
    """Whether a host name that was shown is that of the machine so named; either may have its domain or not."""
    said, name = said.lower().rstrip("."), name.lower().rstrip(".")
    return said == name or said.startswith(f"{name}.") or name.startswith(f"{said}.")

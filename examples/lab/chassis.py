"""What OpenIPMI's simulator runs to look at a machine's chassis or to move it (ipmi_lan(5), chassis_control).

chassis.py CONTROL get NAME... | set NAME VALUE...

It is a `power.command` too, of an outlet that feeds this machine alone: `chassis.py CONTROL outlet on|off|status`.
"""

from __future__ import annotations

import socket
import sys


def ask(control: str, request: str) -> str:
    """What the machine with this control socket (see vm.py) answers. Raises OSError when there is none."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(control)
        connection.sendall(f"{request}\n".encode())
        with connection.makefile() as answer:
            return answer.read()


def outlet(control: str, action: str) -> str:
    """`on` or `off` after the action: as `clusto power` asks a site's own command."""
    if action != "status":
        ask(control, f"set power {int(action == 'on')}")
    return "on\n" if ask(control, "get power") == "power:1\n" else "off\n"


if __name__ == "__main__":
    control, verb, *words = sys.argv[1:]
    answer = outlet(control, words[0]) if verb == "outlet" else ask(control, " ".join([verb, *words]))
    if answer.startswith("refused"):
        sys.exit(answer.strip())
    sys.stdout.write(answer)

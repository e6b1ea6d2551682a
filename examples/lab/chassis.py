"""What OpenIPMI's simulator runs to look at a machine's chassis or to move it (ipmi_lan(5), chassis_control).

chassis.py CONTROL get NAME... | set NAME VALUE...
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


if __name__ == "__main__":
    answer = ask(sys.argv[1], " ".join(sys.argv[2:]))
    if answer.startswith("refused"):
        sys.exit(answer.strip())
    sys.stdout.write(answer)

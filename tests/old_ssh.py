"""An ssh server with the algorithms of before 2015, which today's clients refuse; a program of its own.

old_ssh.py FOLDER PORT KEX SIGNATURE    FOLDER holds the host's key; user `ops`, password `let-me-in`

It is a switch with a command line like that of Cisco's IOS for Netmiko, and a line of a console server for the rest.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import asyncssh

PASSWORD = "let-me-in"
ANSWERS = {
    "show vlan brief": "VLAN Name Status\r\n1    default    active\r\n10   office     active\r\n",
    "show interfaces Gi0/4 switchport": (
        "Name: Gi0/4\r\nSwitchport: Enabled\r\nAdministrative Mode: static access\r\n"
        "Operational Mode: static access\r\nAccess Mode VLAN: 10 (office)\r\nTrunking Native Mode VLAN: 1\r\n"
        "Voice VLAN: none\r\nTrunking VLANs Enabled: ALL\r\n"
    ),
}


class Server(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return password == PASSWORD


async def shell(process: asyncssh.SSHServerProcess[str]) -> None:
    process.stdout.write("\r\nsw1#")
    async for line in process.stdin:
        text = line.strip()
        if text == "quit":
            break
        process.stdout.write(f"{text}\r\n{ANSWERS.get(text, '')}sw1#")
    process.exit(0)


async def main(folder: Path, port: int, kex: str, signature: str) -> None:
    await asyncssh.create_server(
        Server,
        "127.0.0.1",
        port,
        server_host_keys=[str(folder / "host")],
        kex_algs=[kex],
        signature_algs=[signature],
        process_factory=shell,
        line_editor=False,
    )
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4]))

"""The boot server as a program of its own: `python -m tests.rebuild_serve.server URL DIRECTORY ADDRESS PORT`.

Disarming a machine writes its boot files anew; while DIRECTORY/.stuck is there, it fails.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from clusto_cli.backends.errors import DeviceError
from clusto_cli.hosting.limits import Limits
from clusto_cli.rebuild.serve import serve
from clusto_core.config import Settings
from clusto_core.errors import ClustoError
from clusto_core.records.rebuilds import Rebuild

LOCAL = b"boot the disk\n"
ANSWERS = "address"
LIMITS = Limits(per_client=1000, client_lines_at_once=10_000, wrong_tokens_at_once=10_000)
"""All clients of most tests have one address."""


def main(url: str, directory: str, address: str, port: str) -> None:
    async def disarm(rebuild: Rebuild) -> None:
        if Path(directory, ".stuck").exists():
            raise DeviceError("the disk is full")
        for path in rebuild.plan["files"]:
            temporary = Path(directory, path + ".new")
            temporary.write_bytes(LOCAL)
            os.replace(temporary, Path(directory, path))

    def say(line: str) -> None:
        sys.stderr.write(f"{line}\n")

    try:
        serve(Settings(url), [(address, int(port))], directory, say, disarm, answers=ANSWERS, limits=LIMITS)
    except ClustoError as error:
        sys.exit(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main(*sys.argv[1:])

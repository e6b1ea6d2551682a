"""SSH host keys, by ssh-keyscan(1): whose key it is that answers at an address."""

from __future__ import annotations

import base64
import binascii
import hashlib

from clusto_cli import children
from clusto_cli.backends.errors import Unreachable, Unusable
from clusto_cli.backends.program import ProgramFailed, run_program
from clusto_cli.discovery.evidence import HostKey

_KINDS = "ed25519,ecdsa,rsa"


async def keys(at: str, address: str, port: int, timeout: float) -> list[HostKey]:
    """The host keys at an address. Raises DeviceError where there are none, or no ssh-keyscan to ask with."""
    program = children.find("ssh-keyscan")
    if program is None:
        raise Unusable("ssh-keyscan is not installed: host keys are not asked for")
    seconds = str(max(1, round(timeout)))
    argv = [program, "-T", seconds, "-t", _KINDS, "-p", str(port), address]
    try:
        printed = await run_program(argv, timeout * 3 + 1)
    except ProgramFailed as error:
        # Newer ones end so where there was no key.
        printed = error.printed
    found = [key for line in printed.splitlines() if (key := _key(at, address, line)) is not None]
    if not found:
        raise Unreachable(f"{address} port {port}: no SSH server answers")
    return found


def _key(at: str, address: str, line: str) -> HostKey | None:
    """`HOST KIND BASE64`, with the fingerprint as ssh-keygen(1) shows it."""
    words = line.split()
    if len(words) < 3 or line.startswith("#"):
        return None
    try:
        blob = base64.b64decode(words[2], validate=True)
    except binascii.Error:
        return None
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    return HostKey(at, address, words[1][:40], f"SHA256:{digest}")

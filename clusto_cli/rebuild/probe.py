"""Whether the installed system answers on the network: an ssh server's greeting (RFC 4253, 4.2), or any TCP port."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass

_SECONDS = 3.0
"""What a connection and a greeting may take."""
SSH = "ssh"


@dataclass(frozen=True)
class Probe:
    """A port at an address; with `greets`, only what greets as an ssh server counts."""

    address: str
    port: int
    greets: bool

    @classmethod
    def parse(cls, text: str, address: str) -> Probe | None:
        """`ssh`, `ssh:2222`, `tcp:443`, or `none`. Raises ValueError."""
        kind, _, port = text.strip().partition(":")
        if kind == "none" and not port:
            return None
        if kind not in (SSH, "tcp") or (port and not port.isdecimal()) or (kind == "tcp" and not port):
            raise ValueError(f"rebuild.probe is {text!r}: write ssh, ssh:PORT, tcp:PORT or none")
        number = int(port or 22)
        if not 0 < number < 65536:
            raise ValueError(f"rebuild.probe is {text!r}: no such port")
        return cls(address, number, kind == SSH)

    def __str__(self) -> str:
        return f"{SSH if self.greets else 'tcp'} {self.address}:{self.port}"

    async def answers(self) -> bool:
        """Whether it is there now."""
        try:
            async with asyncio.timeout(_SECONDS):
                reader, writer = await asyncio.open_connection(self.address, self.port)
                try:
                    return not self.greets or (await reader.readexactly(4)) == b"SSH-"
                finally:
                    writer.close()
                    with contextlib.suppress(OSError):
                        await writer.wait_closed()
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            return False

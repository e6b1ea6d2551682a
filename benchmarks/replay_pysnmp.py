"""A bare pysnmp script that sends recorded requests: `python benchmarks/replay_pysnmp.py PORT REQUESTS.json`.

A request is `[kind, [[oid, type, value], ...], max-repetitions]`; octet strings are hexadecimal. They are sent one
after the other, as whoever writes such a script would.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    Gauge32,
    Integer32,
    ObjectIdentity,
    ObjectType,
    OctetString,
    SnmpDispatcher,
    UdpTransportTarget,
    bulk_cmd,
    get_cmd,
    set_cmd,
)

VALUES: dict[str, Any] = {
    "i": Integer32,
    "u": Gauge32,
    "x": lambda text: OctetString(hexValue=text),
}


async def main() -> None:
    port, requests = int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())
    dispatcher = SnmpDispatcher()
    target = await UdpTransportTarget.create(("127.0.0.1", port), timeout=1, retries=4)
    community = CommunityData("private")
    for kind, varbinds, repetitions in requests:
        if kind == "set":
            objects = [ObjectType(ObjectIdentity(oid), VALUES[letter](value)) for oid, letter, value in varbinds]
            await set_cmd(dispatcher, community, target, *objects, lookupMib=False)
            continue
        objects = [ObjectType(ObjectIdentity(oid)) for oid, _, _ in varbinds]
        if kind == "bulk":
            await bulk_cmd(dispatcher, community, target, 0, repetitions, *objects, lookupMib=False)
        else:
            await get_cmd(dispatcher, community, target, *objects, lookupMib=False)


if __name__ == "__main__":
    asyncio.run(main())

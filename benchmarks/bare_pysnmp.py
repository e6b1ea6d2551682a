"""A bare pysnmp loop: the packets of one power-off of 25 outlets, read and read back, to each of a row of PDUs.

`python benchmarks/bare_pysnmp.py FIRST_PORT PDUS OUTLETS`
"""

from __future__ import annotations

import asyncio
import itertools
import sys
from collections.abc import Iterator
from typing import Any

from pysnmp.hlapi.v1arch.asyncio import (
    CommunityData,
    Integer32,
    ObjectIdentity,
    ObjectType,
    SnmpDispatcher,
    UdpTransportTarget,
    get_cmd,
    set_cmd,
)

TABLE = "1.3.6.1.4.1.318.1.1.26.9.2"
UNIT, LABEL, NUMBER, STATE, PENDING = (f"{TABLE}.3.1.{column}" for column in (2, 3, 4, 5, 6))
COMMAND = f"{TABLE}.4.1.5"


def portions(columns: list[str], outlets: int, size: int, *also: str) -> Iterator[list[str]]:
    names = iter([*also, *(f"{column}.{outlet}" for column in columns for outlet in range(1, outlets + 1))])
    while portion := list(itertools.islice(names, size)):
        yield portion


async def one(dispatcher: Any, port: int, outlets: int) -> int:
    target = await UdpTransportTarget.create(("127.0.0.1", port), timeout=1, retries=4)
    window = asyncio.Semaphore(2)
    sent = 0

    async def get(names: list[str]) -> None:
        nonlocal sent
        sent += 1
        async with window:
            objects = [ObjectType(ObjectIdentity(name)) for name in names]
            await get_cmd(dispatcher, CommunityData("public"), target, *objects, lookupMib=False)

    last = (f"{UNIT}.{outlets}", f"{NUMBER}.{outlets}")
    await asyncio.gather(*(get(names) for names in portions([STATE, PENDING], outlets, 18, *last)))
    await asyncio.gather(*(get(names) for names in portions([LABEL], outlets, 13)))
    for names in portions([COMMAND], outlets, 19):
        sent += 1
        objects = [ObjectType(ObjectIdentity(name), Integer32(2)) for name in names]
        await set_cmd(dispatcher, CommunityData("private"), target, *objects, lookupMib=False)
    await asyncio.gather(*(get(names) for names in portions([STATE, PENDING], outlets, 18)))
    return sent


async def main() -> None:
    first, pdus, outlets = map(int, sys.argv[1:4])
    dispatcher = SnmpDispatcher()
    sent = await asyncio.gather(*(one(dispatcher, first + place, outlets) for place in range(pdus)))
    print(sum(sent))


if __name__ == "__main__":
    asyncio.run(main())

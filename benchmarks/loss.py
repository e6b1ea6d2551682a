"""Power over a network that loses datagrams: actions that fail though their device lives are false failures.

`python benchmarks/loss.py [ACTIONS]`: that many actions (10,000) at each rate of loss, each a session of its own with
one outlet of one of 40 simulated PDUs: read it, switch it, read it back. One PDU more is dead. Exit code 1 when an
action on a PDU that lives has failed, or one on the dead PDU has not.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "examples")]

from clusto_cli.backends.errors import DeviceError
from clusto_cli.backends.power.recognising import RecognisingPower
from clusto_cli.backends.power.session import PowerSession
from clusto_cli.backends.runner import Interruption
from clusto_cli.backends.snmp import SnmpSettings

PDUS, OUTLETS, FIRST_PORT = 40, 25, 17200
LOSSES = (0.0, 0.1, 0.3)
DEAD = PDUS
"""The place of the dead one, behind the others."""
AT_ONCE = 200


class Action(NamedTuple):
    """One action: on the PDU at that place, whether it was verified, how long it took and why it failed."""

    place: int
    verified: bool
    seconds: float
    reason: str


def lab(loss: float) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "lab", "--pdus", str(PDUS + 2), "--outlets", str(OUTLETS), "--no-switches"]
    command += ["--port", str(FIRST_PORT), "--loss", str(loss), "--moves-after", "0", "--latency", "0.002"]
    command += ["--dead", f"pdu{DEAD // 2 + 1}a"]
    return subprocess.Popen(command, cwd=ROOT / "examples", env={"PYTHONPATH": str(ROOT)}, stderr=subprocess.DEVNULL)


async def switch(place: int, outlet: int, on: bool) -> Action:
    settings = SnmpSettings("127.0.0.1", FIRST_PORT + place, write_community="private")
    began = time.monotonic()
    async with RecognisingPower(settings, None, "apc-rpdu2", lambda found: None) as control:
        session = PowerSession(control, Interruption(), asyncio.Semaphore(1))
        reading = (await session.read([str(outlet)]))[str(outlet)]
        if isinstance(reading, DeviceError):
            return Action(place, False, time.monotonic() - began, str(reading))
        switching, done = session.switch(str(outlet), on, "server")
        await done
        await session.close()
    return Action(place, switching.verified, time.monotonic() - began, str(switching.failure or ""))


async def all_actions(count: int) -> list[Action]:
    """`count` actions on the PDUs that live, each outlet off and on in turn, and a few on the dead one."""
    rounds = -(-count // (PDUS * OUTLETS))
    free = asyncio.Semaphore(AT_ONCE)

    async def outlet(place: int, number: int) -> list[Action]:
        done = []
        for each in range(rounds if place != DEAD else 1):
            async with free:
                done.append(await switch(place, number, bool(each % 2)))
        return done

    places = [(place, number) for place in range(PDUS) for number in range(1, OUTLETS + 1)]
    found = await asyncio.gather(*(outlet(*each) for each in [*places, *((DEAD, number) for number in range(1, 6))]))
    return [action for actions in found for action in actions]


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    wrong = 0
    heads = f"{'loss each way':<14} {'actions':>8} {'false failures':>15} {'median':>9} {'99 %':>8} {'slowest':>8}"
    print(f"{heads}   the dead one")
    for loss in LOSSES:
        process = lab(loss)
        try:
            time.sleep(3)
            actions = asyncio.run(all_actions(count))
        finally:
            process.terminate()
            process.wait()
        alive = [action for action in actions if action.place != DEAD]
        dead = [action for action in actions if action.place == DEAD]
        false = [action for action in alive if not action.verified]
        times = sorted(action.seconds for action in alive)
        wrong += len(false) + sum(action.verified for action in dead)
        failed = sum(not action.verified for action in dead)
        told = f"{failed} of {len(dead)} failed, in {max(action.seconds for action in dead):.1f} s"
        row = f"{loss:<14.0%} {len(alive):>8} {len(false):>15} {statistics.median(times):>7.2f} s"
        print(f"{row} {times[-len(times) // 100]:>6.2f} s {times[-1]:>6.2f} s   {told}", flush=True)
        for action in false[:5]:
            print(f"  {action.reason}", flush=True)
    sys.exit(f"{wrong} actions with a wrong end" if wrong else 0)


if __name__ == "__main__":
    main()

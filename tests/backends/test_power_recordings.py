"""Walks of real PDUs, served by snmpsim: what our profiles make of devices that nobody here wrote.

The recordings are not part of the project. They are looked for below CLUSTO_TEST_DATA, or in `shared/data` beside the
checkout.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from snmpd import await_answer, free_port

from clusto_cli.backends.base import OutletReading, Relay
from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.recognise import SYS_OBJECT_ID, NotRecognised, recognise
from clusto_cli.backends.power.snmp import SnmpPower
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings, parse_oid

ALL = [profiles.load(name) for name in profiles.names()]
HERE = Path(__file__).resolve()
PLACES = [Path(place) for place in (os.environ.get("CLUSTO_TEST_DATA"),) if place]
PLACES += [parent.parent / "shared" / "data" for parent in HERE.parents[2:4]]
RECORDINGS = sorted({path.stem: path for place in PLACES for path in place.glob("**/pdu/*.snmprec")}.items())


@pytest.fixture(params=[path for _, path in RECORDINGS], ids=[name for name, _ in RECORDINGS])
def recording(request: pytest.FixtureRequest) -> Path:
    path: Path = request.param
    return path


@contextmanager
def served(recording: Path, directory: Path) -> Iterator[SnmpSettings]:
    """The recording on a port, its numbers writable and standing still."""
    program = shutil.which("snmpsim-command-responder", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("snmpsim is not installed (pip install snmpsim pysmi)")
    data = directory / "data"
    data.mkdir()
    lines = []
    for line in recording.read_text(errors="surrogateescape").splitlines():
        oid, tag, value = line.split("|", 2)
        if tag.startswith("2:numeric"):
            value = dict(part.split("=", 1) for part in value.split(",") if "=" in part)["initial"]
        if tag.partition(":")[0] == "2":
            tag, value = "2:writecache", f"value={value}"
        lines.append(f"{oid}|{tag}|{value}")
    (data / "pdu.snmprec").write_text("\n".join(lines) + "\n", errors="surrogateescape")
    port = free_port()
    command = [program, f"--data-dir={data}", f"--cache-dir={directory / 'cache'}"]
    command.append(f"--agent-udpv4-endpoint=127.0.0.1:{port}")
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=log, env={**os.environ, "SNMPSIM_ALLOW_ROOT": "true", "HOME": str(directory)}
        )
    settings = SnmpSettings("127.0.0.1", port, community="pdu", timeout=1, retries=9)
    try:
        await_answer(port, "pdu", process, directory / "log")
        yield settings
    finally:
        process.terminate()
        process.wait(10)


def test_a_recorded_pdu_is_recognised_and_read(recording: Path, tmp_path: Path) -> None:
    async def scenario(settings: SnmpSettings) -> None:
        async with SnmpDevice(settings) as device:
            claimed = await device.get(SYS_OBJECT_ID)
            states = [profile for profile in ALL if not profile.model and await _has_states(device, profile)]
            gude = claimed[:7] == parse_oid("1.3.6.1.4.1.28507") if isinstance(claimed, tuple) else False
            if not states and not gude:
                with pytest.raises(NotRecognised):
                    await recognise(device, ALL)
                return
            found = await recognise(device, ALL)
            power = SnmpPower(device, profiles.load(found.profile), found.model)
            listed = await power.outlets()
            assert listed
            assert {reading.relay for reading in listed} <= {Relay.ON, Relay.OFF}
            chosen = listed[-1].outlet
            reading = (await power.read([chosen]))[chosen]
            assert isinstance(reading, OutletReading)
            assert (reading.relay, reading.label) == (listed[-1].relay, listed[-1].label)
            steps = (await power.steps([chosen], reading.relay is Relay.OFF))[chosen]
            # A recording does not couple what is commanded with what is shown, and may lack the command altogether.
            where = parse_oid(steps[-1].where)
            if await device.get(where) is not None:
                await power.switch([chosen], reading.relay is Relay.OFF)
                assert f"INTEGER {await device.get(where)}" == steps[-1].what

    with served(recording, tmp_path) as settings:
        asyncio.run(scenario(settings))


async def _has_states(device: SnmpDevice, profile: profiles.Profile) -> bool:
    first = await device.get_next(profile.state.oid.fixed)
    return first is not None and first.oid[: len(profile.state.oid.fixed)] == profile.state.oid.fixed


def test_recordings_are_found_when_they_are_said_to_be_there() -> None:
    if not os.environ.get("CLUSTO_TEST_DATA"):
        pytest.skip("CLUSTO_TEST_DATA names no directory of recordings")
    assert RECORDINGS

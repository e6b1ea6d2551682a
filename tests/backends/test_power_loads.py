"""What PDUs measure, over real UDP: every family on a simulated PDU, values of known devices, and hostile ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab.agent import Agent, Manners
from lab.meter import Meter
from lab.pdu import Pdu
from snmpd import await_answer, free_port

from clusto_cli.backends.base import LoadReading, MeteredControl
from clusto_cli.backends.errors import Refused, Unreachable
from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.loadprofile import KINDS, Quantity
from clusto_cli.backends.power.profile import ProfileError
from clusto_cli.backends.power.recognise import SYS_OBJECT_ID, NotRecognised, Recognition, recognise
from clusto_cli.backends.power.snmp import SnmpPower
from clusto_cli.backends.power.template import OidTemplate
from clusto_cli.backends.snmp import SnmpDevice, SnmpSettings, Tag
from tests.backends.test_power_recordings import ALL, RECORDINGS

MEASURING = [name for name in profiles.names() if profiles.load(name).loads]


async def read(pdu: Pdu, manners: Manners | None = None, version: str = "2c") -> tuple[list[LoadReading], int]:
    """What a simulated PDU measures, and how many requests that took."""
    agent = Agent(pdu, manners=manners)
    port = await agent.start()
    device = SnmpDevice(SnmpSettings("127.0.0.1", port, version, "public", timeout=0.2, retries=9))
    try:
        async with SnmpPower(device, pdu.profile, 7 if pdu.profile.model else None) as power:
            assert isinstance(power, MeteredControl)
            return await power.loads(), device.requests
    finally:
        agent.stop()


def loads_of(pdu: Pdu, manners: Manners | None = None, version: str = "2c") -> list[LoadReading]:
    return asyncio.run(read(pdu, manners, version))[0]


@pytest.mark.parametrize("version", ["1", "2c"])
@pytest.mark.parametrize("name", MEASURING)
def test_a_family_measures_each_outlet_once_and_its_whole_load(name: str, version: str) -> None:
    pdu = Pdu(profiles.load(name), 5)
    Meter(pdu, lambda outlet: 46.0 * outlet.number)
    found = loads_of(pdu, version=version)
    assert [KINDS.index(each.of) for each in found] == sorted(KINDS.index(each.of) for each in found)
    assert all(not each.notes and each.state in (None, "ok") for each in found)
    metered = {each.name for each in found if each.of == "outlet"}
    assert metered in (set(), set(pdu.outlets))
    for each in found:
        watts = 46.0 * (pdu.outlets[each.name].number if each.of == "outlet" else 15)
        # APC and Dell say tens of watts, and tenths of amperes.
        assert each.values.get("watts", watts) == pytest.approx(watts, abs=5)
        assert each.values.get("amperes", watts / 230) == pytest.approx(watts / 230, abs=0.5)
        assert each.values.get("volts", 230.0) == pytest.approx(230.0)
        assert each.values.get("kilowatt_hours", 12.0) == pytest.approx(12.0)
        assert each.values.get("power_factor", 1.0) == 1.0


@pytest.mark.parametrize("name", profiles.names())
def test_a_profile_says_what_it_measures_and_by_what_source_or_why_it_does_not(name: str) -> None:
    profile = profiles.load(name)
    assert bool(profile.loads) is bool(profile.load_source)
    if not profile.loads:
        with pytest.raises(Refused, match="measures nothing"):
            loads_of(Pdu(profile, 2))


@pytest.mark.parametrize(
    ("quantity", "said", "measured"),
    [
        (Quantity(OidTemplate("1.3.1"), 0.1), 65, 6.5),
        (Quantity(OidTemplate("1.3.1"), 10), 121, 1210.0),
        (Quantity(OidTemplate("1.3.1"), 0.1), -1, None),
        (Quantity(OidTemplate("1.3.1")), None, None),
        (Quantity(OidTemplate("1.3.1")), 2**32 - 1, None),
        (Quantity(OidTemplate("1.3.1"), invalid=frozenset({65535})), 65535, None),
        (Quantity(OidTemplate("1.3.1")), b" 12.5 ", 12.5),
    ],
)
def test_units_scales_and_marks_of_what_is_not_measured(quantity: Quantity, said: object, measured: object) -> None:
    assert quantity.measured(said) == measured  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("exponent", "measured"), [(0, 1602.0), (-1, 160.2), (3, 1602000.0), (None, 1602.0), (99, 1602.0)]
)
def test_powers_of_ten_come_from_a_column(exponent: int | None, measured: float) -> None:
    assert Quantity(OidTemplate("1.3.1")).measured(1602, exponent=exponent) == measured


def test_rows_of_which_a_column_says_something_else_are_left_out() -> None:
    pdu = Pdu(profiles.load("riedo-updu"), 2)
    Meter(pdu)
    meters = "1.3.6.1.4.1.55108.1.3.1.1"
    for number, (kind, quality) in enumerate([(4, 0), (6, 2), (7, 0), (6, 0)]):
        row = (0, number)
        pdu.show(OidTemplate(f"{meters}.2"), row, lambda number=number: (Tag.OCTET_STRING, b"C%d" % number))
        pdu.show(OidTemplate(f"{meters}.3"), row, lambda kind=kind: (Tag.INTEGER, kind))
        pdu.show(OidTemplate(f"{meters}.15"), row, lambda quality=quality: (Tag.INTEGER, quality))
        pdu.show(OidTemplate(f"{meters}.7"), row, lambda: (Tag.INTEGER, 70))
    found = [(each.of, each.name) for each in loads_of(pdu) if each.name.startswith("C")]
    assert found == [("outlet", "C3")]


@pytest.mark.parametrize("said", [b"\xff\xfe", b"", b"high", b"nan", b"inf", 10**9, b"1e400"])
def test_what_cannot_be_is_told_and_not_counted(said: bytes | int) -> None:
    pdu = Pdu(profiles.load("apc-rpdu2"), 2)
    Meter(pdu).says["watts"] = said
    found = loads_of(pdu)
    for each in found:
        assert "watts" not in each.values
        assert [note.endswith("for watts, which cannot be") for note in each.notes] == [True] * (each.of != "bank")
        assert "amperes" in each.values or each.of == "inlet"


def test_a_device_that_answers_small_messages_only_or_none_at_all() -> None:
    pdu = Pdu(profiles.load("apc-rpdu2"), 24)
    Meter(pdu)
    whole = loads_of(pdu)
    assert loads_of(pdu, Manners(max_octets=400)) == whole
    assert loads_of(pdu, Manners(loss=0.2)) == whole
    device = SnmpDevice(SnmpSettings("127.0.0.1", 9, timeout=0.05, retries=1))

    async def silent() -> None:
        async with SnmpPower(device, pdu.profile) as power:
            with pytest.raises(Unreachable):
                await power.loads()

    asyncio.run(silent())


@pytest.mark.parametrize(
    ("table", "what"),
    [
        ('of = "socket"\nwatts = { oid = "1.3.1" }', "load.of is one of"),
        ('of = "inlet"', "measures nothing"),
        ('of = "inlet"\nwats = { oid = "1.3.1" }', "unknown key load.wats"),
        ('of = "inlet"\nwatts = { oid = "1.3.1", scal = 2 }', "unknown key load.watts.scal"),
        ('of = "inlet"\nwatts = { oid = "1.3.x" }', "neither a number"),
    ],
)
def test_a_slip_in_a_profile_is_told(table: str, what: str) -> None:
    text = Path(profiles.__file__).parents[1].joinpath("profiles/power/wti.toml").read_text()
    with pytest.raises(ProfileError, match=what):
        profiles.parse("mine", f"{text}\n[[load]]\n{table}\n")


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port on which all recordings are served, each as the community of its name."""
    if not RECORDINGS:
        pytest.skip("no recordings of PDUs below CLUSTO_TEST_DATA")
    program = shutil.which("snmpsim-command-responder", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        pytest.skip("snmpsim is not installed (pip install snmpsim pysmi)")
    directory, port = tmp_path_factory.mktemp("recorded"), free_port()
    command = [program, f"--data-dir={RECORDINGS[0][1].parent}", f"--cache-dir={directory / 'cache'}"]
    command.append(f"--agent-udpv4-endpoint=127.0.0.1:{port}")
    with (directory / "log").open("wb") as log:
        environment = {**os.environ, "SNMPSIM_ALLOW_ROOT": "true", "HOME": str(directory)}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
    try:
        await_answer(port, RECORDINGS[0][0], process, directory / "log")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def test_recorded_devices_measure_what_fits_together(recorded: int) -> None:
    """Watts are about amperes times volts times power factor: a scale that is wrong is so by tens."""
    seen = {name: asyncio.run(_recording(recorded, name)) for name, _ in RECORDINGS}
    measured = {name: loads for name, loads in seen.items() if loads}
    assert len(measured) >= len(seen) / 2
    for name, loads in measured.items():
        for each in loads:
            assert not each.notes, (name, each)
            _fits_together(name, each)


async def _recording(port: int, community: str) -> list[LoadReading]:
    """What a recorded device measures; of one whose states were not recorded, by what it says that it is."""
    async with SnmpDevice(SnmpSettings("127.0.0.1", port, community=community, timeout=2, retries=9)) as device:
        try:
            found = await recognise(device, ALL)
        except NotRecognised:
            own = await device.get(SYS_OBJECT_ID)
            assert isinstance(own, tuple)
            claims = [(len(claim), each) for each in ALL for claim in each.sysobjectids if own[: len(claim)] == claim]
            found = Recognition(max(claims, key=lambda pair: (pair[0], pair[1].priority))[1].name)
        profile = profiles.load(found.profile)
        return await SnmpPower(device, profile, found.model).loads() if profile.loads else []


def _fits_together(name: str, load: LoadReading) -> None:
    values = load.values
    if {"amperes", "volts"} <= values.keys() and max(values.get("watts", 0), values.get("volt_amperes", 0)) > 50:
        apparent = values["amperes"] * values["volts"]
        assert values.get("volt_amperes", apparent) == pytest.approx(apparent, rel=0.2), (name, load)
        if "watts" in values:
            assert apparent * 0.4 < values["watts"] < apparent * 1.1, (name, load)


def test_the_page_says_of_each_family_what_it_measures_and_by_what_source() -> None:
    page = Path(__file__).parents[2].joinpath("docs", "power.md").read_text()
    for name in MEASURING:
        profile = profiles.load(name)
        measures = ", ".join(dict.fromkeys(table.of for table in profile.loads))
        assert f"| `{name}` | {measures} | {profile.load_source} |\n" in page

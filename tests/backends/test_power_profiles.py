"""Every profile, end to end over UDP: recognised, read, switched and read back on a simulated PDU of its family."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lab.agent import Agent, Manners
from lab.pdu import Pdu

from clusto_cli.backends.base import Concern, OutletReading, Relay
from clusto_cli.backends.errors import DeviceError, NoSuchPort
from clusto_cli.backends.power import profile as profiles
from clusto_cli.backends.power.profile import Meaning, Profile, ProfileError
from clusto_cli.backends.power.recognise import NotRecognised, Recognition, recognise
from clusto_cli.backends.power.snmp import SnmpPower
from clusto_cli.backends.power.template import OidTemplate, TemplateError
from clusto_cli.backends.snmp import Oid, SnmpDevice, SnmpSettings, Tag, Varbind, parse_oid
from tests.power_room import apc_delayed

NAMES = profiles.names()
ALL = [profiles.load(name) for name in NAMES]


@asynccontextmanager
async def power_of(pdu: Pdu, manners: Manners | None = None, version: str = "2c") -> AsyncIterator[SnmpPower]:
    agent = Agent(pdu, manners=manners)
    port = await agent.start()
    settings = SnmpSettings("127.0.0.1", port, version, "public", "private", timeout=0.2, retries=9)
    try:
        async with SnmpPower(SnmpDevice(settings), pdu.profile, 7 if pdu.profile.model else None) as power:
            yield power
    finally:
        agent.stop()


async def relays(power: SnmpPower, outlets: list[str]) -> list[Relay]:
    readings = await power.read(outlets, brief=True)
    return [reading.relay for reading in readings.values() if isinstance(reading, OutletReading)]


def names_of(pdu: Pdu) -> list[str]:
    return list(pdu.outlets)


@pytest.mark.parametrize("name", NAMES)
def test_a_family_is_recognised_listed_switched_and_read_back(name: str) -> None:
    pdu = Pdu(profiles.load(name), 10, name=name)

    async def scenario() -> None:
        async with power_of(pdu) as power:
            found = await recognise(power._device, ALL)
            assert found == Recognition(name, 7 if pdu.profile.model else None)
            listed = await power.outlets()
            assert [reading.outlet for reading in listed] == names_of(pdu)
            assert {reading.relay for reading in listed} == {Relay.ON}
            assert {reading.concerns for reading in listed} == {()}
            chosen = [names_of(pdu)[place] for place in (0, 2, 8, 9)]
            assert await power.switch(chosen, False) == {}
            assert await relays(power, chosen) == [Relay.OFF] * 4
            assert [text for text, outlet in pdu.outlets.items() if outlet.relay is Relay.OFF] == chosen
            assert await power.switch(chosen[:3], True) == {}
            assert await relays(power, chosen) == [Relay.ON] * 3 + [Relay.OFF]
            assert [text for text, outlet in pdu.outlets.items() if outlet.relay is Relay.OFF] == chosen[3:]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", NAMES)
def test_a_number_is_enough_to_name_an_outlet(name: str) -> None:
    pdu = Pdu(profiles.load(name), 10)

    async def scenario() -> None:
        async with power_of(pdu, version="1") as power:
            assert await power.switch(["9"], False) == {}

    asyncio.run(scenario())
    assert [outlet.number for outlet in pdu.outlets.values() if outlet.relay is Relay.OFF] == [9]


@pytest.mark.parametrize("name", NAMES)
def test_dry_run_names_what_is_then_sent(name: str) -> None:
    pdu = Pdu(profiles.load(name), 4)
    sent: list[str] = []

    async def scenario() -> list[str]:
        write = pdu.write

        def record(varbinds):  # type: ignore[no-untyped-def]
            sent.extend(".".join(map(str, varbind.oid)) for varbind in varbinds)
            return write(varbinds)

        pdu.write = record  # type: ignore[method-assign]
        async with power_of(pdu) as power:
            steps = await power.steps(["3"], False)
            assert not sent
            await power.switch(["3"], False)
            return [step.where for step in steps["3"]]

    assert asyncio.run(scenario()) == sent


@pytest.mark.parametrize("name", NAMES)
def test_an_outlet_that_is_not_there(name: str) -> None:
    pdu = Pdu(profiles.load(name), 4)

    async def scenario() -> dict[str, OutletReading | DeviceError]:
        async with power_of(pdu) as power:
            return await power.read(["11", "x7", "0", "4"])

    found = asyncio.run(scenario())
    assert [type(found[outlet]) for outlet in ("11", "x7", "0")] == [NoSuchPort] * 3
    assert isinstance(found["4"], OutletReading)


CHAINED = [profile.name for profile in ALL if profile.rows or (profile.index and profile.index.mentions("unit"))]


@pytest.mark.parametrize("name", CHAINED)
def test_a_chain_of_units(name: str) -> None:
    pdu = Pdu(profiles.load(name), 6, units=3)
    second = f"{pdu.profile.unit + 1}.5"

    async def scenario() -> None:
        async with power_of(pdu) as power:
            assert [reading.outlet for reading in await power.outlets()] == names_of(pdu)
            assert await power.switch([second, "2"], False) == {}

    asyncio.run(scenario())
    assert [text for text, outlet in pdu.outlets.items() if outlet.relay is Relay.OFF] == ["2", second]


@pytest.mark.parametrize("name", [profile.name for profile in ALL if profile.rows])
def test_a_row_of_another_unit_is_not_an_outlet_of_the_first(name: str) -> None:
    pdu = Pdu(profiles.load(name), 6, units=2)

    async def scenario() -> dict[str, OutletReading | DeviceError]:
        async with power_of(pdu) as power:
            return await power.read(["2", "9"])

    readings = asyncio.run(scenario())
    assert isinstance(readings["2"], OutletReading)
    assert isinstance(readings["9"], NoSuchPort)


SAYS_LOCKED = [
    profile.name
    for profile in ALL
    if any(m.concern is Concern.LOCK for column in profile.signs for m in column.codes.values())
]


@pytest.mark.parametrize("name", SAYS_LOCKED)
def test_a_locked_outlet_says_so_before_it_is_switched(name: str) -> None:
    pdu = Pdu(profiles.load(name), 4)
    list(pdu.outlets.values())[1].locked = True

    async def scenario() -> list[str | None]:
        async with power_of(pdu) as power:
            readings = await power.read(["1", "2"])
            return [
                reading.concern(Concern.LOCK) for reading in readings.values() if isinstance(reading, OutletReading)
            ]

    first, second = asyncio.run(scenario())
    assert first is None
    assert second


def _bars(profile: Profile) -> bool:
    return any(
        meaning.concern is Concern.BAR
        for column in profile.signs
        for meaning in [*column.codes.values(), column.otherwise]
        if meaning is not None
    )


@pytest.mark.parametrize("name", [profile.name for profile in ALL if _bars(profile)])
def test_an_outlet_that_only_measures_says_so(name: str) -> None:
    pdu = Pdu(profiles.load(name), 4)
    list(pdu.outlets.values())[2].switchable = False

    async def scenario() -> OutletReading | DeviceError:
        async with power_of(pdu) as power:
            return (await power.read(["3"]))["3"]

    reading = asyncio.run(scenario())
    assert isinstance(reading, OutletReading)
    assert reading.concern(Concern.BAR)


def _says_changing(profile: Profile) -> bool:
    columns = [profile.state, *profile.signs]
    return any(meaning.relay is Relay.CHANGING for column in columns for meaning in column.codes.values())


@pytest.mark.parametrize("name", [profile.name for profile in ALL if _says_changing(profile)])
def test_a_relay_under_way_is_neither_on_nor_off(name: str) -> None:
    pdu = Pdu(profiles.load(name), 4)
    for outlet in pdu.outlets.values():
        outlet.moves_after = 60

    async def scenario() -> list[Relay]:
        async with power_of(pdu) as power:
            await power.switch(["3"], False)
            return await relays(power, ["1", "3"])

    assert asyncio.run(scenario()) == [Relay.ON, Relay.CHANGING]


def test_rows_beyond_the_number_of_outlets_are_no_outlets() -> None:
    pdu = Pdu(profiles.load("hpe-g2-pdu3"), 24, phantoms=24)

    async def scenario() -> tuple[int, OutletReading | DeviceError]:
        async with power_of(pdu) as power:
            return len(await power.outlets()), (await power.read(["25"]))["25"]

    listed, beyond = asyncio.run(scenario())
    assert listed == 24
    assert isinstance(beyond, NoSuchPort)


def test_rows_that_end_alike_are_not_guessed() -> None:
    pdu = Pdu(profiles.load("vertiv-mph"), 3, units=2, row=lambda unit, number: (1, unit, number))

    async def scenario() -> None:
        async with power_of(pdu) as power:
            error = (await power.read(["2"]))["2"]
            assert "1.1.2, 1.2.2" in str(error)
            assert await power.switch(["1.2.2"], False) == {}

    asyncio.run(scenario())
    assert [text for text, outlet in pdu.outlets.items() if outlet.relay is Relay.OFF] == ["1.2.2"]


@pytest.mark.parametrize(
    ("name", "delay"), [("raritan-px2", 3000), ("servertech-sentry3", 3), ("servertech-sentry4", 3)]
)
def test_a_delay_between_outlets_adds_up_over_those_that_are_told(name: str, delay: int) -> None:
    pdu = Pdu(profiles.load(name), 8, delay=delay)

    async def scenario() -> None:
        async with power_of(pdu) as power:
            three = ["1", "2", "3"]
            await power.read(three)
            asked = power._device.requests
            settle = pdu.profile.command.settle
            assert await power.settle_times(three, True) == dict.fromkeys(three, settle + 9)
            assert await power.settle_times(three, False) == dict.fromkeys(three, settle)
            # They came with the states.
            assert power._device.requests == asked
            assert await power.settle_times(["8"], True) == {"8": settle + 3}

    asyncio.run(scenario())


def test_an_outlets_own_delay_lengthens_the_wait_for_no_other() -> None:
    pdu = Pdu(profiles.parse("apc-delayed", apc_delayed()), 4)
    first, second, third, _ = pdu.outlets.values()
    first.delays, second.delays, third.delays = {True: 7200, False: 0}, {True: 0, False: 60}, {True: -1, False: -1}

    async def scenario() -> None:
        async with power_of(pdu) as power:
            readings = await power.read(["1", "2", "3", "4"])
            ons, offs = [await power.settle_times(list(readings), on) for on in (True, False)]
            assert ons == {"1": 7200.3, "2": 0.3, "3": 0.3, "4": 0.3}
            assert offs == {"1": 0.3, "2": 60.3, "3": 0.3, "4": 0.3}
            told = [reading.never for reading in readings.values() if isinstance(reading, OutletReading)]
            assert told[0] == told[1] == told[3] == {}
            assert told[2] == {
                True: "the device is set never to turn it on (its delay is -1)",
                False: "the device is set never to turn it off (its delay is -1)",
            }

    asyncio.run(scenario())


def test_a_device_without_the_variable_of_a_delay_adds_none() -> None:
    pdu = Pdu(profiles.load("servertech-sentry3"), 4, delay=900)
    column = parse_oid("1.3.6.1.4.1.1718.3.2.3.1.20")
    for oid in [oid for oid in pdu._variables if oid[: len(column)] == column]:
        del pdu._variables[oid]

    async def scenario(version: str) -> dict[str, float]:
        async with power_of(pdu, version=version) as power:
            assert await relays(power, ["1", "2"]) == [Relay.ON, Relay.ON]
            return await power.settle_times(["1", "2"], True)

    assert asyncio.run(scenario("1")) == asyncio.run(scenario("2c")) == {"1": 10.0, "2": 10.0}


def test_a_device_that_unlocks_takes_no_command_before() -> None:
    pdu = Pdu(profiles.load("schleifenbauer"), 4)

    async def scenario() -> None:
        async with power_of(pdu) as power:
            address = (await power._addresses.find(["2"]))["2"]
            assert not isinstance(address, DeviceError)
            await power._device.set([power._varbind(address, False)])
            assert await relays(power, ["2"]) == [Relay.ON]
            assert await power.switch(["2"], False) == {}
            assert await relays(power, ["2"]) == [Relay.OFF]

    asyncio.run(scenario())


def test_two_writers_of_one_string_notice_each_other() -> None:
    pdu = Pdu(profiles.load("digipower"), 8)

    async def scenario() -> dict[str, DeviceError]:
        write = pdu.write

        def and_somebody_else(varbinds):  # type: ignore[no-untyped-def]
            done = write(varbinds)
            pdu.outlets["6"].command(False)
            return done

        pdu.write = and_somebody_else  # type: ignore[method-assign]
        async with power_of(pdu) as power:
            return await power.switch(["2"], False)

    failures = asyncio.run(scenario())
    assert "another client changed outlet 6" in str(failures["2"])


def test_a_string_is_written_as_often_as_it_takes_and_no_oftener() -> None:
    pdu = Pdu(profiles.load("digipower"), 8)

    async def scenario() -> None:
        async with power_of(pdu, Manners(loss=0.2, duplicates=0.2, seed=3)) as power:
            assert await power.switch(["2", "3"], False) == {}

    asyncio.run(scenario())
    assert [len(outlet.commands) for outlet in pdu.outlets.values()] == [0, 1, 1, 0, 0, 0, 0, 0]


def test_a_pdu_that_answers_three_tables_gets_the_best() -> None:
    tables = [Pdu(profiles.load(name), 8) for name in ("apc-masterswitch", "apc-rpdu", "apc-rpdu2")]

    class Three(Pdu):
        def names(self):  # type: ignore[no-untyped-def]
            return sorted({name for table in tables for name in table.names()})

        def read(self, oid):  # type: ignore[no-untyped-def]
            return next((found for table in tables if (found := table.read(oid))), None)

    async def scenario(identity: str) -> str:
        tables[0]._constant(parse_oid("1.3.6.1.2.1.1.2.0"), 6, parse_oid(identity))  # type: ignore[arg-type]
        async with power_of(Three(profiles.load("apc-rpdu"))) as power:
            return (await recognise(power._device, ALL)).profile

    assert asyncio.run(scenario("1.3.6.1.4.1.318.1.3.4.8")) == "apc-rpdu2"
    assert asyncio.run(scenario("1.3.6.1.4.1.318.1.3.4.5")) == "apc-rpdu"
    assert asyncio.run(scenario("1.3.6.1.4.1.318.1.3.4.2")) == "apc-masterswitch"


def test_a_device_that_hides_its_maker_is_told_by_its_table() -> None:
    pdu = Pdu(profiles.load("dataprobe-iboot"), 8, sysobjectid=parse_oid("1.3.6.1.4.1.8072.3.2.10"))

    async def scenario() -> Recognition:
        async with power_of(pdu) as power:
            return await recognise(power._device, ALL)

    assert asyncio.run(scenario()).profile == "dataprobe-iboot"


def test_what_is_no_pdu_is_not_taken_for_one() -> None:
    pdu = Pdu(profiles.load("apc-rpdu"), 8)
    pdu._names = [name for name in pdu._names if name[:6] == (1, 3, 6, 1, 2, 1)]

    async def scenario() -> None:
        async with power_of(pdu) as power:
            await recognise(power._device, ALL)

    with pytest.raises(NotRecognised, match=r"sysObjectID 1\.3\.6.*power\.profile"):
        asyncio.run(scenario())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text.replace("[command]\n", "[command]\noff_code = 2\n"), "unknown key command.off_code"),
        (lambda text: text.replace("off = 2\n", ""), "off is missing"),
        (lambda text: text.replace('2 = "off"', '2 = "dark"'), "dark"),
        (lambda text: text.replace('2 = "off"', '2 = "on"'), "no code for off"),
        (lambda text: text.replace('index = "{outlet}"', 'index = "{port}"'), "port"),
        (lambda text: text.replace('index = "{outlet}"', ""), "exactly one of index, rows, search and named"),
        (lambda text: text + "=", "line"),
        (lambda text: text + '\n[delay.up]\noid = "1.3.6"\n', "unknown key delays.up"),
        (lambda text: text + '\n[delay.on]\noid = "1.3.6"\nnevr = -1\n', "unknown key delay.nevr"),
    ],
)
def test_a_slip_in_a_profile_names_the_profile_and_the_key(change: Callable[[str], str], message: str) -> None:
    text = Path(profiles.__file__).parents[1].joinpath("profiles/power/apc-rpdu.toml").read_text()
    assert profiles.parse("mine", text).state.codes["1"] == Meaning(Relay.ON)
    with pytest.raises(ProfileError, match=f"profile mine: .*{message}"):
        profiles.parse("mine", change(text))


def test_a_sites_own_profile_comes_before_the_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    site = tmp_path / "clusto" / "profiles" / "power"
    site.mkdir(parents=True)
    text = Path(profiles.__file__).parents[1].joinpath("profiles/power/apc-rpdu.toml").read_text()
    (site / "apc-rpdu.toml").write_text(text.replace("APC / Schneider", "Site"))
    (site / "ours.toml").write_text(text)
    assert profiles.load("apc-rpdu").vendor == "Site"
    assert "ours" in profiles.names()
    with pytest.raises(ProfileError, match="no such PDU profile: nonesuch"):
        profiles.load("nonesuch")


@pytest.mark.parametrize("text", ["1.3.{slot}.0", "1.3.x", "1.3..0", "1.3.{outlet*2}.0"])
def test_templates_that_are_none(text: str) -> None:
    with pytest.raises(TemplateError):
        OidTemplate(text)


@given(st.integers(1, 500), st.integers(0, 9), st.integers(-3, 3), st.one_of(st.none(), st.integers(4, 20)))
def test_a_template_finds_the_numbers_it_was_filled_with(outlet: int, unit: int, shift: int, skip: int | None) -> None:
    left_out = f" skip {skip}" if skip is not None else ""
    template = OidTemplate(f"1.3.{{unit}}.{{outlet{shift:+d}{left_out}}}.0")
    if outlet + shift < 0:
        return
    oid = template.fill(outlet=outlet, unit=unit)
    assert template.match(oid) == {"outlet": outlet, "unit": unit}
    assert oid[3] != skip


def test_the_numbering_that_skips_ten() -> None:
    command = profiles.load("aten-pe").command.on[0]
    assert [command.fill(outlet=outlet)[-2] for outlet in (1, 8, 9, 42)] == [2, 9, 11, 44]


@pytest.mark.parametrize(
    ("name", "outlet", "on", "off", "reads"),
    [
        # Written out from the vendors' MIBs: what is sent to outlet 7 (or the one named), and what reads as on and off.
        ("apc-rpdu", "7", "318.1.1.12.3.3.1.1.4.7 = 1", "318.1.1.12.3.3.1.1.4.7 = 2", "1 2"),
        ("apc-rpdu2", "7", "318.1.1.26.9.2.4.1.5.7 = 1", "318.1.1.26.9.2.4.1.5.7 = 2", "2 1"),
        ("apc-easypdu", "7", "318.1.1.30.6.2.1.4.7 = 1", "318.1.1.30.6.2.1.4.7 = 2", "2 1"),
        ("apc-cpdu", "7", "318.1.1.32.5.5.1.4.1.7 = 2", "318.1.1.32.5.5.1.4.1.7 = 1", "1 0"),
        ("apc-masterswitch-plus", "7", "318.1.1.6.5.1.1.5.1.1.7 = 1", "318.1.1.6.5.1.1.5.1.1.7 = 3", "1 2"),
        ("servertech-sentry3", "AA7", "1718.3.2.3.1.11.1.1.7 = 1", "1718.3.2.3.1.11.1.1.7 = 2", "1 0"),
        ("raritan-px2", "7", "13742.6.4.1.2.1.2.1.7 = 1", "13742.6.4.1.2.1.2.1.7 = 0", "7 8"),
        ("eaton-epdu", "7", "534.6.6.7.6.6.1.4.0.7 = 0", "534.6.6.7.6.6.1.3.0.7 = 0", "1 0"),
        ("eaton-revelation", "7", "534.6.6.6.1.2.2.1.3.6 = 1", "534.6.6.6.1.2.2.1.3.6 = 0", "1 0"),
        ("eaton-pulizzi", "7", "20677.2.6.2.8.0 = 1", "20677.2.6.2.8.0 = 2", "1 2"),
        ("geist-v3", "7", "21239.2.16.1.3.7 = 1", "21239.2.16.1.3.7 = 3", "1 0"),
        ("vertiv-geist-v5", "7", "21239.5.2.3.5.1.6.7 = 2", "21239.5.2.3.5.1.6.7 = 4", "1 2"),
        ("vertiv-mph", "7", "476.1.42.3.8.50.20.1.100.1.1.7 = 1", "476.1.42.3.8.50.20.1.100.1.1.7 = 0", "2 1"),
        ("avocent-pm", "7", "10418.17.2.5.5.1.6.1.1.7 = 2", "10418.17.2.5.5.1.6.1.1.7 = 3", "2 1"),
        ("enlogic", "7", "38446.1.5.5.1.4.1.7 = 2", "38446.1.5.5.1.4.1.7 = 1", "1 0"),
        ("hpe-g2-pdu2", "7", "232.165.7.5.2.1.3.0.7 = 0", "232.165.7.5.2.1.2.0.7 = 0", "2 1"),
        ("hpe-g2-pdu3", "7", "232.165.11.5.2.1.3.1.7 = 0", "232.165.11.5.2.1.2.1.7 = 0", "2 1"),
        ("panduit-g5", "7", "19536.10.1.5.2.1.3.1.7 = 0", "19536.10.1.5.2.1.2.1.7 = 0", "2 1"),
        ("gude-epc", "7", "28507.7.1.3.1.2.1.3.7 = 1", "28507.7.1.3.1.2.1.3.7 = 0", "1 0"),
        ("aten-pe", "8", "21317.1.3.2.2.2.2.9.0 = 2", "21317.1.3.2.2.2.2.9.0 = 1", "2 1"),
        ("aten-pe", "9", "21317.1.3.2.2.2.2.11.0 = 2", "21317.1.3.2.2.2.2.11.0 = 1", "2 1"),
        ("wti", "7", "2634.3.100.200.1.4.7 = 5", "2634.3.100.200.1.4.7 = 6", "1 0"),
        ("ibm-pdu", "7", "2.6.223.8.2.2.1.11.7 = 1", "2.6.223.8.2.2.1.11.7 = 0", "1 0"),
        ("lenovo-pdu", "7", "2.6.223.8.2.2.1.13.7 = 1", "2.6.223.8.2.2.1.13.7 = 0", "1 0"),
        ("dataprobe-iboot", "7", "1418.6.5.1.5.6 = 1", "1418.6.5.1.5.6 = 0", "1 0"),
        ("dell-rpdu", "7", "674.10903.200.2.200.130.1.4.1.4.7 = 1", "674.10903.200.2.200.130.1.4.1.4.7 = 2", "1 2"),
        ("powertek", "7", "42610.1.4.4.1.6.2.1.4.1.2.7 = 2", "42610.1.4.4.1.6.2.1.4.1.2.7 = 4", "2 1"),
    ],
)
def test_what_is_written_where_and_what_is_read_as_what(name: str, outlet: str, on: str, off: str, reads: str) -> None:
    pdu = Pdu(profiles.load(name), 10)

    async def scenario() -> list[str]:
        async with power_of(pdu) as power:
            told = [(await power.steps([outlet], direction))[outlet][-1] for direction in (True, False)]
            tag = "GAUGE32" if name == "geist-v3" else "INTEGER"
            assert all(step.what.startswith(tag) for step in told)
            return [f"{step.where.removeprefix('1.3.6.1.4.1.')} = {step.what.split()[-1]}" for step in told]

    assert asyncio.run(scenario()) == [on, off]
    states = {meaning.relay: code for code, meaning in reversed(pdu.profile.state.codes.items()) if not meaning.concern}
    assert f"{states[Relay.ON]} {states[Relay.OFF]}" == reads


class Written:
    """Variables as they stand in a table, integers and texts, all of them writable."""

    def __init__(self, variables: dict[str, int | str]) -> None:
        self.variables = {parse_oid(name): value for name, value in variables.items()}

    def names(self) -> list[Oid]:
        return sorted(self.variables)

    def read(self, oid: Oid) -> Varbind | None:
        value = self.variables.get(oid)
        if value is None:
            return None
        return Varbind(oid, Tag.OCTET_STRING, value.encode()) if isinstance(value, str) else Varbind(oid, 2, value)

    def write(self, varbinds: Sequence[Varbind]) -> tuple[int, int]:
        for varbind in varbinds:
            assert isinstance(varbind.value, int)
            self.variables[varbind.oid] = varbind.value
        return 0, 0


async def on_agent(variables: Written, name: str, use: Callable[[SnmpPower], Awaitable[None]]) -> None:
    agent = Agent(variables)
    port = await agent.start()
    try:
        device = SnmpDevice(SnmpSettings("127.0.0.1", port, write_community="private"))
        async with SnmpPower(device, profiles.load(name)) as power:
            assert (await recognise(device, ALL)).profile == name
            await use(power)
    finally:
        agent.stop()


def listing(readings: list[OutletReading]) -> dict[str, Relay]:
    return {reading.outlet: reading.relay for reading in readings}


def test_sixty_scalars_behind_a_malformed_identity() -> None:
    """Chatsworth: a variable an outlet, and a sysObjectID that nobody claims."""
    states = {f"1.3.6.1.4.1.30932.1.1.3.7.{outlet}.0": int(outlet != 60) for outlet in range(1, 61)}
    unit = Written({**states, "1.3.6.1.4.1.30932.1.10.1.1.42.60.0": "web60"})

    async def use(power: SnmpPower) -> None:
        found = await power.outlets()
        assert listing(found) == {str(n): Relay.ON if n != 60 else Relay.OFF for n in range(1, 61)}
        assert found[-1].label == "web60"
        assert await power.switch(["60"], True) == {}
        assert unit.variables[parse_oid("1.3.6.1.4.1.30932.1.1.4.1.60.0")] == 1

    asyncio.run(on_agent(unit, "chatsworth", use))


def test_thirty_relays_among_variables_of_all_kinds() -> None:
    """Rittal: which variable is a relay, and which its label, only the variables' names say; numbers are no help."""
    table, variables = "1.3.6.1.4.1.2606.7.4.2.2.1", {}
    for unit, count in ((2, 30), (3, 2)):
        for outlet in range(1, count + 1):
            relay, label = 1000 - 7 * outlet, 2000 + 3 * outlet
            variables |= {
                f"{table}.3.{unit}.{relay}": f"Sockets.Socket {outlet:02}.General.Relay",
                f"{table}.3.{unit}.{label}": f"Sockets.Socket {outlet:02}.General.DescName",
                f"{table}.3.{unit}.{relay + 1}": f"Sockets.Socket {outlet:02}.General.Relay Status",
                f"{table}.10.{unit}.{label}": f"socket {unit}-{outlet}",
                f"{table}.10.{unit}.{relay}": "On",
                f"{table}.11.{unit}.{relay}": 1 if outlet != 2 else 0,
                f"{table}.13.{unit}.{relay}": 3 if outlet != 3 else 1,
            }
    controller = Written(variables)

    async def use(power: SnmpPower) -> None:
        found = {reading.outlet: reading for reading in await power.outlets()}
        assert list(found) == [*map(str, range(1, 31)), "3.1", "3.2"]
        assert [found["2"].relay, found["3.2"].relay, found["30"].relay] == [Relay.OFF, Relay.OFF, Relay.ON]
        assert [found["30"].label, found["3.1"].label] == ["socket 2-30", "socket 3-1"]
        assert [found["3"].concern(Concern.BAR) is None, found["4"].concern(Concern.BAR)] == [False, None]
        assert await power.switch(["30", "3.1"], False) == {}
        off = [controller.variables[parse_oid(f"{table}.11.{row}")] for row in ("2.790", "3.993")]
        assert off == [0, 0]
        assert isinstance((await power.read(["31"]))["31"], NoSuchPort)

    asyncio.run(on_agent(controller, "rittal-cmc3", use))


@pytest.mark.parametrize(
    ("name", "root", "unit"),
    [("hpe-g2-pdu3", "1.3.6.1.4.1.232.165.11", 1), ("hpe-g2-pdu2", "1.3.6.1.4.1.232.165.7", 0)],
)
@pytest.mark.parametrize("counted", [True, False])
def test_rows_without_an_outlet_are_none(name: str, root: str, unit: int, counted: bool) -> None:
    """HPE: 24 outlets and 24 rows more, whether the PDU tells how many there are or not."""
    rows = {f"{root}.5.2.1.1.{unit}.{row}": 2 if row <= 24 else 0 for row in range(1, 49)}
    count = {"hpe-g2-pdu3": f"{root}.1.2.1.13.1", "hpe-g2-pdu2": f"{root}.1.2.1.12.0"}[name]
    pdu = Written({**rows, **({count: 24} if counted else {})})

    async def use(power: SnmpPower) -> None:
        assert listing(await power.outlets()) == {str(n): Relay.ON for n in range(1, 25)}
        assert isinstance((await power.read(["25"]))["25"], NoSuchPort)

    asyncio.run(on_agent(pdu, name, use))


def test_what_is_critical_may_be_switched() -> None:
    """MPH2: it is the state from the factory, and no lock."""
    entry, rows = "1.3.6.1.4.1.476.1.42.3.8.50.20.1", [f"1.2.{number}" for number in range(1, 17)]
    columns = {95: 2, 105: 1, 215: 0, 50: 3}
    pdu = Written({f"{entry}.{column}.{row}": value for column, value in columns.items() for row in rows})

    async def use(power: SnmpPower) -> None:
        for reading in await power.outlets():
            assert reading.concerns == ((Concern.NOTE, "marked critical"),)

    asyncio.run(on_agent(pdu, "vertiv-mph", use))


def test_older_firmware_has_its_outlets_elsewhere() -> None:
    """ATEN: no table of states, but 42 scalars, of which eight are outlets."""
    scalars = [number + (1 if number <= 8 else 2) for number in range(1, 43)]
    pdu = Written(
        {f"1.3.6.1.4.1.21317.1.3.2.2.2.2.{scalar}.0": 2 if place < 8 else 7 for place, scalar in enumerate(scalars)}
    )

    async def use(power: SnmpPower) -> None:
        assert listing(await power.outlets()) == {str(n): Relay.ON for n in range(1, 9)}
        assert await power.switch(["8"], False) == {}
        assert pdu.variables[parse_oid("1.3.6.1.4.1.21317.1.3.2.2.2.2.9.0")] == 1

    asyncio.run(on_agent(pdu, "aten-pe-scalar", use))

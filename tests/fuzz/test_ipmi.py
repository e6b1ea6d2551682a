"""IPMI controllers whose answers, as ipmitool prints them, are anything: no hang, no traceback, no terminal taken."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import NamedTuple
from unittest import mock

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clusto_cli.backends import ipmi, program
from clusto_cli.backends.base import BootDevice, BootOverride, OutletReading, Relay
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.ipmi import Ipmitool
from clusto_cli.backends.power.ipmi import IpmiPower
from clusto_cli.main import invoke
from clusto_cli.output import clean
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from tests.fuzz.mutations import bounded, chunked, fuzz, harmless, mutated

ON = b"Chassis Power is on\n"
FLAGS = (
    b"Boot parameter version: 1\nBoot parameter 5 is valid/unlocked\nBoot parameter data: e008000000\n"
    b" Boot Flags :\n   - Boot Flag Valid\n   - Options apply to only next boot\n   - BIOS EFI boot \n"
    b"   - Boot Device Selector : Force PXE\n   - Console Redirection control : System Default\n"
)
PRINTED = (ON, b"Chassis Power is off\n", FLAGS, b"Chassis Power Control: Down/Off\n", b"")
COMPLAINTS = (
    b"Loading IANA PEN Registry...\nError in open session response message : invalid authentication algorithm\n\n"
    b"Error: Unable to establish IPMI v2 / RMCP+ session\n",
    b"> RAKP 2 HMAC is invalid\nError: Unable to establish IPMI v2 / RMCP+ session\n",
    b"Address lookup for bmc1 failed\nCould not open socket!\n",
    b"Set Chassis Power Control to Down/Off failed: Insufficient privilege level\n",
    b"Running Get VSO Capabilities my_addr 0x20, transit 0, target 0x20\nInvalid completion code received\n",
)


class Case(NamedTuple):
    """How one run of ipmitool ends."""

    out: bytes
    err: bytes
    status: int


cases = st.builds(Case, mutated(PRINTED), mutated(COMPLAINTS), st.sampled_from([0, 0, 1, 255, -9]))


def said_by(case: Case, good: str = "good") -> object:
    """ipmitool, which says this of every controller but the good one."""

    async def run(argv: Sequence[str], timeout: float, environment: dict[str, str] | None = None) -> str:
        if good in argv:
            return ON.decode()
        return program.outcome(argv[0], case.status, case.out, case.err)

    return mock.patch.object(ipmi, "run_program", run)


async def everything(power: IpmiPower) -> list[object]:
    """All that it can be asked, each answer or failure; anything else is raised."""
    answers: list[object] = []
    for ask in (
        lambda: power.outlets(),
        lambda: power.read(["server"], brief=True),
        lambda: power.switch(["server"], True),
        lambda: power.boot_override(),
        lambda: power.set_boot_override(BootDevice.NETWORK, once=True),
    ):
        try:
            answers.append(await ask())  # type: ignore[no-untyped-call]
        except DeviceError as error:
            answers.append(error)
    return answers


@fuzz()
@given(cases)
@example(Case(FLAGS.replace(b" : Force PXE", b""), b"", 0))
@example(Case(b"   - Boot Device Selector : \x1b]52;c;aGk=\x07\n", b"", 0))
def test_a_controller_that_says_anything(case: Case) -> None:
    with bounded(), said_by(case):
        for answer in asyncio.run(everything(IpmiPower(Ipmitool("bad", "a", "b")))):
            if isinstance(answer, DeviceError):
                assert harmless(clean(str(answer)))
                assert str(answer).startswith("bad:623: ")
                assert len(str(answer)) < 1000
            elif isinstance(answer, list):
                for each in answer:
                    assert isinstance(each, OutletReading)
                    assert each.relay in Relay
                    assert len(each.code) < 1000
            elif isinstance(answer, BootOverride):
                assert len(answer.code) < 1000


@pytest.fixture
def inventory(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLUSTO_DB", sqlite_url)
    with Inventory(Settings(sqlite_url)).change() as change:
        for name in ("bad", "good"):
            settings = [("bmc.host", name), ("bmc.user", "a"), ("bmc.password", "b")]
            change.add("Server", name, attributes=settings)


@pytest.mark.usefixtures("inventory")
def test_the_verb_beside_such_a_controller(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The other machine is right, the exit code one of the contract, and a terminal obeys nothing."""

    @fuzz(share=40)
    @given(cases, st.sampled_from(["text", "json"]))
    def beside(case: Case, output: str) -> None:
        arguments = ["power", "status", "bad", "good", "-o", output]
        monkeypatch.setattr(sys, "argv", ["clusto", *arguments])
        with bounded(), said_by(case):
            code = invoke(arguments)
        said = capsys.readouterr()
        assert code in (0, 5)
        assert all(harmless(line) for text in said for line in text.split("\n"))
        if output == "json":
            (good,) = [each for each in json.loads(said.out) if each["name"] == "good"]
            assert good["state"] == "on"
        else:
            assert ["good", "on"] in [line.split()[:2] for line in said.out.split("\n")]

    beside()


@fuzz(share=100)
@given(chunked(PRINTED), st.booleans())
def test_a_program_that_prints_anything(pieces: list[bytes], fails: bool) -> None:
    """The real way through a process: what it prints is what arrives, and its failure is told."""
    script = "import sys; sys.stdout.buffer.write(bytes.fromhex(sys.argv[1])); sys.exit(int(sys.argv[2]))"
    said = b"".join(pieces)[:20_000]
    argv = ["python3", "-S", "-c", script, said.hex(), str(int(fails))]
    with bounded():
        try:
            assert asyncio.run(program.run_program(argv, 30)) == said.decode(errors="replace")
        except Refused:
            assert fails

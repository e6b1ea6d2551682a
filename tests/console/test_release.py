"""A port is released by who acquired it, and by nobody else: whatever the profile, however the attaching ended."""

from __future__ import annotations

import textwrap
from pathlib import Path

import pytest

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.access import Access
from clusto_cli.backends.console.line import Line
from clusto_cli.backends.console.profile import parse
from clusto_cli.backends.console.script import Capture, Job, many
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.errors import Busy, DeviceError, LineLost, Refused, Unreachable
from clusto_cli.console.check import check
from clusto_cli.rebuild.preflight import look_at_consoles
from clusto_core.answers.consoles import ConsoleWay
from tests.console import lab as labs
from tests.console.driver import access, attach, read_until, wait_ready
from tests.console.lab import Lab

PROFILE = """
vendor = "a client that writes down what it is told"
confidence = "lab"
source = "this test"

[[method]]
name = "client"
transport = "command"
argv = ["{client}", "attach"]
raw = true
ready = 'attached'
busy = 'in use'
lost = 'taken by somebody'
leave = "Q"
before_force = ["{client}", "free"]
release = ["{client}", "free"]
"""


@pytest.fixture
def told(tmp_path: Path) -> Path:
    """What the client was called with, a line a call."""
    return tmp_path / "told"


def client(folder: Path, attaching: str) -> Access:
    """A way whose client does this, in shell, when it is to attach."""
    program = folder / "client"
    body = textwrap.dedent(attaching)
    program.write_text(f'#!/bin/sh\necho "$1" >>{folder}/told\n[ "$1" = attach ] || exit 0\n{body}\n')
    program.chmod(0o755)
    profile = parse("client", PROFILE.replace("{client}", str(program)))
    return Access(profile, profile.methods[0], Values())


def until_it_ends(line: Line) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        read_until(line, b"never")
    return caught.value


REFUSED = {
    "busy": ("echo in use; exit 1", Busy),
    "busy, and it stays": ("echo in use; sleep 60", Busy),
    "it cannot get there": ("echo connection refused; exit 1", Unreachable),
    "taken away": ("echo attached; sleep 0.3; echo taken by somebody; sleep 60", LineLost),
    "busy after all": ("echo attached; sleep 0.2; echo in use; sleep 60", Busy),
}


@pytest.mark.parametrize(("attaching", "outcome"), REFUSED.values(), ids=REFUSED)
def test_what_was_not_acquired_is_not_released(
    tmp_path: Path, told: Path, attaching: str, outcome: type[DeviceError]
) -> None:
    line = attach(client(tmp_path, attaching))
    assert isinstance(until_it_ends(line), outcome)
    line.close()
    assert told.read_text().split() == ["attach"]


def test_what_cannot_be_left_by_typing_is_released(tmp_path: Path, told: Path) -> None:
    line = attach(client(tmp_path, "echo attached; exec sleep 60"))
    wait_ready(line)
    line.close()
    assert told.read_text().split() == ["attach", "free"]


@pytest.mark.parametrize("before", ["", "sleep 0.3;"])
def test_what_is_left_by_typing_needs_no_more(tmp_path: Path, told: Path, before: str) -> None:
    """Left before it was attached too: the client gives the port back as soon as it has it."""
    line = attach(client(tmp_path, f"{before} echo attached; head -c 1 >/dev/null; echo left >>{told}"))
    if not before:
        wait_ready(line)
    line.close()
    assert told.read_text().split() == ["attach", "left"]


def test_only_force_takes_a_port_over(tmp_path: Path, told: Path) -> None:
    way = client(tmp_path, f"grep -q free {told} && echo attached || echo in use; exec sleep 60")
    line = attach(way, Attach.READ_ONLY)
    assert isinstance(until_it_ends(line), Busy)
    line.close()
    assert told.read_text().split() == ["attach"]
    line = attach(way, Attach.FORCE)
    wait_ready(line)
    line.close()
    assert told.read_text().split() == ["attach", "free", "attach", "free"]


def test_a_command_that_frees_the_port_holds_nobody_up(tmp_path: Path, told: Path) -> None:
    way = client(tmp_path, "echo attached; exec sleep 60")
    program = tmp_path / "client"
    program.write_text(program.read_text().replace("|| exit 0", "|| exec sleep 60"))
    line = attach(way, Attach.FORCE)
    labs.until(told.exists, "the command runs")
    assert line.read() == b""
    line.close()
    assert told.read_text().split() == ["free"]


def test_many_are_interrupted_at_once(tmp_path: Path, told: Path) -> None:
    """Each leaves in good order, beside the others: what was acquired is given back, and nothing else."""
    way = client(tmp_path, f"echo attached; head -c 1 >/dev/null; echo left >>{told}")
    jobs = [Job(f"server{number}", way, [Capture(None)]) for number in range(8)]
    found = many(jobs, lambda: told.exists() and told.read_text().count("attach") == len(jobs))
    assert [str(each.error) for each in found] == ["interrupted"] * len(jobs)
    assert sorted(told.read_text().split()) == ["attach"] * 8 + ["left"] * 8


def test_serial_over_lan_that_somebody_holds(lab: Lab) -> None:
    """Whoever holds it goes on typing, whatever is asked of the same controller without --force."""
    port = labs.ipmi_sim(lab, lab.machine("server1"))
    way = access("ipmi-sol", host="127.0.0.1", user="admin", cipher=3, tcp_port=port, secret="right")
    holder = attach(way)
    try:
        wait_ready(holder)

        def still_there() -> None:
            holder.write(b"\r")
            read_until(holder, b"server1 login: ")

        for mode in (Attach.NORMAL, Attach.READ_ONLY):
            line = attach(way, mode)
            assert isinstance(until_it_ends(line), Busy)
            line.close()
            still_there()
        (waited,) = many([Job("server1", way, [Capture(0)], wait=True, timeout=4)])
        assert isinstance(waited.error, Busy)
        still_there()
        thing = type("Machine", (), {"name": "server1"})()
        found = ConsoleWay(thing, "controller", "127.0.0.1", "ipmi-sol")
        (finding,) = check([(found, way)], {"server1": ["server1"]}, lambda host: None, 1)
        assert finding.state == "busy"
        still_there()
        (transcript,) = look_at_consoles([("server1", way)], 1)
        assert isinstance(transcript.error, Busy)
        still_there()
    finally:
        holder.close()


@pytest.mark.parametrize("prints", ["while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", "exec yes"])
def test_a_listing_without_end_is_refused(tmp_path: Path, prints: str) -> None:
    way = client(tmp_path, "")
    (tmp_path / "client").write_text(f"#!/bin/sh\n{prints}\n")
    with pytest.raises(Refused, match="prints more than"):
        way.run((str(tmp_path / "client"),))

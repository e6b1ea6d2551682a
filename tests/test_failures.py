"""What goes wrong with one device stays with it, whichever verb asks: consoles, switches, boot servers, controllers."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, cast

import pytest

from clusto_cli.backends.base import Attach, BootMachine, ConsoleAccess, Provisioner
from clusto_cli.backends.console.script import Job, many
from clusto_cli.backends.errors import DeviceError, Unreachable
from clusto_cli.backends.power.session import PowerSession
from clusto_cli.backends.provision.many import one_by_one
from clusto_cli.backends.runner import Interruption, Unexpected, enter
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.network.asking import ask
from clusto_cli.network.devices import Device
from clusto_cli.power.actions import Actions, Result
from clusto_cli.power.targets import Point, Target
from clusto_cli.rebuild.machines import _entered
from clusto_core.model.things import Thing

RAISED = [
    KeyError("x"),
    RecursionError("deep"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"),
    OSError(5, "I/O error"),
]


class Broken:
    """An adapter each of whose methods raises this, or waits for ever with None."""

    def __init__(self, raised: Exception | None) -> None:
        self._raised = raised

    def __getattr__(self, name: str) -> Callable[..., Any]:
        async def method(*arguments: object, **named: object) -> None:
            if self._raised is None:
                await asyncio.Event().wait()
            else:
                raise self._raised

        return method

    async def __aenter__(self) -> Broken:
        return self

    async def __aexit__(self, *exception: object) -> None:
        raise KeyError("on the way out")

    async def close(self) -> None:
        raise KeyError("on the way out")


class Stub:
    """A switch that is opened to such an adapter."""

    note = ""

    def __init__(self, name: str, control: object) -> None:
        self.name, self._control = name, control

    async def open(self) -> object:
        if isinstance(self._control, Exception):
            raise self._control
        return self._control


async def surveyed(control: SwitchControl, device: Device) -> str:
    if device.name == "good":
        return "seen"
    return str(await control.survey())


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_switches(raised: Exception) -> None:
    stubs = [Stub("never", raised), Stub("broken", Broken(raised)), Stub("good", Broken(raised))]
    asked = ask(cast(list[Device], stubs), surveyed, 2)
    assert (asked.answers, set(asked.failures)) == ({"good": "seen"}, {"never", "broken"})


def test_switches_that_are_asked_no_longer() -> None:
    async def interrupted(control: SwitchControl, device: Device) -> str:
        os.kill(os.getpid(), signal.SIGTERM)
        return str(await control.survey())

    with pytest.raises(KeyboardInterrupt):
        ask(cast(list[Device], [Stub("silent", Broken(None))]), interrupted, 2)


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_consoles(raised: Exception) -> None:
    class Line:
        ready = False
        backlog = 0

        def waits_for(self, *, reading: bool = True) -> dict[int, int]:
            return {}

        def read(self) -> bytes:
            raise raised

        def leave(self) -> None: ...

        def close(self) -> None: ...

    class Access:
        command = "x"

        def __init__(self, opens: bool) -> None:
            self._opens = opens

        def open(self, attach: Attach, *, rows: int, columns: int, interactive: bool) -> Line:
            if self._opens:
                return Line()
            raise raised

    jobs = [Job(f"s{opens:d}", cast(ConsoleAccess, Access(opens))) for opens in (True, False)]
    assert [isinstance(each.error, DeviceError) for each in many(jobs)] == [True, True]


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_boot_servers(raised: Exception) -> None:
    class Unopened(Broken):
        async def __aenter__(self) -> Broken:
            raise raised

    told = BootMachine("s1", (), None, "", {}, {}, {})

    async def main() -> dict[str, DeviceError]:
        async with AsyncExitStack() as stack:
            server = await _entered(stack, cast(Provisioner, Unopened(raised)))
            with pytest.raises(DeviceError):
                await server.check(told)
            assert set(await server.local_many([told])) == {"s1"}
            await enter(stack, Broken(raised))
        return await one_by_one([told], cast(Provisioner, Broken(raised)).local)

    assert isinstance(asyncio.run(main())["s1"], DeviceError)


@pytest.mark.parametrize("raised", RAISED, ids=repr)
def test_power(raised: Exception) -> None:
    """Every future is settled, and every target has a result."""

    class Reads(Broken):
        async def read(self, outlets: list[str], *, brief: bool = False) -> object:
            return {} if brief else None

    async def main() -> list[Result]:
        interruption, places = Interruption(), asyncio.Semaphore(4)
        controls: dict[str, Any] = {"raises": Broken(raised), "nothing": Reads(raised)}
        sessions = {name: PowerSession(control, interruption, places) for name, control in controls.items()}
        targets = [Target(Thing(1, name, "Server"), [Point(None, name, "1", name)]) for name in sessions]
        actions = Actions(sessions, interruption)
        results = await actions.all(targets, lambda target: actions.turn(target, False), lambda result: None)
        switching, done = sessions["raises"].switch("1", False, "group")
        assert (await done) is switching
        assert isinstance(switching.failure, DeviceError)
        return results

    results = asyncio.run(main())
    assert [(result.done, bool(result.failures)) for result in results] == [(False, True)] * 2


def test_failures_name_what_was_raised() -> None:
    from clusto_cli.backends.runner import failure_of

    assert "KeyError: '@odata.id'" in str(failure_of(KeyError("@odata.id")))
    assert isinstance(failure_of(ValueError("x")), Unexpected)
    assert isinstance(failure_of(TimeoutError()), Unreachable)
    assert str(failure_of(FileNotFoundError(2, "No such file", "/x"))) == "No such file: /x"

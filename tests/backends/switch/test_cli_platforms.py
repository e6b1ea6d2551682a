"""Every platform that is spoken to through a terminal, against a command line of its kind over real ssh."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from clusto_cli.backends.errors import Refused

from .clilab import Lab, move
from .dialects import DIALECTS

# Sessions wait for the other end most of the time, so that several at once take little more than one.
_AT_ONCE = 6


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Lab, str, str]]:
    """By platform: the switch after a move that is taken and one that is rejected, and what became of each."""

    def story(platform: str) -> tuple[Lab, str, str]:
        lab = Lab(tmp_path_factory.mktemp(platform), platform)
        try:
            return lab, _told(lambda: move_to(lab, 203)), _told(lambda: rejected(lab))
        finally:
            lab.server.close()

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return dict(zip(sorted(DIALECTS), pool.map(story, sorted(DIALECTS)), strict=True))


def _told(act: Callable[[], str]) -> str:
    try:
        return act()
    except Refused as error:
        return f"refused: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def move_to(lab: Lab, vlan: int) -> str:
    """Move the port, and tell what the switch has then: outcome, VLAN, the other port's VLAN, how often it saved."""
    outcome = asyncio.run(move(lab.switch(timeout=15.0), lab.port, vlan))
    other = lab.fake.port(lab.port.replace("4", "5"))
    return f"{outcome}: {lab.fake.port(lab.port).vlan}, other {other.vlan}, saved {lab.fake.saved}"


def rejected(lab: Lab) -> str:
    """Move it back, when the line that tells the VLAN or the port is rejected in the platform's words."""
    assert lab.profile.ssh is not None
    telling = [line for line in lab.profile.ssh.write.access if "{vlan}" in line or "{port}" in line][-1]
    lab.fake.reject = re.escape(telling.split("{")[0]) + (".*10" if "{vlan}" in telling else "")
    lab.fake.rejection = lab.fake.dialect.rejection
    return move_to(lab, 10)


@pytest.mark.parametrize("platform", sorted(DIALECTS))
def test_moves_a_port_and_saves(platform: str, outcomes: dict[str, tuple[Lab, str, str]]) -> None:
    # RouterOS keeps every change at once.
    saved = 0 if platform == "mikrotik_routeros" else 1
    assert outcomes[platform][1] == f"done: 203, other 10, saved {saved}"


@pytest.mark.parametrize("platform", sorted(DIALECTS))
def test_a_rejected_line_is_no_success(platform: str, outcomes: dict[str, tuple[Lab, str, str]]) -> None:
    lab, _, told = outcomes[platform]
    assert told.startswith(f"refused: 127.0.0.1 port {lab.server.port}: it answered ")
    assert told.endswith("as before")
    assert lab.fake.port(lab.port).vlan == 203
    assert lab.fake.saved <= 1 or (lab.profile.ssh is not None and lab.profile.ssh.write.commit)

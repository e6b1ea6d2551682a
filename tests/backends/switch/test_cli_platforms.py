"""Every platform that is spoken to through a terminal, against a command line of its kind over real ssh."""

from __future__ import annotations

import asyncio
import re

import pytest

from clusto_cli.backends.base import Refused

from .clilab import Lab, lab, move
from .dialects import DIALECTS

__all__ = ["lab"]


@pytest.mark.parametrize("lab", sorted(DIALECTS), indirect=True)
def test_moves_a_port_and_saves(lab: Lab) -> None:
    assert asyncio.run(move(lab.switch(), lab.port, 203)) == "done"
    assert lab.fake.port(lab.port).vlan == 203
    assert lab.fake.port(lab.port.replace("4", "5")).vlan == 10
    assert lab.fake.saved == (0 if lab.fake.dialect.name == "mikrotik_routeros" else 1)


@pytest.mark.parametrize("lab", sorted(DIALECTS), indirect=True)
def test_a_rejected_line_is_no_success(lab: Lab) -> None:
    assert lab.profile.ssh is not None
    telling = [line for line in lab.profile.ssh.write.access if "{vlan}" in line or "{port}" in line][-1]
    lab.fake.reject = re.escape(telling.split("{")[0]) + (".*203" if "{vlan}" in telling else "")
    lab.fake.rejection = lab.fake.dialect.rejection
    with pytest.raises(Refused, match="as before"):
        asyncio.run(move(lab.switch(), lab.port, 203))
    assert lab.fake.port(lab.port).vlan == 10
    assert lab.fake.saved == 0 or lab.profile.ssh.write.commit

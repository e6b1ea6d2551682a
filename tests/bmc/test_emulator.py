"""`clusto bmc` before sushy-tools' emulator, which others have written."""

from __future__ import annotations

import json
from pathlib import Path

from clusto_core.inventory import Inventory
from tests import controllers
from tests.bmc.conftest import Clusto


def test_a_machine_of_others(tmp_path: Path, inventory: Inventory, clusto: Clusto) -> None:
    with controllers.redfish_emulator(tmp_path, "web1", password=controllers.PASSWORD) as port:
        settings = {"protocol": "redfish", "host": f"http://127.0.0.1:{port}", "user": controllers.USER}
        with inventory.change() as change:
            pairs = [(f"bmc.{key}", value) for key, value in (settings | {"password": controllers.PASSWORD}).items()]
            change.add("Server", "server1", attributes=pairs)
        (said,) = json.loads(clusto("bmc", "facts", "server1", "-o", "json").out)
        assert (said["facts"]["vendor"], said["facts"]["firmware"]) == ("Sushy Emulator", "1.00")
        # Fake systems have neither processors nor disks, and the emulator fails where it would tell them.
        assert all("/redfish/v1/Systems/" in reason for reason in said["facts"]["unread"])
        run = clusto("bmc", "facts", "server1", "--check")
        assert (run.code, run.out) == (0, "")
        assert run.err.count("server1: not held against the inventory, for it could not be read: ") == len(
            said["facts"]["unread"]
        )
        sensors = clusto("bmc", "sensors", "server1").out
        assert "Chassis Intake Temp" in sensors
        for word in ("on", "off"):
            assert clusto("bmc", "identify", "server1", word).out == f"server1 light {word}\n"
        run = clusto("bmc", "boot", "server1", "network")
        assert (run.code, "every time, not once (Continuous, Pxe" in run.err) == (5, True)
        run = clusto("bmc", "log", "server1")
        assert (run.code, "it keeps no log" in run.err) == (5, True)
        run = clusto("bmc", "reset", "server1", "--yes")
        assert (run.code, "its controller cannot be restarted" in run.err) == (5, True)

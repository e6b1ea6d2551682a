"""Rebuilds through management controllers: sushy-tools' over Redfish, and one over IPMI that keeps its flags."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.console.lab import until
from tests.controllers import PASSWORD, USER, chassis, ipmi_bmc, redfish_emulator
from tests.rebuild.site import Site, site


@pytest.fixture
def lab(tmp_path: Path, sqlite_url: str) -> Iterator[Site]:
    with site(tmp_path, sqlite_url, machines=1) as found:
        found.serve()
        found.environment["CLUSTO_BMC_PASSWORD"] = PASSWORD
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "bmc"
    found.mkdir()
    return found


def behind(lab: Site, powered: Callable[[], bool], **settings: object) -> None:
    """From now on server1 is powered by a controller, not by its outlets."""
    lab.machines["server1"].powered = powered
    for key, value in {"host": "127.0.0.1", "user": USER, "password": "env:CLUSTO_BMC_PASSWORD", **settings}.items():
        lab.set("server1", f"bmc.{key}", value)


@contextmanager
def watched(port: int) -> Iterator[dict[str, Any]]:
    """The system of an emulated controller, looked at several times a second."""
    system: dict[str, Any] = {}
    ended = threading.Event()

    def look() -> None:
        with urlopen(f"http://127.0.0.1:{port}/redfish/v1/Systems/11111111", timeout=10) as answer:
            system.update(json.load(answer))

    def work() -> None:
        while not ended.wait(0.1):
            look()

    look()
    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield system
    finally:
        ended.set()
        thread.join()


def test_redfish_that_takes_once_and_means_always(lab: Site, folder: Path) -> None:
    with redfish_emulator(folder, "server1") as port, watched(port) as system:
        behind(lab, lambda: system["PowerState"] == "On", host=f"http://127.0.0.1:{port}", protocol="redfish")
        # The emulator takes seconds for each change, and a simulated machine is quicker than its watcher.
        lab.machines["server1"].firmware = 1.0
        code, out, err = lab.rebuild("server1")
        assert code == 0, out + err
        assert "its controller was told to boot from the network once, and will do so until told otherwise" in out
        until(lambda: system["Boot"]["BootSourceOverrideTarget"] == "Hdd", "it boots from its disk from now on")
        assert lab.machines["server1"].installs == 1


def test_ipmi_that_shows_what_it_was_told(lab: Site, folder: Path) -> None:
    with ipmi_bmc(folder, chassis(folder)) as port:
        behind(lab, lambda: (folder / "power").read_text().strip() == "1", port=port, cipher_suite=3)
        code, out, err = lab.rebuild("server1")
        assert code == 0, out + err
        assert "its controller" not in out
        assert (folder / "boot").read_text() == "pxe\n"
        assert lab.machines["server1"].installs == 1


def test_a_controller_that_cannot_boot_from_the_network(lab: Site, folder: Path) -> None:
    """The machine is turned on again as it was, with its boot file at local before."""
    with ipmi_bmc(folder, chassis(folder), devices=("default", "none")) as port:
        behind(lab, lambda: (folder / "power").read_text().strip() == "1", port=port, cipher_suite=3)
        code, out, _ = lab.rebuild("server1")
        assert code == 5
        assert "server1 failed" in out
        assert (folder / "power").read_text() == "1\n"
        assert lab.is_local("server1")
        assert lab.machines["server1"].installs == 0


def test_a_controller_that_does_not_know_the_password(lab: Site, folder: Path) -> None:
    with ipmi_bmc(folder, chassis(folder)) as port:
        behind(lab, lambda: True, port=port, cipher_suite=3, password="wrong")
        code, out, err = lab.rebuild("server1")
        assert (code, out) == (5, "")
        assert "nothing was changed" in err
        assert PASSWORD not in err + out
        assert lab.machines["server1"].boots == 1

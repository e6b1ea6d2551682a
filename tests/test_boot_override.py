"""What a server is to boot from, told to its management controller and read back."""

from __future__ import annotations

import asyncio
import base64
import json
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clusto_cli.backends.base import BmcControl, BootDevice, BootOverride
from clusto_cli.backends.errors import AuthenticationFailed, Refused, Unreachable
from clusto_cli.backends.power import open_boot_control
from tests import controllers
from tests.controllers import PASSWORD, USER, free_port
from tests.packages import installed

NETWORK, DISK, DEFAULT = BootDevice.NETWORK, BootDevice.DISK, BootDevice.DEFAULT
Boot = dict[str, str]


def ipmi(port: int, **settings: str) -> BmcControl:
    settings = {"host": "127.0.0.1", "port": str(port), "user": USER, "password": PASSWORD, **settings}
    settings = {"cipher_suite": "3", "timeout": "10", **settings}
    return open_boot_control("server1", {f"bmc.{key}": value for key, value in settings.items()})


def redfish(port: int, **settings: str) -> BmcControl:
    settings = {"host": f"http://127.0.0.1:{port}", "user": USER, "password": PASSWORD, **settings}
    return open_boot_control("server1", {"bmc.protocol": "redfish", **{f"bmc.{k}": v for k, v in settings.items()}})


def ipmitool(port: int, *words: str) -> str:
    session = ["-I", "lanplus", "-H", "127.0.0.1", "-p", str(port), "-U", USER, "-P", PASSWORD, "-C", "3"]
    return subprocess.run(["ipmitool", *session, *words], check=True, capture_output=True, text=True).stdout.strip()


def tell(control: BmcControl, *devices: BootDevice, once: bool = True) -> BootOverride:
    """Tells the controller these devices, one after the other; what it says in the end."""

    async def scenario() -> BootOverride:
        async with control as bmc:
            for device in devices:
                await bmc.set_boot_override(device, once=once)
            return await bmc.boot_override()

    return asyncio.run(scenario())


def switch_on(control: BmcControl) -> None:
    async def scenario() -> None:
        async with control as bmc:
            assert await bmc.switch(["server"], True) == {}

    asyncio.run(scenario())


def test_ipmi(tmp_path: Path) -> None:
    boot = tmp_path / "boot"
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path)) as port:
        bmc = ipmi(port)
        assert tell(bmc).device == DEFAULT
        for device, once, word in ((NETWORK, True, "pxe"), (DISK, True, "default"), (DISK, False, "default")):
            told = tell(bmc, device, once=once)
            assert (told.device, told.once, boot.read_text().strip()) == (device, once, word)
        assert told.code == (
            "Boot Flag Valid, Options apply to all future boots, BIOS PC Compatible (legacy) boot, "
            "Force Boot from default Hard-Drive"
        )
        # The firmware's part of Boot Info Acknowledge (parameter 4) says that there is something for it.
        assert ipmitool(port, "raw", "0x00", "0x09", "0x04", "0x00", "0x00") == "01 04 01 01"
        told = tell(bmc, DEFAULT)
        assert (told.device, told.once, boot.read_text().strip()) == (DEFAULT, False, "none")
        assert told.code.startswith("Boot Flag Invalid, ")


@pytest.mark.parametrize("once", [True, False])
def test_ipmi_for_uefi(tmp_path: Path, once: bool) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path)) as port:
        told = tell(ipmi(port, efi="true"), NETWORK, once=once)
        assert (told.device, told.once, "BIOS EFI boot" in told.code) == (NETWORK, once, True)
        assert "(legacy)" in tell(ipmi(port, efi="false"), NETWORK, once=once).code


def test_ipmi_flags_of_a_boot_that_has_been_are_no_override(tmp_path: Path) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path)) as port:
        bmc = ipmi(port)
        tell(bmc, NETWORK)
        switch_on(bmc)
        told = tell(bmc)
        assert (told.device, told.once, told.code.endswith("Force PXE")) == (DEFAULT, False, True)
        tell(bmc, NETWORK, once=False)
        switch_on(bmc)
        assert tell(bmc).device == NETWORK


def test_ipmi_override_outlasts_the_time_after_which_others_lose_theirs(tmp_path: Path) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path), expiry=0.5) as port:
        ipmitool(port, "chassis", "bootdev", "pxe")
        time.sleep(1)
        assert tell(ipmi(port)).device == DEFAULT
        tell(ipmi(port), NETWORK)
        time.sleep(1)
        assert tell(ipmi(port)).device == NETWORK


def test_ipmi_that_does_not_boot_from_there(tmp_path: Path) -> None:
    with controllers.ipmi_bmc(tmp_path, controllers.chassis(tmp_path), devices=["none", "pxe"]) as port:
        with pytest.raises(Refused, match="Invalid data field in request"):
            tell(ipmi(port), DISK)
        assert tell(ipmi(port)).device == DEFAULT


def test_openipmi(tmp_path: Path) -> None:
    boot = tmp_path / "boot"
    with controllers.ipmi_sim(tmp_path, controllers.chassis(tmp_path)) as port:
        bmc = ipmi(port)
        for device, word in ((NETWORK, "pxe"), (DISK, "default"), (DEFAULT, "none")):
            tell(bmc, device)
            assert boot.read_text().strip() == word
        # It calls all flags invalid, and is taken at its word.
        told = tell(bmc, NETWORK)
        assert (told.device, told.code.split(", ")[0], told.code.split(", ")[-1]) == (
            DEFAULT,
            "Boot Flag Invalid",
            "Force PXE",
        )
        with pytest.raises(AuthenticationFailed, match="RAKP 2 HMAC is invalid"):
            tell(ipmi(port, password="another"), NETWORK)
        with pytest.raises(AuthenticationFailed, match="unauthorized name"):
            tell(ipmi(port, user="nobody"))
        assert boot.read_text().strip() == "pxe"


def test_controllers_that_do_not_answer() -> None:
    if shutil.which("ipmitool") is None:
        pytest.skip("ipmitool is not installed (Debian package ipmitool)")
    for control in (ipmi(free_port(socket.SOCK_DGRAM), timeout="2"), redfish(free_port(socket.SOCK_STREAM))):
        for devices in ([], [NETWORK]):
            with pytest.raises(Unreachable) as raised:
                tell(control, *devices)
            assert PASSWORD not in str(raised.value)


def test_sushy_emulator(tmp_path: Path) -> None:
    with controllers.redfish_emulator(tmp_path, "node-1") as port:
        bmc = redfish(port)
        # It says nothing against an override for one boot, and makes it one for all.
        assert tell(bmc, NETWORK) == BootOverride(NETWORK, False, "Continuous, Pxe, UEFI")
        assert tell(bmc, DISK) == BootOverride(DISK, False, "Continuous, Hdd, UEFI")
        assert tell(redfish(port, efi="false"), NETWORK).code == "Continuous, Pxe, Legacy"
        assert tell(bmc, DEFAULT).device == DEFAULT


def test_redfish_with_a_wrong_password(tmp_path: Path) -> None:
    with controllers.redfish_emulator(tmp_path, "node-1", password=PASSWORD) as port:
        assert tell(redfish(port), NETWORK).device == NETWORK
        for devices in ([], [DISK]):
            with pytest.raises(AuthenticationFailed, match="401"):
                tell(redfish(port, password="another"), *devices)
        assert tell(redfish(port)).device == NETWORK


class Service:
    """A Redfish service of one system with habits that are found on servers and on no emulator.

    `place` is where the override is: "system", or "settings" to come, where the system's own is read-only; "neither"
    has none. `given` is the ETag that it gives out, changed for compressed answers, and `wanted` the one that it wants
    back. `refuse` says what it has against a change. `forgetful`: it falls back to Legacy with every change that does
    not name the mode.
    """

    def __init__(
        self,
        *,
        place: str = "system",
        given: str | None = None,
        wanted: str | None = None,
        refuse: Callable[[Boot], str | None] = lambda boot: None,
        forgetful: bool = False,
    ) -> None:
        self.place, self.given, self.wanted, self.refuse, self.forgetful = place, given, wanted, refuse, forgetful
        self.boot: dict[str, Any] = {
            "BootSourceOverrideEnabled": "Disabled",
            "BootSourceOverrideTarget": "None",
            "BootSourceOverrideTarget@Redfish.AllowableValues": ["None", "Pxe", "Hdd", "Cd"],
            "BootSourceOverrideMode": "UEFI",
        }
        self.changes: list[tuple[str, Boot]] = []

    def resource(self, path: str) -> dict[str, Any] | None:
        system = "/redfish/v1/Systems/1"
        if path == "/redfish/v1/Systems/":
            return {"Members": [{"@odata.id": system}]}
        if path == system:
            return {
                "@odata.id": system,
                "Id": "1",
                "Boot": self.boot if self.place == "system" else {"BootOrder": ["Boot0001"]},
                "@Redfish.Settings": {"SettingsObject": {"@odata.id": f"{system}/Settings"}},
            }
        if path == f"{system}/Settings":
            return {"@odata.id": path, "Boot": self.boot if self.place == "settings" else {"BootOrder": ["Boot0001"]}}
        return None

    def change(self, path: str, boot: Boot, version: str | None) -> tuple[int, str]:
        """The status and what is to be said of it."""
        self.changes.append((path.rpartition("/")[2], boot))
        if self.wanted is not None and version is None:
            return 428, "The request did not provide the required precondition."
        if self.wanted is not None and version != self.wanted:
            return 412, "The ETag supplied did not match."
        if path.endswith("/Settings") is not (self.place == "settings"):
            return 400, "The property Boot is a read-only property and cannot be assigned a value."
        refusal = self.refuse(boot)
        if refusal is not None:
            return 400, refusal
        self.boot |= ({"BootSourceOverrideMode": "Legacy"} if self.forgetful else {}) | boot
        return 204, ""

    @contextmanager
    def running(self) -> Iterator[int]:
        """Its TCP port."""
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                # iLO 4 and IMM2 want the slash at the end of a collection.
                if self.path == "/redfish/v1/Systems":
                    return self.answer(308, {}, {"Location": f"{self.path}/"})
                found = service.resource(self.path)
                tag = service.given
                if tag and "gzip" in self.headers["Accept-Encoding"]:
                    tag = f'{tag.rstrip(chr(34))}-gzip"'
                return self.answer(200 if found else 404, found or {}, {"ETag": tag} if tag else {})

            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                status, words = service.change(self.path, body["Boot"], self.headers["If-Match"])
                info = {"MessageId": "Base.1.0.GeneralError", "Message": words}
                error = {"message": "See ExtendedInfo.", "@Message.ExtendedInfo": [info]}
                self.answer(status, {"error": error} if words else None)

            def answer(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
                credentials = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
                if self.headers["Authorization"] != f"Basic {credentials}":
                    status, body = 401, {}
                text = b"" if body is None else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {**(headers or {}), "Content-Length": str(len(text))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *arguments: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield server.server_port
            finally:
                server.shutdown()
                thread.join()


def asked(enabled: str, target: str | None = None, mode: str | None = None) -> Boot:
    named = {"Enabled": enabled, "Target": target, "Mode": mode}
    return {f"BootSourceOverride{name}": value for name, value in named.items() if value is not None}


@pytest.mark.parametrize("place", ["system", "settings"])
def test_redfish_where_the_override_is(place: str) -> None:
    service = Service(place=place)
    with service.running() as port:
        bmc = redfish(port)
        assert tell(bmc) == BootOverride(DEFAULT, False, "Disabled, None, UEFI")
        assert tell(bmc, NETWORK) == BootOverride(NETWORK, True, "Once, Pxe, UEFI")
        assert tell(bmc, DISK, once=False) == BootOverride(DISK, False, "Continuous, Hdd, UEFI")
        assert tell(bmc, DEFAULT) == BootOverride(DEFAULT, False, "Disabled, None, UEFI")
    told = [asked("Once", "Pxe"), asked("Continuous", "Hdd"), asked("Disabled", "None")]
    assert service.changes == [("1" if place == "system" else "Settings", boot) for boot in told]


def test_redfish_device_of_its_own() -> None:
    service = Service()
    service.boot |= asked("Once", "Cd")
    with service.running() as port:
        assert tell(redfish(port)) == BootOverride("Cd", True, "Once, Cd, UEFI")


@pytest.mark.parametrize(
    ("given", "wanted"),
    [('"7"', '"7"'), ('W/"7"', 'W/"7"'), ('W/"7"', '"7"'), ('""7""', '"7"'), ("7", '"7"'), (None, "*")],
)
def test_redfish_that_wants_to_be_told_the_version(given: str | None, wanted: str) -> None:
    with Service(given=given, wanted=wanted).running() as port:
        assert tell(redfish(port), NETWORK).device == NETWORK


def test_redfish_that_never_knows_its_version() -> None:
    service = Service(given='"7"', wanted="another")
    with service.running() as port, pytest.raises(Refused, match="428 The request did not provide"):
        tell(redfish(port), NETWORK)


def test_redfish_that_does_not_let_the_mode_be_written() -> None:
    """As HPE's iLO, which does not take an override back while it has no target either."""

    def refuse(boot: Boot) -> str | None:
        if "BootSourceOverrideMode" in boot:
            return "The property BootSourceOverrideMode is a read only property."
        return "Unsupported operation." if boot.get("BootSourceOverrideTarget") == "None" else None

    with Service(refuse=refuse).running() as port:
        assert tell(redfish(port, efi="true"), NETWORK).code == "Once, Pxe, UEFI"
        assert tell(redfish(port), DEFAULT).code == "Disabled, Pxe, UEFI"
        with pytest.raises(Refused, match="400 The property BootSourceOverrideMode is a read only property"):
            tell(redfish(port, efi="false"), NETWORK)


def test_redfish_that_wants_the_mode_every_time() -> None:
    def refuse(boot: Boot) -> str | None:
        return None if "BootSourceOverrideMode" in boot else "The property BootSourceOverrideMode is required."

    with Service(refuse=refuse).running() as port:
        assert tell(redfish(port), NETWORK).code == "Once, Pxe, UEFI"
        assert tell(redfish(port), DEFAULT).code == "Disabled, None, UEFI"


def test_redfish_that_forgets_the_mode() -> None:
    service = Service(forgetful=True)
    with service.running() as port:
        assert tell(redfish(port), NETWORK).code == "Once, Pxe, UEFI"
        assert service.changes == [("1", asked("Once", "Pxe")), ("1", asked("Once", "Pxe", "UEFI"))]
        assert tell(redfish(port, efi="false"), NETWORK).code == "Once, Pxe, Legacy"


def test_redfish_that_does_not_boot_from_there() -> None:
    service = Service()
    service.boot["BootSourceOverrideTarget@Redfish.AllowableValues"] = ["None", "Cd"]
    with service.running() as port, pytest.raises(Refused, match="not offer to boot from Pxe, only None, Cd"):
        tell(redfish(port), NETWORK)
    assert service.changes == []


def test_redfish_without_boot_override() -> None:
    with Service(place="neither").running() as port:
        for devices in ([], [NETWORK]):
            with pytest.raises(Refused, match="it has no boot override"):
                tell(redfish(port), *devices)


def test_settings_that_cannot_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match=r"bmc\.efi is neither true nor false: 'yes'"):
        ipmi(623, efi="yes")
    code = (
        "from clusto_cli.backends.power.command import CommandPower\n"
        "def control(name, address, settings):\n"
        "    return CommandPower(['/bin/true'], host=address, name=name)\n"
    )
    with (
        installed(tmp_path, "acme_switch", code, power="acme-switch = acme_switch:control"),
        pytest.raises(ValueError, match=r"bmc\.protocol acme-switch cannot choose what a server boots from"),
    ):
        ipmi(623, protocol="acme-switch")

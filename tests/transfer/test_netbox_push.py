"""What `sync --push` writes back: what NetBox lacks and clusto has acted through, as far as the declaration allows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pynetbox", reason="pynetbox is not installed (pip install 'clusto[netbox]')")

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, structure
from clusto_core.model.reserved import NETWORK_LAST, POWER_LAST
from clusto_core.rules import values
from tests.conftest import Run
from tests.netbox_server import NetBox
from tests.netbox_site import Site, a_room

TOKEN = "0123456789abcdef"


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CLUSTO_NETBOX", TOKEN)


class Pushed:
    """A NetBox with a server whose power cable and second network cable it lacks."""

    def __init__(self, clusto: Run, url: str, netbox: NetBox, key: dict[str, int], configuration: Path) -> None:
        self.clusto, self.url, self.netbox, self.key, self.configuration = clusto, url, netbox, key, configuration

    def acted(self, name: str, key: Key, entry: dict[str, Any]) -> None:
        """Keeps what a verb keeps that has acted."""
        with Inventory(Settings(self.url)).change("acted") as change:
            values.keep(change.unit, change.resolve(name), key, [structure(entry)])

    def declare(self, **push: Any) -> None:
        lines = [f'"{name}" = {str(value).lower() if value is True else repr(value)}' for name, value in push.items()]
        self.configuration.write_text(
            f'[source.nb]\ntype = "netbox"\naddress = "{self.netbox.url}"\ntoken = "env:CLUSTO_NETBOX"\n'
            + "[source.nb.push]\n" + "\n".join(lines).replace("'", '"') + "\n"
        )  # fmt: skip


@pytest.fixture
def pushed(clusto: Run, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    site = Site()
    key = a_room(site)
    cables = [each["pk"] for each in site.objects if each["model"] == "dcim.cable"]
    site.objects = [
        each for each in site.objects
        if not (each["pk"] == cables[3] or each["fields"].get("cable") == cables[3])
    ]  # fmt: skip
    path = tmp_path / "config.toml"
    monkeypatch.setenv("CLUSTO_CONFIG", str(path))
    device = next(each for each in site.objects if each["pk"] == key["db 1"])
    device["fields"]["custom_field_data"] = {"os": None}
    site.add("extras.customfield", name="os", type="text")
    with NetBox(site.objects) as netbox:
        found = Pushed(clusto, sqlite_url, netbox, key, path)
        found.declare(outlets=True)
        assert clusto("sync", "nb").code == 0
        clusto("connect", "db-1:PSU1", "pdu1:7")
        clusto("connect", "db-1:eth1", "sw1:Gi-1/0/1")
        yield found


def test_only_what_was_acted_through_is_written(pushed: Pushed) -> None:
    result = pushed.clusto("sync", "nb", "--push")
    assert result.code == 0
    assert "wrote 0 back to nb" in result.err
    pushed.acted("db-1", POWER_LAST, {"done": True, "before": {"pdu1:7": "on"}})
    pushed.acted("sw1:Gi-1/0/1", NETWORK_LAST, {"done": True})
    result = pushed.clusto("sync", "nb", "--push", "--dry-run")
    assert "would write back: cable " in result.err
    assert pushed.netbox.written == []
    result = pushed.clusto("sync", "nb", "--push")
    assert result.code == 0
    ((verb, path, body),) = pushed.netbox.written
    assert (verb, path) == ("POST", "/api/dcim/cables/")
    ends = {(end["object_type"], end["object_id"]) for side in "ab" for end in body[f"{side}_terminations"]}
    assert ends == {("dcim.powerport", pushed.key["PSU1"]), ("dcim.poweroutlet", pushed.key["outlet"])}
    pushed.declare(outlets=True, cables=True)
    pushed.clusto("sync", "nb", "--push")
    assert len(pushed.netbox.written) == 2
    result = pushed.clusto("sync", "nb", "--push")
    assert len(pushed.netbox.written) == 2
    assert result.code == 0


def test_a_port_that_netbox_has_a_cable_in_is_left_alone(pushed: Pushed) -> None:
    pushed.acted("db-1", POWER_LAST, {"done": True, "before": {"pdu1:7": "on"}})
    pushed.netbox.tables["dcim.poweroutlet"][pushed.key["outlet"]]["mark_connected"] = True
    pushed.clusto("sync", "nb", "--push")
    assert pushed.netbox.written == []


def test_values_go_to_custom_fields(pushed: Pushed) -> None:
    pushed.declare(**{"os.installed": "os"})
    pushed.clusto("attr", "set", "os.installed", "debian-13", "-t", "db-1")
    result = pushed.clusto("sync", "nb", "--push")
    assert result.code == 0
    assert pushed.netbox.written == [
        ("PATCH", f"/api/dcim/devices/{pushed.key['db 1']}/", {"custom_fields": {"os": "debian-13"}})
    ]
    pushed.clusto("sync", "nb", "--push")
    assert len(pushed.netbox.written) == 1


@pytest.mark.parametrize(
    ("push", "code", "message"),
    [
        ({}, 4, "source.nb.push names nothing to write back"),
        ({"outlets": "yes"}, 2, "source.nb.push.outlets is true or false"),
        ({"bmc.password": "pw"}, 2, "bmc.password is not given away"),
        ({"os.installed": "missing"}, 3, "NetBox has no custom field missing for dcim.device"),
    ],
)
def test_what_cannot_be_written(pushed: Pushed, push: dict[str, Any], code: int, message: str) -> None:
    pushed.declare(**push)
    pushed.clusto("attr", "set", "os.installed", "x", "-t", "db-1")
    result = pushed.clusto("sync", "nb", "--push")
    assert result.code == code
    assert message in result.err
    assert pushed.netbox.written == []


def test_what_netbox_refuses_is_said(pushed: Pushed) -> None:
    pushed.acted("db-1", POWER_LAST, {"done": True, "before": {"pdu1:7": "on"}})
    pushed.netbox.fault = lambda path: (
        (400, "application/json", b'{"a_terminations": ["no"]}', {}) if path == "/api/dcim/cables/" else None
    )
    result = pushed.clusto("sync", "nb", "--push")
    assert result.code == 4
    assert "answers 400" in result.err
    assert "a_terminations" in result.err


def test_other_sources_take_nothing_back(clusto: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[source.f]\ntype = "file"\nfile = "x.yaml"\n')
    monkeypatch.setenv("CLUSTO_CONFIG", str(path))
    result = clusto("sync", "f", "--push")
    assert (result.code, "nothing is written back to a source of the type file" in result.err) == (2, True)

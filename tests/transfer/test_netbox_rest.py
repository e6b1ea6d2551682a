"""A NetBox that answers: what is read of it is what its dump says, whatever happens on the way."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pynetbox", reason="pynetbox is not installed (pip install 'clusto[netbox]')")

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model.origins import Origin
from clusto_core.transfer.documents import SAME, Document
from clusto_core.transfer.formats.netbox import read
from clusto_core.transfer.netbox import client as clients
from clusto_core.transfer.netbox import keeping
from clusto_core.transfer.netbox.client import Client
from clusto_core.transfer.netbox.dump import load as load_dump
from clusto_core.transfer.sources import netbox as source
from clusto_core.transfer.sources.protocol import Declared, quiet
from tests.netbox_server import Answer, NetBox
from tests.netbox_site import Site, a_room, hardware
from tests.recorded import files
from tests.redfish.service import certificate

TOKEN = "0123456789abcdef"


class Last:
    """What clusto remembers of a source."""

    def __init__(self) -> None:
        self.state = ""
        self.time: float | None = None
        self.again: frozenset[Origin] = frozenset()
        self.stamps: dict[Origin, str] = {}
        self.names: dict[Origin, str] = {}


@pytest.fixture(autouse=True)
def surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder for copies, a token, and no waiting between attempts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("CLUSTO_NETBOX", TOKEN)
    monkeypatch.setattr(clients, "_WAIT", 0.0)


@pytest.fixture
def site() -> Site:
    return Site()


def declared(address: str, **settings: Any) -> Declared:
    return Declared("nb", "netbox", "config.toml", {"address": address, "token": "env:CLUSTO_NETBOX", **settings})


def reading(netbox: NetBox, last: Last | None = None, **settings: Any) -> tuple[list[Document], Any]:
    """What the source yields, and the source; `last` is brought up as clusto would."""
    last = last or Last()
    found = source.source(declared(netbox.url, **settings))
    documents = list(found.read(last, quiet))
    last.state = found.state
    last.stamps |= {each.origin: each.stamp for each in documents if each.origin and each.form != SAME}
    return documents, found


def essence(documents: list[Document]) -> dict[Origin, Any]:
    """What documents say, without where they stand."""
    return {
        each.origin: (each.name, each.driver, each.type, each.parents, each.at, each.attrs, each.parts, each.addresses,
                      each.connect, each.part_attrs, each.part_origins, each.called, each.problems)
        for each in documents if each.origin is not None
    }  # fmt: skip


def a_full_room(site: Site) -> dict[str, int]:
    """A room with everything in it that is written otherwise by REST: choices, tags, custom fields, arrays, scopes."""
    key = a_room(site)
    site.objects[-1]["fields"]["profile"] = ""
    vrf = site.add("ipam.vrf", name="Red", rd="1:1")
    vlan = site.add("ipam.vlan", vid=203, name="App", site=key["site"], status="active")
    more = site.add("ipam.vlan", vid=204, name="Db", site=None, status="active")
    site.add("ipam.prefix", prefix="10.1.0.0/16", vlan=vlan, vrf=vrf, status="active", site=key["site"], is_pool=True)
    cluster = site.add("virtualization.cluster", name="KVM", site=key["site"], status="active")
    machine = site.add("virtualization.virtualmachine", name="vm1", cluster=cluster, vcpus="4.00", memory=8192)
    nic = site.add("virtualization.vminterface", virtual_machine=machine, name="ens3", mac_address="52:54:00:AA:00:01")
    site.add("ipam.ipaddress", address="10.1.0.7/16", vrf=vrf, status="active", role="vip", dns_name="vm.x",
             assigned_object_type=["virtualization", "vminterface"], assigned_object_id=nic)  # fmt: skip
    tag = site.add("extras.tag", name="gold", slug="gold")
    site.add("extras.taggeditem", content_type=["dcim", "device"], object_id=key["db 1"], tag=tag)
    site.add("extras.customfield", name="mate", type="object", related_object_type=["dcim", "device"])
    site.add("extras.customfield", name="racks", type="multiobject", related_object_type=["dcim", "rack"])
    site.add("extras.customfield", name="tier", type="select")
    fields = next(each for each in site.objects if each["model"] == "dcim.device" and each["pk"] == key["db 1"])
    fields["fields"]["custom_field_data"] = {
        "mate": key["sw1"], "racks": [key["rack"]], "tier": "one", "plan": {"a": [1]}, "unset": None,
    }  # fmt: skip
    site.add("dcim.interface", device=key["sw1"], name="trunk", type="virtual", mode="tagged", untagged_vlan=vlan,
             tagged_vlans=[more], enabled=False, mtu=9000, mgmt_only=False, parent=key["Gi 1/0/1"])  # fmt: skip
    site.add("dcim.rackreservation", rack=key["rack"], units=[1, 2], description="soon")
    site.add("ipam.service", name="ntp", protocol="udp", ports=[123])
    return hardware(site, key)


@pytest.mark.parametrize("version", ["4.0.1", "4.1.0", "4.2.0", "4.4.2", "4.5.3", "4.7.2"])
def test_what_is_read_is_what_the_dump_says(site: Site, version: str) -> None:
    a_full_room(site)
    expected = site.read()
    with NetBox(site.objects, version, most=7) as netbox:
        documents, found = reading(netbox)
    assert essence(documents) == essence(expected)
    assert found.complete
    (left_out,) = [note for note in documents[-1].notes if "left out, as clusto has no place" in note]
    assert left_out.endswith("no place for them: 1 ipam.service")


def test_a_recorded_site_is_read_as_its_dump() -> None:
    def is_dump(path: Path) -> bool:
        try:
            with path.open(encoding="utf-8") as file:
                return bool(load_dump(file).rows("dcim.device"))
        except Malformed:
            return False

    for path in files("dumps of NetBox", (".json", ".json.gz"), is_dump):
        with path.open(encoding="utf-8") as file:
            expected = list(read(file, path.name))
        import gzip

        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        with NetBox(json.loads(content), "4.6.5") as netbox:
            documents, _ = reading(netbox)
        assert len(documents) > 100
        assert essence(documents) == essence(expected)


def test_only_what_changed_is_asked_again(site: Site) -> None:
    key = a_full_room(site)
    last = Last()
    with NetBox(site.objects) as netbox:
        reading(netbox, last)
        netbox.asked.clear()
        documents, found = reading(netbox, last)
        assert (documents, found.complete) == ([], False)
        assert len(netbox.asked) <= 3
        netbox.change("dcim.device", key["db 1"], serial="S-1")
        netbox.delete("dcim.interface", key["eth1"])
        netbox.add("dcim.site", 900, name="New", slug="new", status="planned")
        netbox.asked.clear()
        documents, found = reading(netbox, last)
    assert found.complete
    changed = {str(each.origin): each for each in documents if each.origin and each.form != SAME}
    assert set(changed) == {f"dcim.device:{key['db 1']}", "dcim.site:900"}
    assert "serial" in map(str, changed[f"dcim.device:{key['db 1']}"].attrs)
    assert "eth1" not in changed[f"dcim.device:{key['db 1']}"].parts["nic"]
    lists = {path.partition("?")[0] for path in netbox.asked}
    assert lists <= {
        "/api/status/", "/api/core/object-changes/", "/api/dcim/devices/", "/api/dcim/interfaces/", "/api/dcim/sites/",
    }  # fmt: skip


def test_what_was_held_back_is_yielded_again(site: Site) -> None:
    key = a_room(site)
    last = Last()
    with NetBox(site.objects) as netbox:
        reading(netbox, last)
        again = Origin("dcim.device", str(key["db 1"]))
        last.again = frozenset((again,))
        del last.stamps[again]
        documents, _ = reading(netbox, last)
    assert [each.origin for each in documents if each.origin and each.form != SAME] == [again]


def _pruned(netbox: NetBox) -> None:
    netbox.prune()


def _hidden(netbox: NetBox) -> None:
    netbox.fault = lambda path: _refusing(path, "object-changes")


def _refusing(path: str, part: str) -> Answer | None:
    return (403, "application/json", b'{"detail": "no"}', {}) if part in path else None


@pytest.mark.parametrize("without_log", [_pruned, _hidden])
def test_without_the_log_numbers_and_times_tell(site: Site, without_log: Callable[[NetBox], None]) -> None:
    key = a_full_room(site)
    last = Last()
    with NetBox(site.objects) as netbox:
        netbox.change("dcim.site", key["site"], status="active")
        reading(netbox, last)
        netbox.change("dcim.device", key["sw1"], name="sw2")
        netbox.delete("dcim.device", key["cs1"])
        without_log(netbox)
        documents, found = reading(netbox, last)
        assert found.complete
        origins = {str(each.origin) for each in documents if each.origin}
        assert f"dcim.device:{key['cs1']}" not in origins
        assert any(each.name == "sw2" for each in documents)
        netbox.asked.clear()
        reading(netbox, last)
    assert all("fields=id" in path for path in netbox.asked if "/dcim/devices/" in path)


def test_a_custom_field_that_is_renamed_is_renamed_everywhere(site: Site) -> None:
    key = a_full_room(site)
    last = Last()
    with NetBox(site.objects) as netbox:
        reading(netbox, last)
        data = netbox.tables["dcim.device"][key["db 1"]]["custom_field_data"]
        data["tier2"] = data.pop("tier")
        field = next(pk for pk, row in netbox.tables["extras.customfield"].items() if row["name"] == "tier")
        netbox.change("extras.customfield", field, name="tier2")
        documents, _ = reading(netbox, last)
    (changed,) = [each for each in documents if each.origin and each.form != SAME]
    assert "custom.tier2" in map(str, changed.attrs)


def test_what_changes_while_it_is_read_is_of_one_moment(site: Site) -> None:
    key = a_room(site)
    cable = site.cable([("dcim.interface", key["eth1"])], [("dcim.interface", key["Gi 1/0/1"])])
    with NetBox(site.objects) as netbox:

        def meanwhile(path: str) -> Answer | None:
            # All else is read: the cable is laid anew to another port, and so are its ends.
            if "/dcim/cables/" in path and cable in netbox.tables["dcim.cable"]:
                ends = netbox.tables["dcim.cabletermination"]
                for pk in [pk for pk, row in ends.items() if row["cable"] == cable]:
                    netbox.delete("dcim.cabletermination", pk)
                netbox.delete("dcim.cable", cable)
                netbox.add("dcim.cable", 5000, status="connected")
                for number, side, port in ((5001, "A", "eth1"), (5002, "B", "Gi 1/0/1")):
                    netbox.add("dcim.cabletermination", number, cable=5000, cable_end=side,
                               termination_type=["dcim", "interface"], termination_id=key[port])  # fmt: skip
            return None

        netbox.fault = meanwhile
        documents, _ = reading(netbox)
    server = next(each for each in documents if each.name == "db-1")
    assert server.connect["eth1"] == "sw1:Gi-1/0/1"


def test_the_token_goes_to_the_address_and_nowhere_else(site: Site) -> None:
    a_room(site)
    with NetBox(site.objects) as netbox, NetBox([]) as other:
        # Every page of the server names another host for the next one, as one behind a proxy does.
        netbox.most = 3
        reading(netbox)
        assert {headers.get("authorization") for headers in netbox.headers} == {f"Token {TOKEN}"}
        netbox.fault = lambda path: (302, "text/html", b"", {"Location": f"{other.url}{path}"})
        with pytest.raises(Refused, match="leads to another address"):
            Client(netbox.url, TOKEN).version()
        assert other.asked == []


def test_tokens_of_the_second_kind(site: Site) -> None:
    a_room(site)
    token = "nbt_abcdefghijkl.0123456789"
    with NetBox(site.objects, "4.5.0", token=token) as netbox:
        assert Client(netbox.url, token).version() == "4.5.0"
        assert netbox.headers[-1].get("authorization") == f"Bearer {token}"


def test_a_secret_that_is_bound_to_other_hosts_is_not_sent(site: Site, configuration: Path) -> None:
    kept = configuration.read_text()
    configuration.write_text(kept + '\n[secrets.hosts]\n"env:CLUSTO_NETBOX" = ["10.0.0.0/8"]\n')
    try:
        with NetBox([]) as netbox:
            with pytest.raises(Refused, match="may not be sent"):
                reading(netbox)
            assert netbox.asked == []
    finally:
        configuration.write_text(kept)


def _slow(path: str) -> Answer | None:
    import time

    time.sleep(1)
    return None


FAULTS: list[tuple[str, Callable[[str], Answer | None], type[ClustoError], str]] = [
    ("401", lambda path: (401, "application/json", b'{"detail": "Invalid\\ntoken"}', {}), Refused,
     r"refuses the token \(401: Invalid token\): it needs leave to view"),
    ("403 of one list", lambda path: _refusing(path, "/dcim/racks/"), Refused, "/api/dcim/racks/ refuses the token"),
    ("404 of one list", lambda path: (404, "text/html", b"", {}) if "/dcim/racks/" in path else None, NotFound,
     "there is no http://.*/api/dcim/racks/"),
    ("500", lambda path: (500, "application/json", b'{"error": "boom"}', {}), Refused, "answers 500.*boom"),
    ("503", lambda path: (503, "text/html", b"busy", {}), Refused, "answers 503"),
    ("429", lambda path: (429, "application/json", b"{}", {"Retry-After": "0"}), Refused, "asked too often"),
    ("no JSON", lambda path: (200, "text/html", b"<h1>Welcome</h1>", {}), Malformed, "no JSON: is it a NetBox"),
    ("other JSON", lambda path: (200, "application/json", b"[1]", {}), Malformed, "is no NetBox"),
    ("a list of something else", lambda path: (200, "application/json", b'{"count": 1, "results": [{"a": 1}]}', {})
     if "/dcim/" in path else None, Malformed, "something else than"),
    ("half a page", lambda path: (200, "application/json", b'{"count": 1, "resu', {"Content-Length": "4000"})
     if "/dcim/" in path else None, Refused, "ends halfway|Connection"),
    ("an empty page of many", lambda path: (200, "application/json", b'{"count": 9, "next": null, "results": []}', {})
     if "/dcim/" in path else None, Malformed, "does not go on"),
    ("an old NetBox", lambda path: (200, "application/json", b'{"netbox-version": "3.7.8"}', {}), Refused,
     "is NetBox 3.7.8: from 4.0 on"),
    ("nobody hurries", _slow, Refused, "no answer in 0.2 s"),
]  # fmt: skip


@pytest.mark.parametrize(("fault", "kind", "message"), [each[1:] for each in FAULTS], ids=[each[0] for each in FAULTS])
def test_what_goes_wrong_is_said_in_one_line(
    site: Site, fault: Callable[[str], Answer | None], kind: type[ClustoError], message: str
) -> None:
    a_room(site)
    with NetBox(site.objects) as netbox:
        netbox.fault = fault
        with pytest.raises(kind, match=message) as raised:
            reading(netbox, timeout=0.2 if fault is _slow else 10)
    assert "\n" not in str(raised.value)
    assert TOKEN not in str(raised.value)


@pytest.mark.parametrize("address", ["ftp://x", "netbox.example.com", "https://u:p@x", "https://", "https://x/?a=b"])
def test_addresses_that_cannot_be(address: str) -> None:
    with pytest.raises(Malformed, match="the address of a NetBox is https"):
        Client(address, TOKEN)


def test_a_busy_netbox_is_waited_for(site: Site) -> None:
    a_room(site)
    refused: list[str] = []

    def busy(path: str) -> Answer | None:
        if "/dcim/racks/" in path and len(refused) < 2:
            refused.append(path)
            return 429, "application/json", b"{}", {"Retry-After": "0"}
        return None

    with NetBox(site.objects) as netbox:
        netbox.fault = busy
        documents, _ = reading(netbox)
    assert len(refused) == 2
    assert any(each.driver == "Rack" for each in documents)


@pytest.fixture
def behind_tls(site: Site, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The address of a NetBox, and the authority's certificate."""
    path = certificate(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    with NetBox(site.objects) as netbox:
        netbox.encrypt(context)
        yield netbox.url.replace("http://127.0.0.1", "https://localhost"), path


def test_certificates(behind_tls: tuple[str, Path], tmp_path: Path) -> None:
    address, authority = behind_tls
    with pytest.raises(Refused, match=r"certificate is not believed .*say ca ="):
        Client(address, TOKEN).version()
    assert Client(address, TOKEN, verify=str(authority)).version() == "4.4.2"
    assert Client(address, TOKEN, verify=False).version() == "4.4.2"
    with pytest.raises(NotFound, match="no such file"):
        Client(address, TOKEN, verify=str(tmp_path / "missing.pem"))


def test_a_copy_is_for_its_user_alone_and_may_be_lost(site: Site) -> None:
    a_room(site)
    last = Last()
    path = Path(keeping.path_of("nb"))
    with NetBox(site.objects) as netbox:
        reading(netbox, last)
        assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)
        for content in (b"", b"\x1f\x8b damaged", path.read_bytes()[:-20]):
            path.write_bytes(content)
            documents, found = reading(netbox, last)
            assert found.complete
            assert all(each.form == SAME for each in documents if each.origin)


def test_some_sites_alone(site: Site) -> None:
    key = a_full_room(site)
    other = site.add("dcim.site", name="Elsewhere", slug="elsewhere")
    device = site.add("dcim.device", name="far", device_type=key["type server"], role=key["role server"], site=other)
    port = site.add("dcim.interface", device=device, name="eth0", type="1000base-t")
    site.add(
        "ipam.ipaddress", address="10.9.0.1/24", assigned_object_type=["dcim", "interface"], assigned_object_id=port
    )
    site.add("ipam.prefix", prefix="10.9.0.0/24", scope_type=["dcim", "site"], scope_id=other, status="active")
    with NetBox(site.objects) as netbox:
        every = {each.name for each in reading(netbox)[0]}
        here = {each.name for each in reading(netbox, filter={"site": ["old-town"]})[0]}
        assert every - here == {"far", "Elsewhere", "10.9.0.0-24"}
        with pytest.raises(NotFound, match="NetBox has no site 'nowhere'"):
            reading(netbox, filter={"site": ["nowhere"]})
        with pytest.raises(Malformed, match="filter is a table"):
            reading(netbox, filter={"rack": "x"})


def test_where_no_copy_can_be_kept_all_is_read_each_time(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_room(site)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    last = Last()
    with NetBox(site.objects) as netbox:
        for _ in range(2):
            documents, found = reading(netbox, last)
            assert found.complete
            assert "no copy is kept" in documents[-1].notes[0]

"""What genders files say of machines that are there."""

from __future__ import annotations

import pytest

from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from tests.transfer.mentions.conftest import Sync, written
from tests.transfer.sync.sites import exported

FILE = """\
# nodes
srv[1-2],stranger   web, fe_ip=10.0.0.%n,login
srv2\tram=64 , load=90%%
"""


def test_groups_and_values(site: Inventory, sync: Sync) -> None:
    """Attributes without a value are the pools, roles... of that name; the others are kept."""
    report = sync("genders", FILE)
    assert (report.in_step, report.unknown) == (True, 1)
    found = exported(site)
    assert sorted(found["srv1"]["in"]) == ["dc", "web"]
    assert found["srv1"]["attrs"] == {"fe_ip": "10.0.0.srv1", "group.genders": "login"}
    assert found["srv2"]["attrs"] == {
        "fe_ip": "10.0.0.srv2", "group.genders": "login", "ram": 64, "load": "90%",
    }  # fmt: skip
    assert sync("genders", FILE).transaction is None


def test_what_is_gone_from_the_file_goes(site: Inventory, sync: Sync) -> None:
    sync("genders", FILE)
    assert sync("genders", "srv1 login\nsrv2 ram=64\n").in_step
    assert exported(site)["srv1"]["attrs"] == {"group.genders": "login"}
    assert exported(site)["srv1"]["in"] == ["dc"]
    assert exported(site)["srv2"]["attrs"] == {"ram": 64}


def test_what_is_exported_is_what_is_there(site: Inventory, sync: Sync) -> None:
    """What the format cannot hold, and what pdsh obeys, is told."""
    with site.change() as change:
        change.put("srv1", "web")
        change.set_values(change.resolve("web-pool"), Key.parse("ntp"), ["n%n"])
        for key, given in (
            ("ram", [64]),
            ("up", [True]),
            ("tag", ["x", "y"]),
            ("note", ["a, b"]),
            ("pdsh_rcmd_type", ["x"]),
        ):
            change.set_values(change.resolve("srv1"), Key.parse(key), given)
        change.set_values(change.resolve("dc"), Key.parse("snmp.community"), ["s3cr3t"])
        change.add("Server", "srv3.z")
    before, text = exported(site), written(site, "genders")
    own = {"web", "ram=64", "up=true", "dns.domain=example.net", "ntp=n%%n"}
    assert set(text.partition("\nsrv1 ")[2].partition("\n")[0].split(",")) == own
    assert "# srv1: no attributes of genders are tag, note\n" in text
    assert "# srv3.z: left out" in text
    assert "clusto config allow export genders pdsh_rcmd_type" in text
    assert "s3cr3t" not in text
    assert sync("genders", text).in_step
    assert exported(site) == before


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a b=", "1: expected attribute or attribute=value, found 'b='"),
        ("\na[1-99999999] b", "2: malformed range"),
        ("a \udcff", "1: bytes that are no text"),
    ],
)
def test_a_file_that_means_ill(sync: Sync, text: str, told: str) -> None:
    """One line, with the line of the file."""
    with pytest.raises(Malformed) as error:
        sync("genders", text)
    assert f"/genders:{told}" in str(error.value)

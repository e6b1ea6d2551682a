"""What expressions select, what is a typo, and the ways to ask from Python, on every database."""

from __future__ import annotations

import re

import pytest

from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key
from clusto_core.query import saving
from clusto_core.query.matching import Match
from clusto_core.query.saved import saved
from clusto_core.query.search import find, matches

ANSWERS = """
name:web1                                           | web1
name:web[1-2]                                       | web1 web2
name:web?                                           | web1 web2 web3 web4
name:/^(web|db)1$/                                  | db1 web1
driver:server                                       | db1 web1 web2 web3 web4
driver:NetworkSwitch                                | sw1 sw2
driver:Equipment and name:*1                        | cs1 db1 dc1 pdu1 pp1 rack1 sw1 web1
driver:Pool or driver:Datacenter                    | dc1 dc2 frontend web-pool
driver:Console connected to name:web1               | cs1
driver:Server connected to name:rack1               | web1 web2
driver:Server connected to name:rack3               | db1
driver:Server connected to name:rack1:RU1           | web1
driver:Server connected to name:sw1                 | web1 web2 web3
driver:Switch connected to name:web3                | sw1
driver:PatchPanel connected to name:web3            | pp1 pp2
connected to name:sw1:3 via network                 | pp1 pp2 web3
driver:PatchPanel connected to name:sw1             | pp1 pp2
driver:Switch connected to name:pp1                 | sw1
driver:Switch connected to (not driver:Server)      | sw1
driver:Server connected to driver:Switch via power  |
driver:Server in name:dc1                           | web1 web2 web3 web4
driver:Server in (name:dc1 and not name:dc2)        | web1 web2 web3 web4
name:web1 in name:dc1                               | web1
name:web1 in name:dc2                               |
name:web1 in name:frontend                          | web1
name:web1 in name:rack1:RU1                         | web1
name:web1:eth0 in name:dc1                          | web1:eth0
driver:NIC in name:web-pool                         | web1:eth0 web1:eth1 web2:eth0 web2:eth1
driver:Server in name:dc1 and not attr:status,broken| web1 web2 web3
driver:PDU connected to (driver:Server in name:rack2)| pdu1 pdu2
driver:Server and count(connected to driver:PDU) < 2| db1 web1
driver:Server and count(connected to driver:PDU) = 2| web2 web3 web4
driver:Server and count(connected to driver:Outlet via power) = 2| web2 web3 web4
name:web1 and count(connected to driver:Switch) > 1 | web1
driver:Server and count(in driver:Pool) >= 1        | web1 web2
name:web1 and count(in driver:Pool) = 2             | web1
(name:web1 or name:sw2) connected to (count(in driver:Rack) > 0)| sw2 web1
driver:Server and not (connected to driver:PDU via power)| db1
driver:NIC and attr:mac,52:54:*                     | web1:eth0 web2:eth0 web3:eth0 web4:eth0
driver:NIC and not attr:mac,* and name:web*         | web1:eth1 web2:eth1 web3:eth1 web4:eth1
driver:Part and not driver:RU and part:e* in name:web1| web1:eth0 web1:eth1
part:eth[0-9] in name:db1                           | db1:eth0
not (name:web* or name:db*) and driver:Server       |
driver:Server and attr:_ip,10.2.0.0/30              | web1 web2 web3
_ip:10.2.0.3-10.2.0.9                               | web3 web4
driver:NIC and _ip:10.2.0.4                         | web4:eth0
name:db1:eth0 in (attr:_ip,10.*)                    |
name:web1:eth1 in (attr:_ip,10.*)                   | web1:eth1
attr:_ip,/[.]4$/                                    | web4
haskey(_ip) and name:*1                             | web1
attr:tag,12                                         | web3 web4
attr:tag=x                                          | web1 web2
attr:tag={x}                                        | web2
attr:tag={y,x}                                      | web1
attr:tag!=x                                         | web3 web4
attr:ram>=64 and attr:ram<128.0                     | web2 web3
attr:purchased<2024-01-01                           | web1
attr:purchased>=2024-01-01                          | web2 web3
attr:purchased,2024-*                               | web2 web3
attr:release>"1.1" and name:db1                     | db1
attr:uplink,sw1                                     | web1
attr:uplink,@sw*                                    |
attr:uplink=@sw1                                    | web1
attr:model,"a b (c)"                                | sw1
haskey(release)                                     | db1
driver:Outlet in name:pdu1 and free                 | pdu1:5 pdu1:6 pdu1:7 pdu1:8
driver:Outlet in name:pdu1 and not free             | pdu1:1 pdu1:2 pdu1:3 pdu1:4
driver:Outlet in name:pdu1 and cabled               | pdu1:1 pdu1:2 pdu1:3 pdu1:4
driver:Outlet in name:pdu1 and free(network)        |
cabled in name:rack1 and driver:RU                  | rack1:RU1 rack1:RU2 rack1:RU9
free in name:rack1 and driver:RU and part:RU[1-4]   | rack1:RU3 rack1:RU4
part:eth* and free in driver:Server                 | db1:eth0 web2:eth1 web3:eth1 web4:eth0 web4:eth1
driver:FrontPort and not free                       | pp1:1 pp2:1
driver:PDU and not free(network)                    |
driver:Server and not cabled(network)               | db1 web4
driver:Server and not cabled(position)              | db1
driver:Server and free(network)                     | db1 web2 web3 web4
driver:Rack and free(position)                      | rack1 rack2 rack3
driver:Rack and not cabled(position)                | rack3
name:sw1 or free in name:web1                       | sw1 web1:psu2
not (free or driver:Server) and driver:Switch       | sw1 sw2
name:web1 connected to (driver:Outlet and cabled)   | web1
driver:Server and not haskey(release)               | web1 web2 web3 web4
driver:Server and attr:contact,noc                  |
driver:Server and attr:contact,noc inherited        | web3 web4
driver:Server and attr:contact,"web team" inherited | web1 web2
haskey(snmp.community) inherited and driver:Server  | web1 web2 web3 web4
attrs={status=spare,ram=96,purchased=2024-06-30T12:00:00Z,tag=12} | web3
name:web3 and attrs={status=spare,ram=96,tag=12}    |
name:sw1:Gi0/1                                      | sw1:1
connected to name:sw1:Gi0/1                         | sw1 web1
"""


def names(inventory: Inventory, expression: str, **options: bool) -> list[str]:
    return [thing.name for thing in inventory.find(expression, **options)]


def test_expressions_select_what_they_say(site: Inventory) -> None:
    cases = [line.rpartition("|") for line in ANSWERS.strip().splitlines()]
    wrong = {
        text.strip(): found for text, _, expected in cases if (found := names(site, text.strip())) != expected.split()
    }
    assert not wrong


@pytest.mark.parametrize(
    ("expression", "error", "message"),
    [
        ("name:wbe1", NotFound, "no such thing: wbe1 (did you mean web1?)"),
        ("driver:Server connected to name:rack9", NotFound, "no such thing: rack9"),
        ("not name:web[1-9]", NotFound, "no such thing: web5, web6, web7 and 2 more"),
        ("name:web1:eht0", NotFound, "did you mean web1:eth0?"),
        ("not attr:statsu,allocated", NotFound, "no such key: nothing has statsu (did you mean status?)"),
        ("haskey(serail)", NotFound, "no such key"),
        ("attrs={stauts=x}", NotFound, "did you mean status?"),
        ("part:eht0", NotFound, "no such part: nothing has a part eht0 (did you mean eth0?)"),
        ("@sparse", NotFound, "no such saved expression: @sparse"),
        ("attr:status>12", Malformed, "status holds text and no numbers: 12 cannot be compared with it"),
        ("attr:release>=1.9", Malformed, 'quote the value to compare it as text (release>="1.9")'),
        ("attr:ram<2024-01-01", Malformed, "ram holds numbers and no dates"),
        ("attr:ram<big", Malformed, "ram holds numbers and no text"),
    ],
)
def test_a_typo_is_an_error_and_no_answer(sqlite_site: Inventory, expression: str, error: type, message: str) -> None:
    with pytest.raises(error) as found:
        names(sqlite_site, expression)
    assert message in str(found.value)


def test_whoever_means_it_may_ask_for_what_is_unknown(sqlite_site: Inventory) -> None:
    for expression in ("name:wbe1", "haskey(serail)", "attr:statsu>3", "part:eht0", "attrs={stauts=x}"):
        assert names(sqlite_site, expression, allow_unknown=True) == []
    assert names(sqlite_site, "name:web[1-9]", allow_unknown=True) == ["web1", "web2", "web3", "web4"]


def test_a_value_that_nothing_has_is_told(sqlite_site: Inventory) -> None:
    with sqlite_site.read() as reader:
        found = find(reader, "driver:Server and not attr:status,alocated")
    assert found.notes == ["nothing has status=alocated (did you mean allocated?)"]
    assert len(found.things) == 5
    with sqlite_site.read() as reader:
        assert not find(reader, "attr:status,spare or attr:status,x*").notes


@pytest.mark.parametrize(
    ("expression", "note"),
    [
        ("driver:Outlet in name:pdu1 and not (connected to driver:Equipment)", "takes none of these parts"),
        ("driver:RU in name:rack1 and not (connected to name:rack1)", "takes none of these parts"),
        ("driver:Outlet and not (connected to (driver:PDU or driver:Server))", "takes none of these parts"),
        ("driver:PDU and not (connected to (driver:Outlet and not (connected to driver:Equipment)))", "of these parts"),
        ("driver:Server and free", r"free is of parts.*free\(KIND\) asks for Things"),
        ("driver:Server and part:eth0", "part:eth0 is of parts, and driver:Server is none"),
    ],
)
def test_what_is_asked_in_vain_is_told(site: Inventory, expression: str, note: str) -> None:
    with site.read() as reader:
        [told] = find(reader, expression).notes
    assert re.search(note, told)


@pytest.mark.parametrize(
    "expression",
    [
        "driver:Outlet and not (connected to driver:Server)",
        "driver:Outlet in name:pdu1 and not (connected to name:pdu2)",
        "driver:Outlet in name:pdu1 and not (connected to driver:Equipment via power)",
        "driver:Outlet in name:pdu1 and free",
        "driver:Server and not (connected to driver:Equipment)",
        "driver:Vip and not (connected to driver:Equipment)",
        "(driver:Server and attr:status,spare) or free in name:pdu1",
        "driver:Driver and free",
    ],
)
def test_what_may_have_an_answer_is_not(site: Inventory, expression: str) -> None:
    with site.read() as reader:
        assert find(reader, expression).notes == []


def test_matching_three_ways(site: Inventory) -> None:
    def found(pairs: dict[str, object], how: Match) -> list[str]:
        return [thing.name for thing in site.find(pairs, how)]

    assert found({"tag": "x"}, Match.HAS) == ["web1", "web2"]
    assert found({"tag": ["x", "y"], "ram": 32}, Match.HAS) == ["web1"]
    assert found({"tag": "x"}, Match.KEYS) == ["web2"]
    assert found({"tag": ["y", "x"]}, Match.KEYS) == ["web1"]
    assert found({"release": "1.10"}, Match.ALL) == ["db1"]
    assert found({"tag": "x"}, Match.ALL) == []
    with site.read() as reader:
        web1 = reader.resolve("web1")
        assert matches(reader, web1, {"tag": "x"})
        assert matches(reader, web1, {"uplink": reader.resolve("sw1")}, Match.KEYS)
        assert not matches(reader, web1, {"tag": "x"}, Match.KEYS)
        assert matches(reader, web1, "connected to name:sw1 via network")
        assert not matches(reader, web1, "driver:Switch")
        eth0 = reader.resolve("web1:eth0")
        assert matches(reader, eth0, "driver:NIC and not haskey(ram)")
        assert not matches(reader, eth0, "not haskey(ram)"), "which ranges over whole Things"
    with pytest.raises(Malformed, match="no value is given for tag"):
        found({"tag": []}, Match.KEYS)


def test_saved_expressions(site: Inventory) -> None:
    with site.change() as change:
        assert saving.save(change.unit, "spares", "driver:Server and attr:status,spare")
    with site.change() as change:
        assert saving.save(change.unit, "web-spares", "@spares in name:web-pool")
    assert names(site, "@spares") == ["web2", "web3"]
    assert names(site, "@web-spares") == ["web2"]
    assert names(site, "driver:Rack connected to (@spares)") == ["rack1", "rack2"]
    with site.change() as change:
        change.set_values(change.resolve("web1"), Key("status"), ["spare"])
    assert names(site, "@spares") == ["web1", "web2", "web3"]
    with site.read() as reader:
        assert [each.name for each in saved(reader)] == ["spares", "web-spares"]
        assert "@spares" not in {thing.name for thing in find(reader, "not driver:Server").things}
    with pytest.raises(Refused, match="@spares is used by @web-spares"), site.change() as change:
        saving.delete(change.unit, "spares")
    with pytest.raises(Malformed, match="@spares -> @web-spares -> @spares"), site.change() as change:
        saving.save(change.unit, "spares", "not @web-spares")
    with pytest.raises(NotFound, match="did you mean web1"), site.change() as change:
        saving.save(change.unit, "other", "name:wbe1")
    with site.change() as change:
        saving.delete(change.unit, "@web-spares")
    with site.change() as change:
        assert not saving.save(change.unit, "@spares", "driver:Server and attr:status,spare")


def test_nothing_of_an_expression_becomes_sql(site: Inventory) -> None:
    for text in ("'", "x' OR '1'='1", '\\"; DROP TABLE things; --', ":p0", "%s", "%(p0)s", "\\\\'", "?"):
        quoted = text.replace("\\", "\\\\").replace('"', '\\"')
        for term in ("name:", "part:", "attr:tag,", "attr:tag<", "attr:tag={", "attrs={tag="):
            expression = f'{term}"{quoted}"' + ("}" if "{" in term else "")
            assert names(site, f"driver:Server and {expression} and driver:NIC", allow_unknown=True) == []
            assert names(site, f"driver:NIC and {expression}", allow_unknown=True) == []
    assert len(names(site, "driver:Server")) == 5

"""What is refused, to the command line and to programs alike: words, exit code, message, and the call of the library.

A refusal that only the command line can meet, of its own syntax or of a question not answered, has no call.
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any, NamedTuple

from clusto_core.drivers.categories import Class, Role
from clusto_core.drivers.equipment import Rack
from clusto_core.inventory import Transaction
from clusto_core.model import reserving
from clusto_core.model.attributes import Value
from clusto_core.model.ranges import expand
from clusto_core.query import grouping, policies, saving
from clusto_core.query.patterns import Regex
from clusto_core.records import history, moments
from clusto_core.records.revert import revert
from clusto_core.resources import fitting, ipam, naming, vacancies, vlans
from clusto_core.resources.allocation import Wanted, allocate
from clusto_core.resources.returning import RETIRE, give_back
from clusto_core.rules import categories, kinds, services
from clusto_core.rules.pairs import paired
from clusto_core.transfer.sheets import mapping
from clusto_core.transfer.sheets import saved as sheetmaps
from clusto_core.transfer.sources import declared

NOWHERE = ip_network("10.9.0.0/24")

SITE = """
class create BigMem
role create dbserver
role require dbserver BigMem
service create www --port 443 --role dbserver
service create dns
add LoadBalancer lb1 --parts vip=1
add Network net1 --attr cidr=10.2.1.0/29
ip allocate 10.2.1.2 server3:eth0
reservations add server2 --until 2099-12-24 --for shop
add NameRange names --attr pattern=n[1-2]
vlan allocate blue
query save spares driver:Server
query save all @spares
add DeviceType acme/box1 --attr env=prod
policy define no-fs --never name:fs* --enforce
key define env --choices prod,test --required --on DeviceType
key define asset --regex [A-Z][0-9] --unique
attr set asset A1 -t server1
attr set primary @lb1 -t server3
pool create frozen
attr set protected true -t frozen
attr set protected.reason audit -t frozen
put cs1 --in frozen
add ConsoleServer cs9 --parts nic=eth0
add Port switch2a:ae1
attr set occupied circuit:C-1 -t switch2a:40
"""
"""What is there besides, so that more can be refused."""

ESCAPE = "\x1b[2J"


def _policy(change: Transaction, **said: Any) -> object:
    return policies.define(change.unit, policies.Policy(**said))


class Refusal(NamedTuple):
    """`words` are those behind `clusto`; `message` is a pattern."""

    words: tuple[str, ...]
    code: int
    message: str
    call: Callable[[Transaction], object] | None = None


def refused(
    words: list[str] | str, code: int, message: str, call: Callable[[Transaction], object] | None = None
) -> Refusal:
    return Refusal(tuple(words.split() if isinstance(words, str) else words), code, message, call)


def ref(name: str) -> Value:
    return Value("relation", name)


def _reserved_without_end(change: Transaction) -> object:
    return allocate(change, Wanted(1, "driver:Server"), purpose="shop")


REFUSALS: list[Refusal] = [
    refused(
        "add Network net2 --attr cidr=10.2.1.0/29",
        4,
        "net1 and net2 are both 10.2.1.0/29",
        lambda c: [c.add("Network", "net2", attributes={"cidr": "10.2.1.0/29"}), c.check()],
    ),
    refused("attr set vrf nosuch -t net1", 3, "no such VRF: nosuch", lambda c: c.set_values("net1", "vrf", "nosuch")),
    refused(
        "attr set rebuild.nic eth99 -t server3",
        3,
        "server3 has no part eth99",
        lambda c: c.set_values("server3", "rebuild.nic", "eth99"),
    ),
    refused(
        "ip allocate 10.2.1.2+vrrp server1",
        4,
        "10.2.1.2 is taken: server3:eth0 holds it alone",
        lambda c: ipam.give(c, "10.2.1.2+vrrp", c.resolve("server1")),
    ),
    # names, drivers, parts
    refused("add Server a/b", 2, "malformed name 'a/b'", lambda c: c.add("Server", "a/b")),
    refused(["add", "Server", "a b"], 2, "malformed name 'a b'", lambda c: c.add("Server", "a b")),
    refused("add Server -- -x", 2, "it begins with '-'", lambda c: c.add("Server", "-x")),
    refused(["add", "Server", "a" * 10_000], 2, "it has 10000 characters", lambda c: c.add("Server", "a" * 10_000)),
    refused(["add", "Server", "a\x07"], 2, "malformed name", lambda c: c.add("Server", "a\x07")),
    refused(["add", "Server", ESCAPE], 2, "malformed", None),
    refused("add Server server1", 4, "the name is taken: server1", lambda c: c.add("Server", "server1")),
    refused(
        "add Server new1 server1",
        4,
        "the name is taken: server1",
        lambda c: [c.add("Server", name) for name in ("new1", "server1")],
    ),
    refused("add Servr x", 2, r"no such driver: Servr \(did you mean Server\?\)", lambda c: c.add("Servr", "x")),
    refused("add Equipment x", 2, "Equipment is a group of drivers", lambda c: c.add("Equipment", "x")),
    refused(
        "add Server x --parts foo=3",
        2,
        "no such kind of part: foo",
        lambda c: c.add("Server", "x", part_counts={"foo": 3}),
    ),
    refused(
        "add Server x --parts nic=-1",
        2,
        "malformed part name '-1'",
        lambda c: c.add("Server", "x", part_counts={"nic": ["-1"]}),
    ),
    refused(
        "add Server x --parts nic=99999999",
        2,
        "0 to 10000 parts",
        lambda c: c.add("Server", "x", part_counts={"nic": 99999999}),
    ),
    refused(
        "add Server x --parts nic=a,a",
        4,
        "two parts would be called a",
        lambda c: c.add("Server", "x", part_counts={"nic": ["a", "a"]}),
    ),
    refused(
        "add Server x --type maker/model",
        3,
        "no such device type: maker/model",
        lambda c: c.add("Server", "x", device_type="maker/model"),
    ),
    refused(
        "add Server x --in nowhere", 3, "no such thing: nowhere", lambda c: c.add("Server", "x", parents="nowhere")
    ),
    refused("add Server x --in server1:eth0", 4, "is a part", lambda c: c.add("Server", "x", parents=["server1:eth0"])),
    refused(
        "add Server x --attr _ip=10.0.0.1",
        2,
        "_ip is written by clusto's own verbs only",
        lambda c: c.add("Server", "x", attributes={"_ip": "10.0.0.1"}),
    ),
    refused("add Server x[1-99999999999]", 2, "malformed range", None),
    refused("add Server x[3-1]", 2, "malformed range", None),
    refused("add NIC eth9", 2, "a NIC is a part", lambda c: c.add("NIC", "eth9")),
    refused("add NIC server1:eth0", 4, "the name is taken: server1:eth0", lambda c: c.add("NIC", "server1:eth0")),
    refused("add NIC nowhere:eth0", 3, "no such thing: nowhere", lambda c: c.add("NIC", "nowhere:eth0")),
    refused(["add", "NIC", "server1:a b"], 2, "malformed part name", lambda c: c.add("NIC", "server1:a b")),
    refused("add RearPort pp12:back7", 4, "has the number 7", lambda c: c.add("RearPort", "pp12:back7")),
    refused("add Query @x", 2, "saved by clusto query save", lambda c: c.add("Query", "@x")),
    refused("add Policy %x", 2, "defined by clusto policy define", lambda c: c.add("Policy", "%x")),
    refused(
        "policy enable nothing", 2, "no such check: nothing", lambda c: _policy(c, name="nothing", check="nothing")
    ),
    refused(
        "policy enable cables --enforce",
        2,
        "cannot be enforced",
        lambda c: _policy(c, name="cables", check="cables", enforce=True),
    ),
    refused("policy delete nothing", 3, "no such policy: nothing", lambda c: policies.delete(c.unit, "nothing")),
    refused("rename cs1 fs1", 4, "fs1 would break the policy no-fs", lambda c: c.rename("cs1", "fs1")),
    refused(
        "pool create --exclusive alone",
        2,
        "name two or more",
        lambda c: grouping.exclude(c.unit, [c.resolve("frozen")]),
    ),
    refused("add SiteKey =x", 2, "declared by clusto key define", lambda c: c.add("SiteKey", "=x")),
    refused("rename =asset =other", 4, "declares the key asset", lambda c: c.rename("=asset", "=other")),
    refused("key define snmp.port", 4, "clusto itself reads snmp.port", lambda c: c.define_key("snmp.port", {})),
    refused(
        "key define k --type x",
        2,
        r"no such type of values: x \(there are any, block, ",
        lambda c: c.define_key("k", {"type": "x"}),
    ),
    refused("key delete nothing", 3, "no such key is declared", lambda c: c.forget_key("nothing")),
    refused(
        "add Server x --attr asset=a1",
        2,
        "text that matches",
        lambda c: c.add("Server", "x", attributes={"asset": "a1"}),
    ),
    refused("attr set asset A1 -t server2", 4, "which is unique", lambda c: c.set_values("server2", "asset", "A1")),
    refused("attr del env -t acme/box1", 4, "must have env", lambda c: c.delete_values(c.resolve("acme/box1"), "env")),
    refused("rename server1 server2", 4, "the name is taken: server2", lambda c: c.rename("server1", "server2")),
    refused(["rename", "server1", "x y"], 2, "malformed name", lambda c: c.rename("server1", "x y")),
    refused("rename server1:eth0 server2:eth7", 4, "belongs to", lambda c: c.rename("server1:eth0", "server2:eth7")),
    refused("rename rack101:RU5 RU50", 4, "its number says where", lambda c: c.rename("rack101:RU5", "RU50")),
    refused("rename acme/box1 box", 2, "malformed device type", lambda c: c.rename("acme/box1", "box")),
    refused("rename @spares @others", 4, "@spares is used by @all", lambda c: c.rename("@spares", "@others")),
    # attributes
    refused(
        ["attr", "set", "note", f"x{ESCAPE}", "-t", "server1"],
        2,
        r"control character '\\x1b'",
        lambda c: c.set_values("server1", "note", f"x{ESCAPE}"),
    ),
    refused(
        "attr set _in @rack101 -t server1",
        2,
        "_in is written by clusto's own verbs only",
        lambda c: c.set_values("server1", "_in", ref("rack101")),
    ),
    refused("attr add _power.last x -t server1", 2, "own verbs", lambda c: c.add_values("server1", "_power.last", "x")),
    refused("attr del _in -t server1", 2, "own verbs", lambda c: c.delete_values("server1", "_in")),
    refused(
        "attr set x @nowhere -t server1",
        3,
        "no such thing: nowhere",
        lambda c: c.set_values("server1", "x", ref("nowhere")),
    ),
    refused(["attr", "set", "", "x", "-t", "server1"], 2, "malformed key", lambda c: c.set_values("server1", "", "x")),
    refused(
        ["attr", "set", "a b", "x", "-t", "server1"], 2, "malformed key", lambda c: c.set_values("server1", "a b", "x")
    ),
    refused(
        "attr set d 2026-02-31 -t server1",
        2,
        "no such date or time",
        lambda c: c.set_values("server1", "d", Value("datetime", "2026-02-31")),
    ),
    refused(["attr", "set", "j", "{bad", "--json", "-t", "server1"], 2, "not JSON", None),
    refused("attr set j 1 --json --string -t server1", 2, "JSON or text", None),
    refused(
        "attr set a 1 -t server[1-9]",
        3,
        "no such thing: server4",
        lambda c: [c.set_values(name, "a", 1) for name in expand("server[1-9]")],
    ),
    refused("attr get statsu -t server1", 3, r"no such key: statsu on server1 \(did you mean status\?\)", None),
    refused("attr del nokey -t server1", 3, "no such attribute: nokey", lambda c: c.delete_values("server1", "nokey")),
    refused(
        "attr del status x -t server1",
        3,
        "no such attribute: status=x",
        lambda c: c.delete_values("server1", "status", "x"),
    ),
    refused("attr set height 3 -t server1", 4, "is in 2 rack units", lambda c: c.set_values("server1", "height", 3)),
    refused(
        "attr add height 3 -t server1",
        4,
        "server1 would have 2 values",
        lambda c: c.add_values("server1", "height", 3),
    ),
    # cables and rack units
    refused(
        "connect server1:eth1 server1:eth1",
        4,
        "cannot be connected to itself",
        lambda c: c.connect("server1:eth1", "server1:eth1"),
    ),
    refused(
        "connect server1:eth0 switch2a:9",
        4,
        "server1:eth0 is connected to pp12:7",
        lambda c: c.connect("server1:eth0", "switch2a:9"),
    ),
    refused("connect server1:eth0 pp12:7", 4, "already connected", lambda c: c.connect("server1:eth0", "pp12:7")),
    refused("connect server1:eth1 pdu3:9", 4, "does not fit", lambda c: c.connect("server1:eth1", "pdu3:9")),
    refused(
        "connect server2 rack101:RU12",
        4,
        r"rack101 has no RU13 \(server2 is 2 units high\)",
        lambda c: c.connect("server2", "rack101:RU12"),
    ),
    refused(
        "connect server2 rack101:RU4",
        4,
        "RU5 in rack101 is taken by server1",
        lambda c: c.connect("server2", "rack101:RU4"),
    ),
    refused(
        "connect server2 rack101:RU9-8",
        2,
        "the lower unit comes first",
        lambda c: c.connect("server2", "rack101:RU9-8"),
    ),
    refused(
        "connect server1 rack101:RU9",
        4,
        "server1 is in RU5 in rack101 already",
        lambda c: c.connect("server1", "rack101:RU9"),
    ),
    refused("connect server2:eth0 rack101:RU9", 4, "is a part", lambda c: c.connect("server2:eth0", "rack101:RU9")),
    refused("connect server2 cs9", 2, "choose with --kind", lambda c: c.connect("server2", "cs9")),
    refused(
        "connect server2 pdu3 --kind network",
        4,
        r"by network \(for management, to be named: pdu3:mgmt\)",
        lambda c: c.connect("server2", "pdu3", kind="network"),
    ),
    refused(
        "connect server2:eth1 switch2a:ae1",
        4,
        "is a link aggregation",
        lambda c: c.connect("server2:eth1", "switch2a:ae1"),
    ),
    refused(
        "connect server2:eth1 switch2a:40",
        4,
        "switch2a:40 is occupied: circuit:C-1",
        lambda c: c.connect("server2:eth1", "switch2a:40"),
    ),
    refused(
        "connect switch2a:41 server[1-2]:eth0 --breakout",
        4,
        "server1:eth0 is connected to",
        lambda c: c.connect("switch2a:41", "server[1-2]:eth0", breakout=True),
    ),
    refused(
        "connect switch2a:41 server[2-3]:eth1",
        4,
        "--breakout joins one port to several",
        lambda c: c.connect("switch2a:41", "server[2-3]:eth1"),
    ),
    refused("type update acme/box2", 3, "no such device type: acme/box2", lambda c: c.update_type("acme/box2")),
    refused(
        "attr set kind lag -t server1:eth0",
        4,
        "server1:eth0 has a cable in it, and would be a link aggregation",
        lambda c: c.set_values("server1:eth0", "kind", "lag"),
    ),
    refused(
        "attr set parent @switch2a:1 -t server1:eth1",
        4,
        "its parent is another part of it",
        lambda c: c.set_values("server1:eth1", "parent", ref("switch2a:1")),
    ),
    refused(
        "connect server2 rack101 --kind power",
        4,
        "joined by position",
        lambda c: c.connect("server2", "rack101", "power"),
    ),
    refused(
        "connect servr1:eth1 switch2a",
        3,
        r"no such thing: servr1 \(did you mean server1\?\)",
        lambda c: c.connect("servr1:eth1", "switch2a"),
    ),
    refused("disconnect server2:eth0", 4, "server2:eth0 is not connected", lambda c: c.disconnect("server2:eth0")),
    # what is in what
    refused(
        "put datacenterZ --in rack101",
        4,
        r"datacenterZ \(Datacenter\) cannot be in rack101 \(Rack\): what it may be in is Category",
        lambda c: c.put("datacenterZ", "rack101"),
    ),
    refused(
        "put rack101 --in switch2a",
        4,
        r"rack101 \(Rack\) cannot be in switch2a \(Switch\)",
        lambda c: c.put("rack101", "switch2a"),
    ),
    refused("put rack101 --in rack101", 4, "cannot be in itself", lambda c: c.put("rack101", "rack101")),
    refused("put pdu3 --in room1", 4, "pdu3 is in rack101 already", lambda c: c.put("pdu3", "room1")),
    refused(
        "put pdu3 --in rack101:RU7",
        4,
        r"is a part.*\(clusto connect pdu3 rack101:RU7 mounts it\)",
        lambda c: c.put("pdu3", "rack101:RU7"),
    ),
    refused("put server1:eth0 --in web-pool", 4, "is a part", lambda c: c.put("server1:eth0", "web-pool")),
    refused("take server1 --from switch2a", 4, "server1 is not in switch2a", lambda c: c.take("server1", "switch2a")),
    refused("take server1 --from rack101", 4, "server1 is mounted in rack101", lambda c: c.take("server1", "rack101")),
    # removal
    refused("remove server1", 4, r"not confirmed: remove server1 \(6 connections\)\?", None),
    refused("remove rack101 --yes", 4, "rack101 has .* in it", lambda c: c.remove("rack101")),
    refused("remove pdu4 --yes", 4, "pdu4 is protected", lambda c: c.remove("pdu4")),
    refused("remove cs1 --yes", 4, r"cs1 is protected by frozen \(audit\)", lambda c: c.remove("cs1")),
    refused("remove server2 cs1 --yes", 4, "cs1 is protected by frozen", lambda c: c.remove_all(["server2", "cs1"])),
    refused("remove server1:eth0 --yes", 4, "server1:eth0 is connected", lambda c: c.remove("server1:eth0")),
    refused("remove lb1 --yes", 4, "server3 names it: primary=@lb1", lambda c: c.remove("lb1")),
    refused("remove nowhere --yes", 3, "no such thing: nowhere", lambda c: c.remove("nowhere")),
    # what is free
    refused(
        "free 10.9.0.0/24", 3, "10.9.0.0/24 is in no Network", lambda c: vacancies.in_block(c.unit.reader, NOWHERE)
    ),
    refused("free nothing", 3, "no such thing: nothing", lambda c: c.resolve("nothing")),
    # categories and services
    refused("role add dbserver server1", 4, "cannot be in the role dbserver", lambda c: c.put("server1", "dbserver")),
    refused(
        "role add web-pool server1",
        2,
        "web-pool is a Pool, not a Role",
        lambda c: kinds.checked(c.resolve("web-pool"), Role),
    ),
    refused(
        "role require web-pool BigMem",
        2,
        "web-pool is a Pool, not a Role",
        lambda c: categories.require(c.unit, c.resolve("web-pool"), c.resolve("BigMem")),
    ),
    refused(
        "role require dbserver web-pool",
        2,
        "web-pool is a Pool, not a Class",
        lambda c: categories.require(c.unit, c.resolve("dbserver"), c.resolve("web-pool")),
    ),
    refused("class remove BigMem server1", 4, "server1 is not in BigMem", lambda c: c.take("server1", "BigMem")),
    refused("class delete web-pool", 2, "not a Class", lambda c: c.remove(kinds.checked(c.resolve("web-pool"), Class))),
    refused("pool delete web-pool", 4, "web-pool has server1 in it", lambda c: c.remove("web-pool")),
    refused("pool delete frozen", 4, r"frozen is protected \(audit\)", lambda c: c.remove("frozen")),
    refused("service create s --port 70000", 2, "no such port", lambda c: services.create(c.unit, "s", 70000)),
    refused(
        "service create s --role web-pool",
        2,
        "web-pool is a Pool, not a Role",
        lambda c: services.create(c.unit, "s", role=c.resolve("web-pool")),
    ),
    refused(
        "service add www server1",
        4,
        "www needs machines in the role dbserver",
        lambda c: services.add(c.unit, c.resolve("www"), c.resolve("server1")),
    ),
    refused(
        "service add dns web-pool",
        2,
        "runs no Service",
        lambda c: services.add(c.unit, c.resolve("dns"), c.resolve("web-pool")),
    ),
    refused(
        "service add dns server1 --vip lb1:vip1",
        2,
        "dns has no port",
        lambda c: services.add(c.unit, c.resolve("dns"), c.resolve("server1"), services.vip_named(c.unit, "lb1:vip1")),
    ),
    refused(
        "service add dns server1 --vip server1:eth0",
        2,
        "not a VIP",
        lambda c: services.vip_named(c.unit, "server1:eth0"),
    ),
    refused(
        "service remove dns server1",
        4,
        "server1 does not run dns",
        lambda c: services.remove(c.unit, c.resolve("dns"), c.resolve("server1")),
    ),
    # what is given out
    refused(
        "ip allocate 10.2.1.2 server2",
        4,
        "is taken: server3:eth0",
        lambda c: ipam.give(c, "10.2.1.2", c.resolve("server2")),
    ),
    refused(
        "ip allocate 10.9.9.9 server2",
        4,
        "outside every Network",
        lambda c: ipam.give(c, "10.9.9.9", c.resolve("server2")),
    ),
    refused(
        "ip allocate 10.2.1.0 server2",
        4,
        "is the address of net1",
        lambda c: ipam.give(c, "10.2.1.0", c.resolve("server2")),
    ),
    refused(
        "ip allocate web-pool server1",
        2,
        "not a Network",
        lambda c: ipam.allocate(c, c.resolve("web-pool"), c.resolve("server1")),
    ),
    refused("ip free 10.2.1.5", 3, "nothing holds 10.2.1.5", lambda c: ipam.release(c, "10.2.1.5")),
    refused("ip free server2", 3, "server2 holds no address", lambda c: ipam.release(c, "server2")),
    refused("vlan allocate red --range 200-5000", 2, "malformed range", lambda c: vlans.parse_range("200-5000")),
    refused("vlan allocate server1", 4, "the name is taken", lambda c: vlans.allocate(c, "server1", 2, 4094)),
    refused("vlan free web-pool", 2, "web-pool is a Pool, not a VLAN", lambda c: vlans.free(c, "web-pool")),
    refused(
        "name allocate names --count 9", 4, "not enough: 9 wanted", lambda c: naming.allocate(c, c.resolve("names"), 9)
    ),
    refused("name allocate web-pool", 2, "not a NameRange", lambda c: naming.allocate(c, c.resolve("web-pool"))),
    refused("name free zzz", 3, "not given out", lambda c: naming.release(c, "zzz")),
    refused(
        "allocate 1 --where driver:Server --set _ip=10.0.0.9",
        2,
        "own verbs",
        lambda c: allocate(c, Wanted(1, "driver:Server"), settings=[("_ip", "10.0.0.9")]),
    ),
    refused(
        "allocate 1 --where driver:Server --until 2020-01-01",
        2,
        "2020-01-01T23:59Z is over",
        lambda c: c.reserve("server1", reserving.deadline("2020-01-01")),
    ),
    refused(
        "allocate 1 --where driver:Server --hold soon",
        2,
        "malformed length of time",
        lambda c: reserving.deadline(None, "soon"),
    ),
    refused("allocate 1 --where driver:Server --for shop", 2, "reserved for shop: until when", _reserved_without_end),
    refused(
        "allocate 1 --where driver:Server --claim nothing",
        4,
        "0 are reserved for nothing",
        lambda c: allocate(c, Wanted(1, "driver:Server", claim="nothing")),
    ),
    refused(
        "reservations add server2 --hold 1h",
        4,
        "server2 is reserved until 2099-12-24T23:59Z for shop",
        lambda c: c.reserve("server2", reserving.deadline(None, "1h")),
    ),
    refused(
        "reservations extend server1 --hold 1h",
        3,
        "server1 is not reserved",
        lambda c: c.extend("server1", reserving.deadline(None, "1h")),
    ),
    refused("reservations release server1", 3, "server1 is not reserved", lambda c: c.release("server1")),
    refused("reservations release server1 --over", 2, "give that, or names"),
    refused(
        "ip next net1 --count 9",
        4,
        "not enough: 9 wanted",
        None,
    ),
    refused("capacity --for rooms=2", 2, "no rack has 'rooms'", lambda c: fitting.need("rooms=2")),
    refused("capacity --for watts=2kg", 2, "watts is a number in W", lambda c: fitting.need("watts=2kg")),
    refused("capacity --for units=99", 4, "no rack has room for units=99", None),
    refused(
        "allocate 1 --where driver:Rack --fit units=99",
        4,
        "only racks with that much room count",
        lambda c: allocate(c, Wanted(1, "driver:Rack", fit={"units": 99})),
    ),
    refused("allocate 9 --where driver:Server", 4, "not enough", lambda c: allocate(c, Wanted(9, "driver:Server"))),
    refused(
        "allocate 1 --where driver:Server --spread Rack --pack Rack",
        2,
        "contraries",
        lambda c: allocate(c, Wanted(1, "driver:Server", spread=[Rack], pack=Rack)),
    ),
    # saved expressions
    refused(
        ["query", "save", "a b", "driver:Server"],
        2,
        "malformed name of a saved expression",
        lambda c: saving.save(c.unit, "a b", "driver:Server"),
    ),
    refused(
        "import servers.csv --map nope",
        3,
        "no mapping of columns is saved as nope",
        lambda c: sheetmaps.named(c.unit.reader, "nope"),
    ),
    refused(
        "import servers.csv --map Host=connect.", 2, "malformed part name", lambda c: mapping.parse(["Host=connect."])
    ),
    refused("query save x name:servr1", 3, "did you mean server1", lambda c: saving.save(c.unit, "x", "name:servr1")),
    refused("query delete spares", 4, "@spares is used by @all", lambda c: saving.delete(c.unit, "spares")),
    refused("query delete nope", 3, "no such saved expression", lambda c: saving.delete(c.unit, "nope")),
    # what names mean
    refused("locate", 2, "name at least one Thing", None),
    refused("locate server[1-9]", 3, "no such thing: server4", lambda c: c.resolve("server4")),
    refused("locate server[1-", 2, "malformed range", None),
    refused("locate -", 3, "no names are left", None),
    refused("locate X1", 2, "several Things hold X1: server1, server2", lambda c: c.resolve("X1")),
    refused("locate 10.0.0.1", 3, "no such thing: 10.0.0.1", lambda c: c.resolve("10.0.0.1")),
    refused("locate ser\udcffver", 2, "not text", lambda c: c.resolve("ser\udcffver")),
    refused("locate server1 -o xml", 2, "invalid value", None),
    refused("trace server1:eth1", 4, "server1:eth1 is not connected", None),
    # moving, replacing, giving back
    refused("move server1 --to nowhere", 3, "no such thing: nowhere", lambda c: c.move("server1", "nowhere")),
    refused("move pdu4 --to room1", 4, "pdu4 is protected: --force moves it", lambda c: c.move("pdu4", "room1")),
    refused("move server[1-3] --to rack101:RU[1-2]", 4, "means 3 and rack101:RU.1-2. 2", None),
    refused(
        "rename server[1-3] web[1-2]",
        4,
        "means 3 and web.1-2. 2",
        lambda c: c.rename_all(paired("server[1-3]", "web[1-2]")),
    ),
    refused("rename server[1-2] web[1-", 2, "malformed", lambda c: c.rename_all(paired("server[1-2]", "web[1-"))),
    refused(
        "replace pdu4 pdu3 --yes", 4, "pdu4 is protected: --force replaces it", lambda c: c.replace("pdu4", "pdu3")
    ),
    refused(
        "replace pdu4 switch2a --force",
        4,
        "switch2a has no free counterpart of 7",
        lambda c: c.replace("pdu4", "switch2a", force=True),
    ),
    refused("replace server1 room1", 4, "room1 is a Room: only equipment", lambda c: c.replace("server1", "room1")),
    refused("replace server1 server2", 4, "not confirmed: replace server1", None),
    refused("retire server1", 4, "not confirmed: retire server1", None),
    refused("deallocate server1", 4, "not confirmed: deallocate server1", None),
    refused("retire pdu4", 4, "pdu4 is protected: --force retires it", lambda c: give_back(c, ["pdu4"], RETIRE)),
    refused("retire web-pool", 4, "web-pool is a Pool: only equipment", lambda c: give_back(c, ["web-pool"], RETIRE)),
    refused(
        "retire server1 --keep cable",
        2,
        "no such thing to give back: cable",
        lambda c: give_back(c, ["server1"], RETIRE, keeps=["cable"]),
    ),
    # batch, edit
    refused("batch /no/such/file", 3, "no such file", None),
    refused("edit nowhere", 3, "no such thing: nowhere", None),
    # history
    refused("show server1 --at soon", 2, "no moment: 'soon'", lambda c: moments.find(c.unit.reader, "soon")),
    refused("find driver:Server --at 99", 3, "no such transaction: 99", lambda c: moments.find(c.unit.reader, "99")),
    refused("diff 9999-01-01", 2, "is yet to come", lambda c: moments.find(c.unit.reader, "9999-01-01")),
    refused("log --grep (", 2, "malformed regex", lambda c: Regex("(")),
    refused("log 99", 3, "no such transaction: 99", lambda c: history.entry(c.unit.reader, 99)),
    refused("blame nothing", 3, "no such thing: nothing", lambda c: c.resolve("nothing")),
    refused("revert 99", 3, "no such transaction: 99", lambda c: revert(c.unit, 99)),
    refused("revert 3", 4, "transaction 3 cannot be undone", lambda c: revert(c.unit, 3)),
    refused("log nowhere", 3, "no such thing: nowhere", None),
    # the command line itself
    refused("nosuchverb", 2, "no such verb: nosuchverb", None),
    refused("locat server1", 2, "did you mean locate", None),
    refused("--db foo://x locate server1", 2, "no such kind of store: foo://", None),
    refused("--db sqlite:///:memory: locate server1", 2, "in memory", None),
    refused("--config /no/such/file locate server1", 3, "no such configuration file", None),
    # sources
    refused("sync", 2, "name the source to be in step with"),
    refused("sync --list --status", 2, "are two questions"),
    refused("sync nowhere", 3, "no such source: nowhere", lambda c: declared.named("nowhere")),
    refused("import x.jsonl --source a/b", 2, "malformed name of a source", lambda c: declared.checked_name("a/b")),
    refused("import x.jsonl --prune", 2, "are about a source that is known"),
    # discovery
    refused("discover --watch 5 -o json", 2, "--watch goes with -o text, jsonl, yaml", None),
    refused("discover web-pool", 4, "is no switch, PDU, console server or Network", None),
    refused("import x.jsonl --source a --confidence sure", 2, "--confidence is about a proposal", None),
    # serving: tokens are no change of the inventory, and a server is none either
    refused("serve token create a/b --role reader", 2, "malformed name of a token", None),
    refused("serve token create x --role reader --where driver:NIC", 2, "selects parts", None),
    refused("serve token create x --role reader --where name:nothing", 3, "no such thing: nothing", None),
    refused("serve token revoke nothing", 3, "no such token: nothing", None),
    refused("serve --bind 0.0.0.0", 4, "would send their tokens in the clear", None),
    refused("serve --tls-cert x", 2, "--tls-cert and --tls-key go together", None),
    refused("serve --auth-header X-User", 2, "--auth-header and --trusted-proxy go together", None),
    refused("serve --name https://inventory.example", 2, "malformed name of a server", None),
    refused("--db http://inventory.example locate server1", 4, "a token would go there in the clear", None),
    refused("--db https:// locate server1", 2, "malformed address of a server", None),
]

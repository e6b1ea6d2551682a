"""Roles and the classes they require, enforced on every way in and out; services behind VIPs; the verbs."""

from __future__ import annotations

import json

import pytest

from clusto_core.errors import Malformed, Refused
from clusto_core.inventory import Inventory, Transaction
from clusto_core.resources.allocation import Wanted, allocate
from clusto_core.rules import services
from clusto_core.rules.categories import REQUIRES, violations
from tests.conftest import Run


def fill(change: Transaction) -> None:
    for name in ("BigMem", "SSD"):
        change.add("Class", name)
    change.add("Role", "dbserver", attributes=[(REQUIRES, change.resolve(name)) for name in ("BigMem", "SSD")])
    change.add("Role", "webserver")
    change.add("Pool", "db-pool")
    for name in ("s1", "s2", "s3"):
        change.add("Server", name, part_counts={"nic": 1})


@pytest.fixture
def farm(inventory: Inventory) -> Inventory:
    with inventory.change() as change:
        fill(change)
        for name in ("BigMem", "SSD"):
            change.put("s1", name)
        change.put("s2", "BigMem")
    return inventory


def put(inventory: Inventory, *pairs: tuple[str, str]) -> None:
    with inventory.change() as change:
        for thing, parent in pairs:
            change.put(thing, parent)


def take(inventory: Inventory, *pairs: tuple[str, str]) -> None:
    with inventory.change() as change:
        for thing, parent in pairs:
            change.take(thing, parent)


def test_a_machine_that_lacks_a_class_is_not_put_in_the_role(farm: Inventory) -> None:
    put(farm, ("s1", "dbserver"), ("s3", "webserver"))
    with pytest.raises(Refused, match=r"s2 cannot be in the role dbserver: it lacks SSD \(clusto class add SSD s2\)"):
        put(farm, ("s2", "dbserver"))
    with pytest.raises(Refused, match="s3 cannot be in the role dbserver: it lacks BigMem and SSD"):
        put(farm, ("s3", "dbserver"))
    put(farm, ("s2", "dbserver"), ("s2", "SSD"))
    assert [thing.name for thing in farm.find("driver:Server in name:dbserver")] == ["s1", "s2"]


def test_nor_by_way_of_a_pool(farm: Inventory) -> None:
    put(farm, ("db-pool", "dbserver"), ("s1", "db-pool"))
    with pytest.raises(Refused, match="s2 cannot be in the role dbserver: it lacks SSD"):
        put(farm, ("s2", "db-pool"))
    take(farm, ("db-pool", "dbserver"))
    put(farm, ("s2", "db-pool"))
    with pytest.raises(Refused, match="s2 cannot be in the role dbserver: it lacks SSD"):
        put(farm, ("db-pool", "dbserver"))
    with pytest.raises(Refused, match="s2 cannot be in the role"):
        put(farm, ("s3", "BigMem"), ("s3", "SSD"), ("s3", "db-pool"), ("db-pool", "dbserver"))


def test_nor_by_allocation_or_together_with_a_new_requirement(farm: Inventory) -> None:
    with pytest.raises(Refused, match="s2 cannot be in the role dbserver"), farm.change() as change:
        allocate(change, Wanted(2, "driver:Server"), put=change.resolve("dbserver"))
    assert farm.find("driver:Server in name:dbserver") == []
    with pytest.raises(Refused, match="s1 cannot be in the role webserver: it lacks SSD"):
        _require_and_put(farm)


def _require_and_put(inventory: Inventory) -> None:
    with inventory.change() as change:
        change.add_values(change.resolve("webserver"), REQUIRES, [change.resolve("SSD")])
        change.take("s1", "SSD")
        change.put("s1", "webserver")


def test_a_class_that_a_role_needs_is_not_taken_away(farm: Inventory) -> None:
    put(farm, ("s1", "dbserver"))
    with pytest.raises(Refused, match="s1 cannot be taken out of SSD: s1 needs SSD, which its role dbserver requires"):
        take(farm, ("s1", "SSD"))
    with pytest.raises(Refused, match="dbserver names it"), farm.change() as change:
        change.remove("BigMem")
    take(farm, ("s1", "SSD"), ("s1", "dbserver"))
    put(farm, ("s1", "SSD"), ("s1", "dbserver"), ("s1", "db-pool"))
    take(farm, ("s1", "db-pool"))
    with farm.change() as change:
        change.remove("s1")


def test_a_class_by_way_of_a_pool_is_not_taken_away_either(farm: Inventory) -> None:
    put(farm, ("db-pool", "SSD"), ("s2", "db-pool"), ("s2", "dbserver"))
    with pytest.raises(Refused, match="db-pool cannot be taken out of SSD: s2 needs SSD"):
        take(farm, ("db-pool", "SSD"))
    with pytest.raises(Refused, match="s2 cannot be taken out of db-pool: s2 needs SSD"):
        take(farm, ("s2", "db-pool"))


def test_what_was_there_before_the_requirement_is_told(farm: Inventory) -> None:
    put(farm, ("s1", "webserver"), ("s3", "webserver"))
    with farm.change() as change:
        change.add_values(change.resolve("webserver"), REQUIRES, [change.resolve("SSD")])
    with farm.read() as reader:
        assert [(each.machine.name, each.role.name, each.words) for each in violations(reader)] == [
            ("s3", "webserver", "SSD")
        ]
    put(farm, ("s3", "db-pool"))
    take(farm, ("s3", "webserver"))
    with farm.read() as reader:
        assert violations(reader) == []


@pytest.fixture
def balanced(farm: Inventory) -> Inventory:
    with farm.change() as change:
        change.add("LoadBalancer", "lb1")
        for name in ("lb1:vip1", "lb1:vip2", "s1:vip1"):
            change.add("Vip", name)
        change.add("Service", "www", attributes=[(services.PORT, 443)])
        change.add("Service", "raw")
        change.add("Service", "db", attributes=[(services.PORT, 5432), (services.ROLE, change.resolve("dbserver"))])
    return farm


def serve(inventory: Inventory, service: str, machine: str, vip: str | None = None) -> bool:
    with inventory.change() as change:
        behind = services.vip_named(change.unit, vip) if vip else None
        return services.add(change.unit, change.resolve(service), change.resolve(machine), behind)


def told(inventory: Inventory, service: str | None = None, vip: str | None = None) -> list[str]:
    with inventory.read() as reader:
        found = services.running(
            reader, reader.resolve(service) if service else None, reader.resolve(vip) if vip else None
        )
    return [
        f"{each.service.name} {each.machine.name} {each.port} {','.join(vip.name for vip in each.vips)}".strip()
        for each in found
    ]


def test_a_service_behind_a_vip(balanced: Inventory) -> None:
    assert serve(balanced, "www", "s1", "lb1:vip1")
    assert serve(balanced, "www", "s2", "lb1:vip1")
    assert not serve(balanced, "www", "s2", "lb1:vip1")
    assert serve(balanced, "www", "s2", "lb1:vip2")
    assert serve(balanced, "raw", "s2")
    assert told(balanced) == ["raw s2 None", "www s1 443 lb1:vip1", "www s2 443 lb1:vip1,lb1:vip2"]
    assert told(balanced, "www", "lb1:vip2") == ["www s2 443 lb1:vip1,lb1:vip2"]
    assert [thing.name for thing in balanced.find("driver:Pool and attr:service,www")] == [
        "lb1-vip1-www",
        "lb1-vip2-www",
    ]
    assert [thing.name for thing in balanced.find("driver:Server in name:lb1-vip1-www")] == ["s1", "s2"]
    with balanced.change() as change:
        services.remove(change.unit, change.resolve("www"), change.resolve("s2"))
    assert told(balanced, "www") == ["www s1 443 lb1:vip1"]
    assert [thing.name for thing in balanced.find("driver:Server in name:lb1-vip2-www")] == []


def test_what_a_service_refuses(balanced: Inventory) -> None:
    for service, machine, vip, error, problem in (
        ("db", "s1", None, Refused, "db needs machines in the role dbserver: clusto role add dbserver s1"),
        ("raw", "s1", "lb1:vip1", Malformed, "raw has no port"),
        ("www", "s1", "s1:vip1", Refused, "s1 is no LoadBalancer"),
        ("www", "s1", "lb1:eth0", Malformed, "lb1:eth0 is a NIC, not a VIP"),
        ("www", "db-pool", None, Malformed, "db-pool is a Pool, and runs no Service"),
        ("db-pool", "s1", None, Malformed, "db-pool is a Pool, not a Service"),
    ):
        with pytest.raises(error, match=problem):
            serve(balanced, service, machine, vip)
    put(balanced, ("s1", "dbserver"))
    assert serve(balanced, "db", "s1")


def test_the_verbs(clusto: Run) -> None:
    clusto("add", "Server", "s[1-3]")
    assert clusto("class", "create", "BigMem", "SSD").out == "created Class BigMem\ncreated Class SSD\n"
    assert clusto("role", "create", "dbserver").code == 0
    assert clusto("role", "require", "dbserver", "BigMem").out == "dbserver requires BigMem\n"
    refused = clusto("role", "add", "dbserver", "s1")
    assert refused.code == 4
    assert refused.err.startswith("clusto: error: s1 cannot be in the role dbserver: it lacks BigMem (clusto class add")
    assert clusto("put", "s1", "--in", "dbserver").code == 4
    assert clusto("class", "add", "BigMem", "s[1-2]").out == "added s1 to BigMem\nadded s2 to BigMem\n"
    assert clusto("role", "add", "dbserver", "--where", "in name:BigMem").code == 0
    assert clusto("role", "list", "dbserver").out == "s1\ns2\n"
    assert clusto("role", "list").out == "dbserver\t2\n"
    taken = clusto("class", "remove", "BigMem", "s1")
    assert (taken.code, "its role dbserver requires" in taken.err) == (4, True)
    assert clusto("role", "require", "dbserver", "SSD").code == 0
    checked = clusto("role", "check")
    assert (checked.code, checked.out) == (1, "s1 in dbserver lacks SSD\ns2 in dbserver lacks SSD\n")
    assert json.loads(clusto("role", "check", "dbserver", "-o", "json").out)[0]["lacks"] == ["SSD"]
    assert clusto("role", "require", "dbserver", "SSD", "--no-longer").code == 0
    assert clusto("role", "check").code == 0
    clusto("add", "LoadBalancer", "lb1")
    clusto("add", "Vip", "lb1:vip1")
    clusto("add", "Network", "net", "--attr", "cidr=10.0.0.0/24")
    clusto("ip", "allocate", "10.0.0.80", "lb1:vip1")
    assert clusto("service", "create", "www", "--port", "443").out == "created Service www\n"
    assert clusto("service", "add", "www", "s1", "--vip", "10.0.0.80").out == "added www on s1 to lb1:vip1\n"
    assert clusto("service", "add", "www", "s3").out == "added www on s3\n"
    assert clusto("service", "list").out == "www\ts1\t443\tlb1:vip1\nwww\ts3\t443\t-\n"
    assert clusto("service", "list", "--vip", "10.0.0.80").out == "www\ts1\t443\tlb1:vip1\n"
    assert clusto("service", "remove", "www", "s3").out == "removed www from s3\n"
    assert clusto("pool", "create", "web[1-2]").code == 0
    assert clusto("pool", "add", "web1", "s[1-3]").code == 0
    assert clusto("pool", "remove", "web1", "s3").out == "removed s3 from web1\n"
    assert clusto("pool", "list", "web1", "-o", "names").out == "s1\ns2\n"
    assert clusto("pool", "delete", "web2").out == "deleted Pool web2\n"
    assert clusto("pool", "delete", "web1").code == 4
    assert clusto("pool", "list", "www").code == 2
    site = '{"name": "s4", "driver": "Server", "in": ["dbserver"]}\n'
    imported = clusto("import", "-", "--format", "jsonl", stdin=site)
    assert (imported.code, "s4 cannot be in the role dbserver" in imported.err) == (4, True)
    both = '{"name": "s4", "driver": "Server", "in": ["dbserver", "BigMem"]}\n'
    assert clusto("import", "-", "--format", "jsonl", stdin=both).code == 0

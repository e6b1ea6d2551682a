"""Completion: what it offers, in the real shells too, and that it stays short and right with 100,000 Things."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.answers import candidates
from clusto_core.answers.candidates import Candidate
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.store.reader import open_reader
from tests.conftest import Run
from tests.shells import Shell


def fill(inventory: Inventory) -> None:
    """A rack, two servers, a switch; server1 is wired and placed."""
    with inventory.change("first", "racks and servers") as change:
        change.add("Datacenter", "datacenterZ", attributes=[("snmp.community", "env:COMMUNITY")])
        change.add("Rack", "rack101", parents=["datacenterZ"])
        change.add("Server", "server1", attributes=[("status", "allocated"), ("bmc.password", "hunter2")])
        change.add("Server", "server2", attributes=[("status", "unallocated"), ("owner", "web team")])
        switch = change.add("Switch", "switch2a", parents=["rack101"])
        change.add("Pool", "web-pool")
        change.put("server1", "web-pool")
        change.connect("server1:eth0", "switch2a:4")
        change.connect("server1", "rack101:RU13")
        for part in change.unit.parts(switch)[:3]:
            change.set_values(part, candidates.Key("label"), [f"GigabitEthernet0/{part.part_name}"])


@pytest.fixture
def site(store_url: str) -> str:
    """The site on each database in turn."""
    fill(Inventory(Settings(store_url)))
    return store_url


@pytest.fixture
def answers(clusto: Run, sqlite_url: str) -> Callable[[str], list[str]]:
    """Asks as the shells do: the candidates for a command line up to the cursor."""
    fill(Inventory(Settings(sqlite_url)))

    def ask(line: str) -> list[str]:
        done = clusto("completion", "fish", "--line", line)
        assert done.err == ""
        return done.out.splitlines()

    return ask


CASES = [
    ("clusto loc", ["plain", "locate"]),
    ("clusto locate --ver", ["plain", "--verbose"]),
    ("clusto locate serv", ["plain", "server1", "server2"]),
    ("clusto locate server1 serv", ["plain", "server2"]),
    ("clusto locate server1:", ["plain", *(f"server1:{part}" for part in ("console", "eth0", "eth1", "psu1", "psu2"))]),
    ("clusto locate switch2a:Gig", ["plain", *(f"switch2a:GigabitEthernet0/{number}" for number in (1, 2, 3))]),
    ("clusto show nothing", ["plain"]),
    ("clusto show nothing:", ["plain"]),
    ("clusto locate -o j", ["plain", "json", "jsonl"]),
    ("clusto locate --output=j", ["plain", "--output=json", "--output=jsonl"]),
    ("clusto trace serv", ["plain", "server1:", "server2:"]),
    ("clusto connect server2:eth1 switch2a:mg", ["plain", "switch2a:mgmt"]),
    ("clusto connect server2:eth1 switch2a:4", ["plain", *(f"switch2a:{number}" for number in range(40, 49))]),
    ("clusto connect server2:psu1 switch2a:", ["plain"]),
    ("clusto connect server2 rack101:RU13", ["plain"]),
    ("clusto disconnect server1:", ["plain", "server1:eth0"]),
    ("clusto disconnect server1 ", ["plain", "rack101", "switch2a"]),
    ("clusto disconnect server1:eth0 ", ["plain", "switch2a:4"]),
    ("clusto put server2 --in ", ["plain", "datacenterZ", "rack101", "web-pool"]),
    ("clusto put server2 --in=ra", ["plain", "--in=rack101"]),
    ("clusto take server1 --from ", ["plain", "web-pool"]),
    ("clusto add server x --type ", ["plain"]),
    ("clusto add server x --attr st", ["plain", "status="]),
    ("clusto add server x --attr status=", ["plain", "status=allocated", "status=unallocated"]),
    ("clusto add server x --parts nic=2,out", ["plain", "nic=2,outlet="]),
    ("clusto attr get -t server2 ", ["plain", "owner", "status"]),
    ("clusto attr get ", ["plain", "bmc.password", "label", "owner", "snmp.community", "status"]),
    ("clusto attr set status ", ["plain", "allocated", "unallocated"]),
    ("clusto attr set bmc.password ", ["plain"]),
    ("clusto attr set rack @ra", ["plain", "@rack101"]),
    ("clusto attr set bm", ["plain", "bmc."]),
    ("clusto attr set snmp.m", ["plain", "snmp.max_octets"]),
    ("clusto attr set prot", ["plain", "protected", "protected.reason"]),
    ("clusto attr get bmc.", ["plain", "bmc.password"]),
    ("clusto add server x --attr sw", ["plain", "switch."]),
    ("clusto add server x --attr switch.", ["plain", "switch.bridge=", "switch.profile=", "switch.via="]),
    ("clusto add server x --attr switch.via=s", ["plain", "switch.via=snmp", "switch.via=ssh"]),
    ("clusto attr set protected ", ["plain", "false", "true"]),
    ("clusto attr set console.profile ipmi", ["plain", "ipmi-sol"]),
    ("clusto attr set switch.profile arista", ["plain", "arista_eos"]),
    ("clusto attr set power.profile teltr", ["plain", "teltronix"]),
    ("clusto attr set os.profile deb", ["plain", "debian"]),
    ("clusto revert ", ["plain", "1\tracks and servers"]),
    ("clusto help att", ["plain", "attr\tRead and write attributes."]),
    ("clusto help attr g", ["plain", "get"]),
    ("clusto log server", ["plain", "server1", "server2"]),
    ("clusto --config ", ["file"]),
    ("clusto import si", ["file"]),
    ("clusto import --format js", ["plain", "jsonl"]),
    ("clusto export serv", ["plain", "server1", "server2"]),
    ("clusto nosuchverb ", ["plain"]),
    ("clusto locate 'ser", ["plain", "server1", "server2"]),
    ('/usr/bin/clusto locate "server2', ["plain", "server2"]),
    ("clusto locate server2 -", None),
]


def test_what_completes(answers: Callable[[str], list[str]]) -> None:
    for line, expected in CASES:
        found = answers(line)
        if expected is not None:
            bare = found if any("\t" in each for each in expected) else [each.partition("\t")[0] for each in found]
            assert bare == expected, line
    assert "--output" in [each.partition("\t")[0] for each in answers("clusto locate -")]


@pytest.mark.parametrize("kind", ["console", "os", "power", "switch"])
def test_every_profile_is_offered_where_one_is_named(answers: Callable[[str], list[str]], kind: str) -> None:
    files = (Path(__file__).parent.parent / "clusto_cli" / "backends" / "profiles" / kind).glob("*.toml")
    assert sorted(answers(f"clusto attr set {kind}.profile ")) == sorted(["plain", *(file.stem for file in files)])


def test_what_is_known_stands_beside_what_is_stored(answers: Callable[[str], list[str]], clusto: Run) -> None:
    clusto("attr", "set", "snmp.site", "x", "-t", "server1")
    assert {"snmp.site", "snmp.community", "snmp.port", "snmp.version"} <= set(answers("clusto attr set snmp."))
    clusto("attr", "set", "console.profile", "our-own", "-t", "server1")
    assert {"our-own", "opengear"} <= set(answers("clusto attr set console.profile o"))


def test_drivers_complete_in_any_case_and_groups_of_drivers_do_not(answers: Callable[[str], list[str]]) -> None:
    assert [each.partition("\t")[0] for each in answers("clusto add server")] == ["plain", "Server"]
    every = [each.partition("\t")[0] for each in answers("clusto add ")]
    assert {"Rack", "NIC", "VLAN", "Pool"} < set(every)
    assert not {"Driver", "Equipment", "Mounted", "Part", "Resource", "Category"} & set(every)


def test_bash_gets_what_is_behind_the_last_break(clusto: Run, sqlite_url: str) -> None:
    fill(Inventory(Settings(sqlite_url)))

    def ask(line: str, word: str) -> list[str]:
        return clusto("completion", "bash", "--line", line, "--word", word).out.splitlines()

    assert ask("clusto locate server1:e", "e") == ["plain", "eth0", "eth1"]
    assert ask("clusto trace switch2a:", "") == ["plain", *map(str, range(1, 49)), "console", "mgmt", "psu1", "psu2"]
    assert ask("clusto trace server1", "server1") == ["nospace", "server1:"]
    assert ask('clusto locate "server1:con', "server1:con") == ["plain", "server1:console"]
    assert ask("clusto put server1 --in=ra", "ra") == ["plain", "rack101"]
    assert ask("clusto add server x --attr sta", "sta") == ["nospace", "status="]


def test_nothing_but_an_exit_code_comes_of_a_missing_store(clusto: Run, tmp_path: Path) -> None:
    done = clusto("completion", "bash", "--line", f"clusto --db {tmp_path}/none locate s", "--word", "s")
    assert done.out == ""
    assert done.code == 3
    assert not (tmp_path / "none").exists()
    assert clusto("completion", "bash", "--line", f"clusto --db {tmp_path}/none loc").out == "plain\nlocate\n"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_printed(clusto: Run, shell: str) -> None:
    done = clusto("completion", shell)
    assert done.code == 0
    assert f"completion {shell} --line" in done.out


# --- the store's side ------------------------------------------------------------------------------------------------


def test_candidates_on_every_database(site: str) -> None:
    with open_reader(site) as reader:
        assert candidates.things(reader, "s") == [Candidate("server1"), Candidate("server2"), Candidate("switch2a")]
        assert candidates.of_drivers(reader, ["Rack", "Pool"], "") == [Candidate("rack101"), Candidate("web-pool")]
        assert [part.name for part in candidates.parts(reader, "server1:eth")] == ["server1:eth0", "server1:eth1"]
        assert candidates.values(reader, candidates.Key("status"), "") == ["allocated", "unallocated"]
        assert candidates.values(reader, candidates.Key("status"), "una") == ["unallocated"]
        assert candidates.values(reader, candidates.Key("bmc", None, "password"), "") == []


@pytest.fixture(scope="module")
def crowded(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with 100,000 servers and 2,500 racks."""
    path = tmp_path_factory.mktemp("crowded") / "clusto.db"
    shutil.copy(sqlite_template, path)
    connection = sqlite3.connect(path)
    rows = [(number, f"server{number}", "Server") for number in range(1, 100_001)]
    rows += [(200_000 + number, f"rack{number:04}", "Rack") for number in range(1, 2_501)]
    rows += [(300_000, "datacenterZ", "Datacenter"), (300_001, "serverless", "Pool")]
    connection.executemany("INSERT INTO things (id, name, driver) VALUES (?, ?, ?)", rows)
    connection.commit()
    connection.close()
    return path


def test_many_names_are_told_by_the_prefixes_that_differ(crowded: Path) -> None:
    with open_reader(f"sqlite:///{crowded}") as reader:
        texts = {prefix: candidates.things(reader, prefix) for prefix in ("", "se", "server", "server1", "server777")}
        assert texts[""] == [Candidate("datacenterZ"), Candidate("rack", True), Candidate("server", True)]
        servers = [*(Candidate(f"server{digit}", True) for digit in range(1, 10)), Candidate("serverless")]
        assert texts["se"] == texts["server"] == servers
        assert texts["server1"][:3] == [Candidate("server1"), Candidate("server10", True), Candidate("server11", True)]
        assert texts["server777"] == [
            Candidate("server777"),
            *(Candidate(f"server777{digit}") for digit in range(10)),
            *(Candidate(f"server777{digit:02}") for digit in range(100)),
        ]
        racks = candidates.of_drivers(reader, ["Rack"], "rack")
        assert racks == [Candidate(f"rack{digit}", True) for digit in range(3)]


def test_every_look_up_is_by_index(crowded: Path) -> None:
    with open_reader(f"sqlite:///{crowded}") as reader:
        statements = (candidates._FIRST_NAME, candidates._LAST_NAME, candidates._VALUES.format(subkey="a.subkey = ''"))
        for statement in statements:
            plan = reader.database.rows(
                "EXPLAIN QUERY PLAN " + statement, {"low": "a", "high": "b", "key": "k", "limit": 5}
            )
            steps = [row[3] for row in plan]
            assert not [step for step in steps if step.startswith("SCAN") and not step.startswith(("SCAN v", "SCAN C"))]


names = st.text("ab1", min_size=1, max_size=6)


@given(st.lists(names, max_size=60, unique=True), st.text("ab1", max_size=3))
def test_candidates_lead_to_every_name_and_to_nothing_else(texts: list[str], prefix: str) -> None:
    limit = candidates.LIMIT
    candidates.LIMIT = 4
    try:
        found = candidates.listed(texts, prefix)
    finally:
        candidates.LIMIT = limit
    wanted = [text for text in texts if text.startswith(prefix)]
    for text in wanted:
        assert any(text.startswith(each.text) if each.partial else text == each.text for each in found)
    for each in found:
        assert each.text in wanted if not each.partial else sum(text.startswith(each.text) for text in wanted) > 1
    assert not (len(found) == 1 and found[0].partial)


# --- the real shells -------------------------------------------------------------------------------------------------


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(request: pytest.FixtureRequest, sqlite_url: str, tmp_path: Path) -> Iterator[Shell]:
    """Each shell in turn, on the site."""
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    fill(Inventory(Settings(sqlite_url)))
    started = Shell(request.param, sqlite_url, tmp_path)
    yield started
    started.close()


def test_in_the_shell(shell: Shell) -> None:
    assert shell.words("clusto loca") == ["clusto", "locate"]
    assert shell.words("clusto locate swi") == ["clusto", "locate", "switch2a"]
    assert shell.words("clusto locate server1:con") == ["clusto", "locate", "server1:console"]
    assert shell.words("clusto locate server1:e") == ["clusto", "locate", "server1:eth"]
    assert shell.words('clusto locate "server1:con') == ["clusto", "locate", "server1:console"]
    assert shell.words("clusto put server1 --in=rack") == ["clusto", "put", "server1", "--in=rack101"]
    assert shell.words("clusto trace swi") == ["clusto", "trace", "switch2a:"]
    assert shell.words("clusto connect server2:eth1 switch2a:mg") == [
        "clusto",
        "connect",
        "server2:eth1",
        "switch2a:mgmt",
    ]
    assert shell.words("clusto add Rac") == ["clusto", "add", "Rack"]
    assert shell.words("clusto find driver:Serve") == ["clusto", "find", "driver:Server"]
    assert shell.words("clusto --db sqlite:////none locate s") == ["clusto", "--db", "sqlite:////none", "locate", "s"]
    assert "server1" in shell.shown("clusto show ser", "server2")

"""`clusto find`, `clusto query`, and expressions as targets of other verbs, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from clusto_core.inventory import Inventory
from clusto_core.query.completing import complete
from tests.conftest import Run
from tests.query.conftest import fill


@pytest.fixture
def run(clusto: Run, sqlite_url: str) -> Run:
    with Inventory.open(sqlite_url).change() as change:
        fill(change)
    return clusto


def test_names_one_a_line_in_natural_order(run: Run) -> None:
    found = run("find", "driver:Server connected to name:rack1")
    assert (found.code, found.out, found.err) == (0, "web1\nweb2\n", "")
    assert run("find", "driver:Server", "in", "name:web-pool").out == "web1\nweb2\n"
    assert run("find", "driver:Server and name:x*").out == ""


def test_counts_groups_order_columns_and_ranges(run: Run) -> None:
    assert run("find", "driver:Server", "--count").out == "5\n"
    assert run("find", "driver:Server", "--fold").out == "db1\nweb[1-4]\n"
    assert run("find", "driver:Server", "--group-by", "status").out == "allocated\t1\nbroken\t1\nspare\t2\n-\t1\n"
    assert run("find", "driver:Server", "--group-by", "status", "--fold").out.splitlines()[2] == "spare\tweb[2-3]"
    grouped = run("find", "driver:Server", "--group-by", "in:Datacenter", "-o", "json")
    assert json.loads(grouped.out) == [
        {"in:Datacenter": "dc1", "count": 4},
        {"in:Datacenter": "dc2", "count": 1},
    ]
    assert run("find", "driver:Server", "--sort", "ram", "--reverse", "--limit", "2").out == "web4\nweb3\n"
    assert run("find", "driver:Server", "--sort", "ram", "--reverse").out.split()[-1] == "db1"
    columns = "name,driver,attr:status,in:Rack,in,ip,inherited:contact,connected:Switch,attr:tag"
    found = run("find", "name:web1 or name:db1", "--columns", columns)
    assert found.out.splitlines() == [
        columns.replace(",", "\t"),
        "db1\tServer\t\track3\track3\t\tother\t\t",
        "web1\tServer\tallocated\track1\tweb-pool,rack1\t10.2.0.1\tweb team\tsw1,sw2\tx,y",
    ]
    assert run("find", "name:web1", "--columns", "name,rack,unit", "--no-header").out == "web1\track1\t1\n"
    spreadsheet = run("find", "name:web1", "--columns", "name,attr:tag,in", "-o", "csv").out
    assert spreadsheet == 'name,attr:tag,in\nweb1,"x,y","web-pool,rack1"\n'
    record = json.loads(run("find", "name:web1", "--columns", "name,attr:ram,attr:tag,ip", "-o", "jsonl").out)
    assert record == {"name": "web1", "attr:ram": 32, "attr:tag": ["x", "y"], "ip": ["10.2.0.1"]}
    assert json.loads(run("find", "name:web1", "-o", "json").out) == [{"name": "web1", "driver": "Server"}]
    assert "****" in run("find", "name:dc1", "--columns", "attr:snmp.community").out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (
            ["driver:Sever"],
            2,
            "expression, column 8: no such driver: Sever (did you mean Server?)",
        ),
        (["name:wbe1"], 3, "clusto: error: no such thing: wbe1 (did you mean web1?)"),
        (["haskey(stauts)"], 3, "did you mean status?"),
        (["driver:Server", "--columns", "nmae"], 2, "no such column: 'nmae' (did you mean name?)"),
        (["driver:Server", "--group-by", "stauts"], 3, "did you mean status?"),
        (["driver:Server", "--sort", "stauts"], 3, "did you mean status?"),
        (["driver:Server", "--fold", "-o", "json"], 2, "--fold makes a list of ranges"),
        ([], 2, "missing argument"),
    ],
)
def test_what_find_refuses(run: Run, arguments: list[str], code: int, message: str) -> None:
    found = run("find", *arguments)
    assert found.code == code
    assert message in found.err
    assert found.out == ""


def test_a_malformed_expression_has_a_caret_under_the_place(run: Run) -> None:
    found = run("find", "name:web1 and (attr:status")
    assert found.code == 2
    shown, caret = found.err.splitlines()[1:]
    assert shown == "  name:web1 and (attr:status"
    assert caret == " " * 28 + "^"


def test_explain_shows_tree_sql_parameters_and_plan(run: Run) -> None:
    found = run("find", "--explain", "driver:PDU connected to (driver:Server in name:rack1)")
    assert found.out.startswith("and\n  driver:PDU\n  connected to\n    and\n      driver:Server\n")
    for text in ("WITH RECURSIVE", "= 'rack1'", "USING INDEX ux_things_name"):
        assert text in found.out


def test_saved_expressions_and_targets(run: Run) -> None:
    assert run("query", "save", "spares", "driver:Server and attr:status,spare").out == "saved @spares\n"
    assert run("query", "list").out == "@spares\tdriver:Server and attr:status,spare\n"
    assert run("query", "show", "@spares").out == "driver:Server and attr:status,spare\n"
    assert run("find", "@spares").out == "web2\nweb3\n"
    assert run("attr", "get", "status", "--where", "@spares").out == "web2\tspare\nweb3\tspare\n"
    assert run("attr", "get", "ram", "-t", "web1", "--where", "name:web[2-3]").out == "web1\t32\nweb2\t64\nweb3\t96\n"
    assert run("put", "@spares", "--in", "frontend").code == 0
    assert run("find", "driver:Server in name:frontend").out == "web1\nweb2\nweb3\n"
    assert run("take", "--where", "@spares", "--from", "frontend").code == 0
    assert run("attr", "set", "status", "used", "--where", "@spares").code == 0
    nothing = run("locate", "@spares")
    assert nothing.code == 3
    assert "nothing satisfies @spares" in nothing.err
    assert "note: nothing has status=spare" in nothing.err
    assert run("locate", "--where", "name:web1 and driver:Server").out.startswith(
        "web1 -> connected to port 1 on sw1\n"
    )
    assert run("locate").code == 2
    assert run("query", "save", "spares", "driver:Sever").code == 2
    assert run("query", "save", "a b", "driver:Server").code == 2
    assert run("add", "Query", "@other").code == 2
    assert run("query", "delete", "spares").out == "deleted @spares\n"
    assert run("find", "@spares").code == 3
    assert "query delete spares" in run("log", "--oneline").out


def test_what_an_expression_may_become(sqlite_site: Inventory) -> None:
    def texts(expression: str) -> list[str]:
        with sqlite_site.read() as reader:
            return [each.text for each in complete(reader, expression)]

    assert {"name:", "driver:", "attr:", "haskey(", "not ", "connected to ", "("} <= set(texts(""))
    assert texts("driver:Swi") == ["driver:Switch"]
    assert texts("driver:Server con") == ["driver:Server connected to "]
    assert texts("driver:Server connected to name:rac") == [
        f"driver:Server connected to name:rack{n}" for n in (1, 2, 3)
    ]
    assert texts("driver:Server connected to name:rack1 v") == ["driver:Server connected to name:rack1 via "]
    assert texts("connected to name:rack1 via p") == [
        f"connected to name:rack1 via {kind}" for kind in ("power", "position")
    ]
    assert texts("(attr:sta") == ["(attr:status,"]
    assert texts("not attr:status,s") == ["not attr:status,spare"]
    assert texts("attr:model,") == ['attr:model,"a b (c)"']
    assert texts("haskey(ra") == ["haskey(ram) "]
    assert texts("driver:Port and fr") == ["driver:Port and free ", "driver:Port and free("]
    assert texts("free(p") == ["free(power) ", "free(position) "]
    assert texts("not cabled a") == ["not cabled and "]
    assert texts("count(") == ["count(connected to ", "count(in ", "count(fed by "]
    assert texts("name:web1:et") == ["name:web1:eth0", "name:web1:eth1"]
    assert texts("driver:Server a") == ["driver:Server and "]


def test_saved_expressions_are_exported_and_imported(run: Run, tmp_path: Path) -> None:
    run("query", "save", "spares", "driver:Server and attr:status,spare")
    exported = run("export", "--format", "jsonl")
    (tmp_path / "site.jsonl").write_text(exported.out)
    other = {"CLUSTO_DB": f"sqlite:///{tmp_path}/other.db"}
    assert run("import", str(tmp_path / "site.jsonl"), env=other).code == 0
    assert run("find", "@spares", env=other).out == "web2\nweb3\n"

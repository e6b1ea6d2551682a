"""JSON is what docs/schemas says, for every verb, and types survive it, down to jq."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("jsonschema")
pytest.importorskip("schemas")

import schemas as pages
import sessions
from jsonschema import Draft202012Validator, ValidationError

from clusto_core.inventory import Inventory
from tests import schemas

LINES = """
alias
allocate 2 --where driver:Server
attr get -t server1 -t rack101 -t @all --inherited
attr get -t server1:eth0
blame server1 web-net
check
capacity rack101 pdu3 switch2a web-net
capacity --for units=2,ports=1
class list
config
diff 0
diff 1 dc9
find driver:Server
find --count driver:Server
find --group-by attr:ram --fold driver:Server
find --columns name,rack,unit,ip,in,attr:ram,connected:Switch,driver driver:Server
free switch2a rack101 web-net pdu3
free --count switch2a
ip list web-net
key list
ip list web-net --free
locate --where driver:Driver
locate server1:eth1 rack101:RU13 rack101:RU1
log -p
log server1
name list
policy list
pool list
pool list web-pool
power impact pdu3 rack101
power profiles
query list
rebuild --status
rebuild recipes
reservations
serve token list
role check
role list
service list
show --where driver:Driver
show server1:eth0 rack101:RU13
trace server1
tree datacenterZ
vlan list
"""
WITH_DEVICES = {
    *("power on", "power off", "power cycle", "power status", "power revert", "power feed cycle", "power outlets"),
    "power load",
    *("power trust", "network ports", "network setvlan", "network undo", "network verify", "network vlan", "rebuild"),
    "console",
    *("bmc boot", "bmc facts", "bmc firmware", "bmc identify", "bmc log", "bmc reset", "bmc sensors"),
    *(f"service {verb}" for verb in ("apply", "drain", "ready", "status", "verify", "weight")),
    "sync",
    "discover",
    *("batch", "move", "replace", "retire", "deallocate"),
}
"""Verbs that print JSON of devices or sources: the tests of these hold it against its schema, as all tests do."""

Clusto = Callable[..., str]


@pytest.fixture(scope="module")
def clusto(tmp_path_factory: pytest.TempPathFactory) -> Clusto:
    """Runs the program on the example site, with some values of every type, and gives what it printed."""
    url = f"sqlite:///{tmp_path_factory.mktemp('schemas') / 'clusto.db'}"
    shutil.copy(sessions.template(tmp_path_factory.mktemp("site")), url.removeprefix("sqlite:///"))

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "clusto_cli.main", "--db", url, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, (arguments, done.stderr)
        return done.stdout

    run("query", "save", "all", "name:server[1-3]")
    run("add", "Datacenter", "dc9", "--attr", "share=1.5", "--attr", "motd=x")
    with Inventory.open(url).change() as change:
        change.set_values("dc9", "plan", {"a": [1, None]})
    run("attr", "set", "protected", "true", "-t", "dc9")
    run("attr", "set", "uplink", "@switch2a", "-t", "dc9")
    run("attr", "set", "snmp.community", "hush", "-t", "dc9")
    run("key", "define", "load", "--type", "number", "--unit", "W", "--on", "Server")
    run("add", "NameRange", "names", "--attr", "pattern=x[1-9]")
    return run


def test_every_verb_that_prints_json_has_a_schema() -> None:
    assert {" ".join(words) for words in schemas.verbs()} == set(pages.VERBS)


@pytest.mark.parametrize("verb", sorted(pages.VERBS))
def test_the_schemas_are_current(verb: str) -> None:
    assert pages.file_of(verb).read_text() == pages.text(verb), "run make docs"
    Draft202012Validator.check_schema(pages.schema(verb))


def test_the_page_of_json_is_current() -> None:
    assert pages.PAGE.read_text() == pages.page(), "run make docs"
    assert {path.stem for path in Path(pages.FOLDER).iterdir()} == {verb.replace(" ", "-") for verb in pages.VERBS}


@pytest.mark.parametrize("line", LINES.strip().splitlines())
def test_what_is_printed_is_as_the_schema_says(clusto: Clusto, line: str) -> None:
    words = shlex.split(line)
    verb = schemas.verb_of([*words, "-o", "json"])
    assert verb is not None
    document = json.loads(clusto(*words, "-o", "json"))
    schemas.check(verb, document)
    if verb != ("tree",):
        # A tree is one object; its lines are one each.
        assert [json.loads(each) for each in clusto(*words, "-o", "jsonl").splitlines()] == document


def test_no_verb_is_left_out() -> None:
    tried = {" ".join(schemas.verb_of([*line.split(), "-o", "json"]) or ()) for line in LINES.strip().splitlines()}
    assert tried | WITH_DEVICES == set(pages.VERBS)


def test_what_is_not_as_the_schema_says_is_noticed() -> None:
    for wrong in (
        [{"name": "x"}],
        [{"id": "1", "name": "x"}],
        {"id": 1, "name": "x"},
        [{"id": 1, "name": "x", "y": 0}],
    ):
        with pytest.raises(AssertionError, match="vlan list -o json is not as"):
            schemas.check(("vlan", "list"), wrong)
        with pytest.raises(ValidationError):
            Draft202012Validator(pages.schema("vlan list")).validate(wrong)


@pytest.mark.skipif(shutil.which("jq") is None, reason="jq is missing")
@pytest.mark.parametrize(
    ("words", "program", "expected"),
    [
        ("show dc9", '.[0].attributes[] | select(.key == "share").value + 1', "2.5"),
        ("show dc9", '.[0].attributes[] | select(.key == "protected").value | not', "false"),
        ("show dc9", '.[0].attributes[] | select(.key == "plan").value.a | length', "2"),
        ("show dc9", '.[0].attributes[] | select(.key == "snmp.community").value', '"****"'),
        ("show server1", '[.[0].attributes[] | select(.type == "integer").value | numbers] | length > 0', "true"),
        ("attr get share -t dc9", ".[0].value * 2", "3"),
        ("find --columns name,attr:ram name:server1", '.[0]["attr:ram"] | type', '"number"'),
        ("find --columns unit,rack name:server1", "[.[0].unit, .[0].rack]", '[13,"rack101"]'),
        ("free rack101", "[.[].runs[].count] | max", "9"),
        ("find --count driver:Rack", ".[0].count | type", '"number"'),
        ("locate server1", '[.[] | select(.kind == "power").to]', '["pdu3","pdu4"]'),
        ("vlan list", "map(.id) | map(type) | unique", '["number"]'),
    ],
)
def test_types_survive_to_jq(clusto: Clusto, words: str, program: str, expected: str) -> None:
    said = clusto(*shlex.split(words), "-o", "json")
    done = subprocess.run(["jq", "-c", program], input=said, capture_output=True, text=True, timeout=30, check=False)
    assert (done.stdout.strip(), done.stderr) == (expected, "")

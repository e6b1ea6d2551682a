"""Whoever writes attributes cannot make another program obey them, nor a spreadsheet."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.boundary.permissions import EXPORTS
from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, Value, string
from clusto_core.rules.claims import hold
from clusto_core.transfer import cells, formats
from clusto_core.transfer.formats import writer_of
from clusto_core.transfer.formats.ansible import identifiers, is_setting
from clusto_core.transfer.leaving import Leaving, comment
from tests import before
from tests.conftest import Run
from tests.security.plain import Plain, plain

SSH = "-o ProxyCommand='touch owned'"


@pytest.fixture
def site(sqlite_url: str) -> Inventory:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("PDU", "pdu1")
        change.add("Server", "server1")
        change.connect("server1:psu1", "pdu1:1")
    return inventory


@pytest.fixture
def operator(tmp_path: Path) -> Plain:
    return plain(tmp_path / "home")


def put(inventory: Inventory, name: str, key: str, value: str) -> None:
    with inventory.change() as change:
        before.has(change, change.resolve(name), key, value)


def exported(inventory: Inventory, form: str, *allowed: str, told: list[str] | None = None) -> str:
    out = io.StringIO()
    with inventory.read() as reader:
        writer_of(form)(reader, reader.all(), out, Leaving(frozenset(allowed), tell=(told or []).append))
    return out.getvalue()


SPELLINGS = [
    "ansible_ssh_common_args",
    "ansible.ssh_common_args",
    "ansible.ssh.common.args",
    "ansible-ssh-common-args",
    "ansible#1.ssh_common_args",
    "Ansible_ssh_common_args",
    "_ansible_x",
    "inventory_hostname",
    "vars",
]


@pytest.mark.parametrize("key", SPELLINGS)
def test_no_attribute_becomes_a_setting_of_ansible(site: Inventory, key: str) -> None:
    if not key.startswith("_"):
        put(site, "server1", key, SSH)
    assert SSH not in exported(site, "ansible")
    assert is_setting(identifiers([key])[key])


@given(st.text())
def test_no_spelling_leads_to_a_variable_of_ansible(key: str) -> None:
    variable = identifiers([key])[key]
    assert is_setting(variable) or not variable.lower().startswith("ansible")


def test_ansible_runs_nothing_that_an_attribute_says(site: Inventory, tmp_path: Path) -> None:
    ansible = shutil.which("ansible")
    if ansible is None:
        pytest.skip("Ansible is not installed (Debian: ansible-core)")
    put(site, "server1", "ansible.ssh_common_args", f"-o ProxyCommand='touch {tmp_path}/owned'")
    put(site, "server1", "ansible_connection", "ssh")
    put(site, "server1", "ansible_ssh_executable", "/bin/false")
    inventory = tmp_path / "inventory.yml"

    def ping() -> None:
        subprocess.run(
            [ansible, "-i", inventory, "all", "-m", "ping", "-T", "2"],
            env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_HOST_KEY_CHECKING": "False", "ANSIBLE_SSH_RETRIES": "0"},
            stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
        )  # fmt: skip

    inventory.write_text(exported(site, "ansible"))
    ping()
    assert not (tmp_path / "owned").exists()
    # What is prevented is real: with the keys allowed, ssh runs it.
    inventory.write_text(exported(site, "ansible", "ansible.ssh_common_args"))
    ping()
    assert (tmp_path / "owned").exists()


@pytest.mark.parametrize("allowed", [(), ("powerman.spec",), ("powerman.device",)])
def test_powermand_runs_nothing_that_an_attribute_says(site: Inventory, allowed: Sequence[str]) -> None:
    put(site, "pdu1", "powerman.spec", "apcpdu3")
    put(site, "pdu1", "powerman.device", "/usr/bin/touch /tmp/owned |&")
    text = exported(site, "powerman", *allowed)
    assert "touch" not in text
    assert ("apcpdu3.dev" in text) == (allowed == ("powerman.spec",))


def test_dnsmasq_serves_no_directory_that_an_attribute_says(site: Inventory) -> None:
    put(site, "server1", "rebuild.dir", "/root/.ssh")
    put(site, "server1", "rebuild.url", "http://192.0.2.6")
    put(site, "server1:eth0", "mac", "52:54:00:00:00:01")
    lines = [line for line in exported(site, "dnsmasq").splitlines() if not line.startswith("#")]
    assert not re.search(r"/root|192\.0\.2|tftp", "\n".join(lines))


@pytest.mark.parametrize("name", ["ignore", "infinite", "Infinite", "45m", "45", "10.0.0.1"])
def test_no_name_is_a_word_of_dnsmasq_s(sqlite_url: str, name: str) -> None:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        change.add("Server", name)
        change.set_values(change.resolve(f"{name}:eth0"), Key("mac"), ["52:54:00:00:00:01"])
    assert "dhcp-host" not in exported(inventory, "dnsmasq")


def test_no_name_stands_in_for_this_machine(sqlite_url: str) -> None:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        for number, name in enumerate(("localhost", "LocalHost.example.net", "fine"), 1):
            change.add("Server", name)
            hold(change.unit, change.resolve(name), f"10.0.0.{number}")
    lines = exported(inventory, "hosts").splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["10.0.0.3\tfine"]


@given(st.text())
def test_a_comment_is_one_line(text: str) -> None:
    line = comment(text)
    assert line.startswith("# ")
    assert line.endswith("\n")
    assert not line.endswith("\\\n")
    assert len(line.splitlines()) == 1


BREAKING = ["a\nscript=/bin/sh", 'x"; exec "touch /tmp/owned"; "', "x\\", "${IFS}", "$(id)", "`id`", "%s", "#", "*"]


@pytest.mark.parametrize("form", ["powerman", "conserver", "dnsmasq", "hosts", "dot"])
def test_no_value_breaks_out_of_its_place(site: Inventory, form: str) -> None:
    """With every setting allowed: a value is where it belongs, whole, or nowhere."""
    keys = ["console.host", "console.base", "console.method", "dns.domain", "rebuild.nic", "rebuild.dir", "rebuild.url"]
    keys += ["powerman.spec", "powerman.device", "powerman.port", "ansible_user"]
    with site.change() as change:
        change.add("ConsoleServer", "cs1")
        change.connect("server1:console", "cs1:7")
        change.set_values(change.resolve("server1:eth0"), Key("mac"), ["52:54:00:00:00:01"])
    plain = _instructions(exported(site, form, "*"))
    for text in BREAKING:
        for key in keys:
            for name in ("server1", "pdu1", "cs1"):
                put(site, name, key, text)
        found = _instructions(exported(site, form, "*"))
        assert not [line for line in found - plain if re.match(r"\s*(script=|exec .touch|node .a)", line)], found


def _instructions(text: str) -> set[str]:
    return {line for line in text.splitlines() if not line.lstrip().startswith("#")}


def test_what_was_left_out_is_told_with_the_line_that_permits_it(clusto: Run, tmp_path: Path) -> None:
    clusto("add", "Server", "server1", "--attr", "ansible_user=root")
    done = clusto("export", "--format", "ansible")
    assert done.code == 0
    assert "ansible_user: root" not in done.out
    assert done.err.splitlines() == [
        "clusto: ansible: left out ansible_user: no attribute becomes a setting of ansible by itself"
        " (clusto config allow export ansible ansible_user)"
    ]


OBEYED = {
    "ansible": ("server1", {"ansible_user": "root", "ansible.port": 22}, "ansible_port: 22"),
    "dnsmasq": ("server1", {"rebuild.dir": "/srv/tftp", "rebuild.url": "http://10.0.0.1"}, "tftp-root"),
    "genders": ("server1", {"pdsh_rcmd_type": "ssh"}, "pdsh_rcmd_type=ssh"),
    "powerman": ("pdu1", {"powerman.spec": "apc", "powerman.device": "/bin/true |&"}, '"/bin/true |&"'),
}


@pytest.mark.parametrize("form", EXPORTS)
def test_the_line_that_an_export_asks_for_is_all_it_takes_and_is_taken_back(operator: Plain, form: str) -> None:
    name, attributes, obeyed = OBEYED[form]
    operator.has(name, attributes)
    operator.has("server1:eth0", {"mac": "52:54:00:00:00:01"})
    told = operator(f"export --format {form}")
    line = told.err.partition("(clusto ")[2].partition(")")[0]
    assert obeyed not in told.out
    operator.does(line)
    allowed = operator(f"export --format {form}")
    assert (obeyed in allowed.out, allowed.err) == (True, "")
    keys = line.partition(form)[2].split()
    assert f"export\t{form}\t{' '.join(keys)}" in operator("config").out.splitlines()
    assert not operator(line).out, "what is allowed is not allowed twice"
    operator.does(line.replace("allow", "deny"))
    assert operator(f"export --format {form}") == told
    assert "export\t" not in operator("config").out
    assert operator(line.replace("allow", "deny")).code == 3


def test_every_export_that_asks_can_be_answered() -> None:
    """`EXPORTS` are the formats that leave something out, no more and no fewer."""
    folder = Path(formats.__file__).parent
    asking = [path.stem for path in folder.glob("*.py") if "leaving.leave_out(" in path.read_text()]
    assert sorted(asking) == sorted(EXPORTS)


@pytest.mark.parametrize(
    "text",
    [
        "exports = 5",
        "[exports]\nansible = 'ansible_user'",
        "[exports]\nansible = [5]",
        "[exports]\nansibel = ['ansible_user']",
    ],
)
def test_a_malformed_list_allows_nothing(clusto: Run, tmp_path: Path, text: str) -> None:
    clusto("add", "Server", "server1", "--attr", "ansible_user=root")
    config = tmp_path / "config.toml"
    config.write_text(text)
    done = clusto("--config", str(config), "export", "--format", "ansible")
    assert (done.code, done.out) == (2, "")


def test_a_list_that_anybody_may_write_allows_nothing(clusto: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[exports]\nansible = ["*"]\n')
    config.chmod(0o602)
    done = clusto("--config", str(config), "export", "--format", "ansible")
    assert (done.code, "chmod o-w" in done.err) == (4, True)


# --- CSV -------------------------------------------------------------------------------------------------------------

_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"])
TEXTS = st.text(_CHARACTERS | st.sampled_from("=+-@'\"\t\n; 5")).filter(bool)
TRIGGERS = "=+-@\t\r"


def _cells(row: str) -> list[str]:
    return next(csv.reader(io.StringIO(row)))


@given(st.lists(TEXTS.map(string), min_size=1, max_size=3).map(dict.fromkeys).map(tuple))
def test_a_cell_is_no_formula_and_means_the_same(values: tuple[Value, ...]) -> None:
    plain = cells.write(values)
    cell = cells.guarded(plain)
    assert cell[:1] not in TRIGGERS or re.fullmatch(r"-[0-9.e+-]+", cell)
    assert (
        cells.parse(cells.unguarded(cell)) == values == cells.parse(cells.unguarded(plain) if plain == cell else plain)
    )
    # A spreadsheet that takes semicolons or tabs for separators, and so our quotes for text, has none within either.
    for inner in re.split("[;\t\n]", cell)[1:]:
        assert inner.lstrip(" \"'")[:1] not in list("=+-@"), cell


@pytest.mark.parametrize(
    "text", ["=cmd|'/C calc'!A0", "+1+1", "-1+1|x", "@SUM(1)", "a;=1+1", "a\n=1+1", "'=1", "''=1", "-5", "+49 89"]
)
def test_export_guards_and_import_takes_it_back(clusto: Run, tmp_path: Path, text: str) -> None:
    clusto("add", "Server", "server1")
    assert clusto("attr", "set", "note", "--string", "-t", "server1", "--", text).code == 0
    clusto("attr", "set", "temperature", "-t", "server1", "--", "-5")
    done = clusto("export", "--format", "csv")
    row = dict(zip(*csv.reader(io.StringIO(done.out)), strict=True))
    assert row["note"][:1] not in TRIGGERS
    assert row["temperature"] == "-5"
    raw = clusto("export", "--format", "csv", "--raw").out
    for number, content in enumerate((done.out, raw)):
        other = {"CLUSTO_DB": f"sqlite:///{tmp_path}/other{number}.db"}
        (tmp_path / "x.csv").write_text(content)
        assert clusto("import", str(tmp_path / "x.csv"), env=other).code == 0
        assert clusto("export", env=other).out == clusto("export").out


def test_raw_is_as_it_is(clusto: Run) -> None:
    clusto("add", "Server", "server1", "--attr", "note==1")
    assert ",=1" in clusto("export", "--format", "csv", "--raw").out
    assert ",'=1" in clusto("export", "--format", "csv").out

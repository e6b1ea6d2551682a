"""What files of each format say, and how what is wrong with them is told."""

from __future__ import annotations

import codecs
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.config import Settings
from clusto_core.inventory import Inventory
from clusto_core.model.attributes import Key, Value
from clusto_core.transfer import formats, importer
from clusto_core.transfer.documents import Document
from clusto_core.transfer.faults import Faulty
from clusto_core.transfer.guessing import guess
from tests.conftest import Run


def read(format_name: str, text: str) -> list[Document]:
    return list(formats.reader_of(format_name)(io.StringIO(text, newline=""), "file"))


def problems(format_name: str, text: str) -> list[tuple[int, str]]:
    return [(line, told) for document in read(format_name, text) for line, told in document.problems]


def values(document: Document) -> dict[str, list[tuple[str, str]]]:
    return {str(key): [(value.type, value.text) for value in found] for key, found in document.attrs.items()}


def import_text(inventory: Inventory, format_name: str, text: str) -> None:
    with inventory.change() as change:
        importer.load(change, read(format_name, text))


# --- YAML ------------------------------------------------------------------------------------------------------------


def test_unquoted_yaml_means_what_the_command_line_means() -> None:
    (document,) = read(
        "yaml",
        """
things:
  - name: server1
    attrs:
      mac: 52:54:00:00:00:01
      serial: 007
      release: 1.10
      on: no
      octal: 0o17
      ram: 64
      load: 1.5
      big: !!float 1e+16
      spare: true
      said: "true"
      bought: 2026-01-01
      seen: 2026-01-01 10:00:00+02:00
      quoted: '2026-01-01'
      rack: {ref: rack101}
      time: {time: "2026-01-01T00:00:00Z"}
      tag: [x, 5]
      none: []
      tree: {json: {a: [1, null, 0.5, 12345678901234567890]}}
""",
    )
    assert document.problems == ()
    assert document.line == 3
    assert values(document) == {
        "mac": [("string", "52:54:00:00:00:01")],
        "serial": [("string", "007")],
        "release": [("string", "1.10")],
        "on": [("string", "no")],
        "octal": [("string", "0o17")],
        "ram": [("integer", "64")],
        "load": [("float", "1.5")],
        "big": [("float", "1e+16")],
        "spare": [("boolean", "true")],
        "said": [("string", "true")],
        "bought": [("datetime", "2026-01-01")],
        "seen": [("datetime", "2026-01-01T08:00:00Z")],
        "quoted": [("string", "2026-01-01")],
        "rack": [("relation", "rack101")],
        "time": [("datetime", "2026-01-01T00:00:00Z")],
        "tag": [("string", "x"), ("integer", "5")],
        "none": [],
        "tree": [("json", '{"a":[1,null,0.5,12345678901234567890]}')],
    }


def test_yaml_takes_anchors_and_merges() -> None:
    text = (
        "- &base {name: a, driver: Server, attrs: &attrs {x: 1}}\n- {<<: *base, name: b, attrs: {<<: *attrs, y: 2}}\n"
    )
    one, other = read("yaml", text)
    assert (one.name, other.name, other.driver) == ("a", "b", "Server")
    assert values(other) == {"x": [("integer", "1")], "y": [("integer", "2")]}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("things: 5", 1, "things: expected a list"),
        ("thing:\n- name: a", 1, "unknown key: 'thing'"),
        ("things: []\nthings: []", 2, "the key 'things' is there twice"),
        ("- name: a\n  driver: Server\n  name: b", 3, "the key 'name' is there twice (first on line 1)"),
        ("- name: a\n  attrs:\n    x: 1\n    x: 2", 4, "the key 'x' is there twice (first on line 3)"),
        ("- name: a\n  attrs:\n    x: 1\n    _ip: 2", 4, "reserved"),
        ("- name: a\n- 5\n", 2, "found a number"),
        ("- name: a\n  in: [b\n", 3, "not YAML: did not find expected"),
        ('- name: "a\n', 2, "not YAML: found unexpected end of stream"),
        ("- name: a\n\tdriver: x", 2, "not YAML: found"),
        ("- name: !!python/object/apply:os.system [id]", 1, "name: expected text"),
        ("- name: a\n  attrs: {x: !!python/name:os.system y}", 2, "means nothing here"),
        ("- name: a\n  attrs: {x: 2026-13-01}", 2, "quotes keep it as text"),
        ("- name: 5", 1, "found a number (quote it)"),
        ("- {? [a] : b}", 1, "a key must be text"),
        ("- &a {name: x, attrs: {y: {json: *a}}}", 1, "no such anchor before"),
        ("- name: a\n  attrs: {x: \x1b}", 2, "not YAML"),
        ("- " + "[" * 500, 1, "nested more than"),
        ("- name: a\n  attrs: {x: \udcff}", 2, "not UTF-8"),
    ],
)
def test_what_is_wrong_with_yaml_is_told_with_its_line(text: str, line: int, told: str) -> None:
    found = problems("yaml", text)
    assert any(at == line and told in problem for at, problem in found), found


def test_aliases_that_would_fill_the_memory_are_refused() -> None:
    lines = ["- name: x", "  attrs:", "    a0: &a0 {json: [x, x, x, x, x, x, x, x, x, x]}"]
    lines += [f"    a{n}: &a{n} {{json: [{', '.join([f'*a{n - 1}'] * 10)}]}}" for n in range(1, 30)]
    ((line, told),) = problems("yaml", "\n".join(lines))
    assert line == 8
    assert "more than 1,000,000 values" in told


def test_yaml_goes_on_behind_what_is_wrong() -> None:
    found = read("yaml", "things:\n- name: a\n  name: b\n- colour: red\n- name: c\n---\n- name: d\n")
    assert [(each.name, len(each.problems)) for each in found] == [("a", 1), ("", 2), ("c", 0), ("d", 0)]


# --- JSON lines ------------------------------------------------------------------------------------------------------


def test_json_lines_are_read_one_by_one() -> None:
    text = '\ufeff{"name": "a"}\r\n\r\n{"name": "b",\n{"name": "c", "name": "d"}\n[1]\n'
    text += '{"name": "e", "attrs": {"x": NaN}}\n'
    text += '{"name": "f", "attrs": {"x": 1e999}}\n' + "[" * 100_000 + "\n" + '{"name": "g"}'
    found = read("jsonl", text)
    assert [(each.line, each.name, bool(each.problems)) for each in found] == [
        *((1, "a", False), (3, "", True), (4, "", True), (5, "", True), (6, "", True), (7, "f", True)),
        *((8, "", True), (9, "g", False)),
    ]
    told = dict(problems("jsonl", text))
    assert "not JSON: " in told[3]
    assert told[4] == "not JSON: the key 'name' is there twice"
    assert told[6] == "not JSON: NaN is not a number"
    assert told[7] == "attrs: x: not a number: inf"


# --- CSV -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_spreadsheet_has_attributes_parts_and_places(tmp_path: object, separator: str, sqlite_url: str) -> None:
    rows = [
        (
            "name",
            "driver",
            "in",
            "at",
            "parts",
            "status",
            "ram",
            "serial",
            "eth0",
            "eth0 mac",
            "eth0 ip",
            "psu1",
            "rack",
            "",
        ),
        (
            "server1",
            "Server",
            "p1 p2",
            "r1:RU3",
            "",
            "spare",
            "64",
            "007",
            "sw:1",
            "52:54:00:00:00:01",
            "10.0.0.1",
            "pdu:4",
            "@r1",
            "",
        ),
        (
            "server2",
            "Server",
            "p1",
            "",
            "nic=1",
            "",
            '"5"',
            '["a", "b"]',
            "sw:2",
            "",
            "10.0.0.2 2001:db8::2",
            "",
            "r1",
            "",
        ),
        ("", "", "", "", "", "", "", "", "", "", "", "", "", ""),
        ("r1", "Rack", "", "", "", "", "", "", "", "", "", "", "", ""),
        ("sw", "Switch", "", "", "", "", "", "", "", "", "", "", "", ""),
        ("pdu", "PDU", "", "", "outlet=4", "", "", "", "", "", "", "", "", ""),
        ("p1", "Pool", "", "", "", "", "", "", "", "", "", "", "", ""),
        ("p2", "Pool", "", "", "", "", "", "", "", "", "", "", "", ""),
    ]
    out = io.StringIO()
    import csv

    csv.writer(out, delimiter=separator, lineterminator="\r\n").writerows(rows)
    inventory = Inventory(Settings(sqlite_url))
    import_text(inventory, "csv", "\ufeff" + out.getvalue())
    with inventory.read() as reader:
        one, other = reader.resolve("server1"), reader.resolve("server2")
        assert {str(each.key): each.value[:2] for each in reader.attributes(one.id) if not each.key.reserved} == {
            "status": ("string", "spare"),
            "ram": ("integer", "64"),
            "serial": ("string", "007"),
            "rack": ("relation", "r1"),
        }
        assert [each.value[:2] for each in reader.attributes(other.id) if not each.key.reserved] == [
            *(("string", "5"), ("string", "a"), ("string", "b"), ("string", "r1"))
        ]
        assert {(link.part and link.part.name, link.other.name) for link in reader.links(one.id)} == {
            *(("server1:eth0", "sw:1"), ("server1:psu1", "pdu:4"), (None, "r1:RU3"))
        }
        assert {thing.name for thing in reader.parents(one.id)} == {"p1", "p2", "r1"}
        assert reader.resolve("2001:db8::2") == other


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("driver,status\nServer,x\n", "file:1: the first row must say what the columns are"),
        ("name,status,status\na,b,c\n", "file:1: two columns are called 'status'"),
        ("name,driver,eth0 mac\na,Server,1\nb,Srever,2\n", "file:3: driver: no such driver: Srever"),
        (
            "name,driver,ps1\nr,Server,\ns,Server,p:1\np,PDU,\n",
            "file:3: s has no part ps1 to connect to p:1 (did you mean psu1?)",
        ),
        ("name,driver\na,Server,stray\n", "file:2: 'stray' is in a column without a name"),
        ('name,driver,note\na,Server,"x\ny"\nb,Server,[1\nc,Serve,\n', "file:5: driver: no such driver"),
        ("name,driver,note\na,Server,[x]\n", "file:2: note: not JSON"),
        ("name,driver,bad key\na,Server,x\n", "file:2: no such part: a:bad"),
        ("name,driver,bad/key\na,Server,x\n", "file:2: a: malformed key: 'bad/key'"),
        ("name,driver,_ip\na,Server,10.0.0.1\n", "file:2: a: the key _ip is reserved (say it under ip)"),
        ("name,driver,parts\na,Server,nic\n", "file:2: parts: malformed parts"),
        ('name,driver\na,"Server\n', "file:2: not CSV: unexpected end of data"),
    ],
)
def test_what_is_wrong_with_a_spreadsheet_is_told_with_its_line(sqlite_url: str, text: str, told: str) -> None:
    with pytest.raises(Faulty) as caught:
        import_text(Inventory(Settings(sqlite_url)), "csv", text)
    assert any(str(fault).startswith(told) for fault in caught.value.faults), caught.value.faults


def test_an_export_hides_nothing_and_steers_no_terminal(sqlite_url: str) -> None:
    inventory = Inventory(Settings(sqlite_url))
    with inventory.change() as change:
        hidden = "a\u202eb\u2066"
        attributes = [("x", hidden), ("y", Value("json", '{"k":"\\u009b31m"}')), ("l", "x" * 300)]
        change.add("Pool", "p", attributes=attributes)
    for format_name in ("yaml", "jsonl", "csv"):
        out = io.StringIO()
        with inventory.read() as reader:
            formats.writer_of(format_name)(reader, reader.all(), out)
        text = out.getvalue()
        assert not set(text) & {"\u202e", "\u2066", "\x9b"}
        (document,) = read(format_name, text)
        found = document.attrs | {Key.parse(key): value for key, value in document.columns.items()}
        assert found[Key("x")][0].text == hidden
        assert found[Key("y")][0].python() == {"k": "\u009b31m"}


@pytest.mark.parametrize(
    ("text", "format_name"),
    [
        ("things:\n- name: a\n", "yaml"),
        ("# a comment\n\n---\nthings: []\n", "yaml"),
        ("- name: a\n", "yaml"),
        ("{things: [{name: a}]}", "yaml"),
        ('{"name": "a"}\n', "jsonl"),
        ('\ufeff  {"name": "a"}', "jsonl"),
        ("{}", "jsonl"),
        ("name,driver\na,Server\n", "csv"),
        ('"driver";"name";"eth0 mac"\r\n', "csv"),
        ("driver\tName\r\n", "csv"),
        ("name\na\n", "csv"),
        ("", None),
        ("\n \n# only this\n", None),
        ("[{}]", None),
        ("hello world", None),
        ("x" * 3_000_000, None),
    ],
)
def test_the_beginning_says_which_of_our_formats_it_is(text: str, format_name: str | None) -> None:
    found, whole = guess(io.StringIO(text, newline=""))
    assert found == format_name
    assert whole.read() == text


@given(text=st.text("ab,{}\r\n#: ", max_size=40), sizes=st.lists(st.integers(1, 9), max_size=60))
def test_nothing_of_a_text_is_lost_by_looking_at_its_beginning(text: str, sizes: list[int]) -> None:
    assert list(guess(io.StringIO(text, newline=""))[1]) == list(io.StringIO(text, newline=""))
    _, whole = guess(io.StringIO(text, newline=""))
    pieces = [whole.read(size) for size in sizes]
    assert "".join(pieces) + whole.read() == text


def test_formats_are_found_by_name_and_by_extension() -> None:
    from clusto_core.errors import Malformed

    assert {"yaml", "jsonl", "csv", "netbox", "device-type", "ansible"} <= set(formats.names())
    assert formats.of_extension("/x/SITE.YML") == "yaml"
    assert [formats.of_extension(each) for each in ("x", "x.tar", "yaml")] == [None, None, None]
    with pytest.raises(Malformed, match="did you mean jsonl"):
        formats.reader_of("jsnl")
    with pytest.raises(Malformed, match="for export only"):
        formats.reader_of("dot")
    with pytest.raises(Malformed):
        formats.reader_of("__init__")


def _windows(text: str) -> bytes:
    return b"sep=;\r\n" + text.replace(",", ";").replace("\n", "\r\n").encode()


def test_files_are_read_as_spreadsheets_write_them(clusto: Run, tmp_path: Path) -> None:
    ways: dict[str, Callable[[str], bytes]] = {
        "utf16le": lambda text: codecs.BOM_UTF16_LE + text.encode("utf-16-le"),
        "utf16be": lambda text: codecs.BOM_UTF16_BE + text.encode("utf-16-be"),
        "bom": lambda text: codecs.BOM_UTF8 + text.encode(),
        "sep": _windows,
    }
    for name, encoded in ways.items():
        file = tmp_path / f"{name}.csv"
        file.write_bytes(encoded(f"name,driver,note\n{name},Server,ü\n"))
        assert clusto("import", str(file)).code == 0, name
        assert clusto("attr", "get", "note", name).out == "ü\n"
    wrong = tmp_path / "sep-wrong.csv"
    wrong.write_text("sep=;\nname;driver\ny1;Server\ny2;Nonsense\n")
    assert ":4:" in clusto("import", str(wrong)).err


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("x.jsonl", '{"name": "m", "driver": "Server", "attrs": {"note": "Müller"}}\n', "this is not UTF-8"),
        ("x.csv", "name,driver,Serial\nm,Server,S1\n", "the key Serial differs from serial in case alone"),
        ("x.csv", "name,driver,Serial Number\nm,Server,S1\n", "did you mean serial?"),
        ("x.csv", "name,driver,SNMP.port\nm,Server,1\n", "the key SNMP.port differs from snmp.port in case alone"),
    ],
)
def test_a_file_that_is_nearly_right_is_told_why(
    clusto: Run, tmp_path: Path, name: str, content: str, words: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content.encode("latin-1"))
    done = clusto("import", str(file))
    assert done.code in (2, 3)
    assert words in done.err
    assert clusto("find", "name:*").out == ""


def test_line_ends_of_windows_are_as_all_others(clusto: Run, tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text('things:\n- {name: y, driver: Server, attrs: {note: "a\\r\\nb"}}\n')
    (tmp_path / "x.jsonl").write_text('{"name": "j", "driver": "Server", "attrs": {"note": "a\\r\\nb"}}\n')
    (tmp_path / "x.csv").write_bytes(b'name,driver,note\r\nc,Server,"a\r\nb"\r\n')
    for file in sorted(tmp_path.glob("x.*")):
        assert clusto("import", str(file)).code == 0, file
    clusto("add", "Server", "v", "--attr", "note=a\r\nb")
    assert clusto("find", 'attr:note,"a\nb"').out.split() == ["c", "j", "v", "y"]


def test_models_that_differ_in_a_plus_are_two(clusto: Run, tmp_path: Path) -> None:
    for number, model in enumerate(("GX-1", "GX-1+", "GX+1", "GX-1.")):
        text = f"manufacturer: Acme\nmodel: {model}\nslug: s{number}\ninterfaces:\n- {{name: e0, type: other}}\n"
        (tmp_path / f"{number}.yaml").write_text(text)
    files = [str(tmp_path / f"{number}.yaml") for number in range(3)]
    assert clusto("import", "--device-type", *files).code == 0
    assert clusto("find", "driver:DeviceType").out.split() == ["acme/gx+1", "acme/gx-1", "acme/gx-1+"]


def test_names_are_found_however_their_marks_are_written(clusto: Run, tmp_path: Path) -> None:
    apart, whole = "e\u0301tage", "\u00e9tage"
    clusto("add", "Rack", f"{whole}1")
    clusto("add", "Switch", f"{whole}2")
    thing = {"name": f"{apart}3", "driver": "Server", "in": [f"{apart}1"], "connect": {"eth0": f"{apart}2:1"}}
    (tmp_path / "x.jsonl").write_text(json.dumps(thing | {"attrs": {"near": {"ref": f"{apart}2"}}}) + "\n")
    rows = f"name,driver,in,near,eth0\n{apart}4,Server,{apart}1,@{apart}2,{apart}2:2\n"
    (tmp_path / "x.csv").write_text(rows)
    for name in ("x.jsonl", "x.csv"):
        done = clusto("import", str(tmp_path / name))
        assert done.code == 0, done.err
    assert clusto("find", f"driver:Server in name:{apart}1").out == f"{whole}3\n{whole}4\n"
    assert clusto("find", f"driver:Server connected to name:{apart}2").out == f"{whole}3\n{whole}4\n"
    assert clusto("attr", "get", "near", f"{apart}4").out == f"@{whole}2\n"
    (tmp_path / "y.jsonl").write_text(json.dumps({"name": f"{apart}1", "attrs": {"note": "x"}}) + "\n")
    assert clusto("import", str(tmp_path / "y.jsonl")).out.startswith("imported 1 Thing, 0 new")

"""Spreadsheets as people keep them: encodings, separators, formats, titles, places, cables, dates, what is missing."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clusto_core.errors import Malformed
from clusto_core.transfer import formats
from clusto_core.transfer.documents import Document
from clusto_core.transfer.sheets import contents, mapping, recognising
from clusto_core.transfer.sheets.how import USUAL, How
from tests.conftest import Result, Run
from tests.transfer.spreadsheets import WAYS, Rows, text, xlsx

SERVERS: Rows = (
    ("Hostname", "Serial Number", "Rack", "U", "Switch", "Port", "PDU A", "Outlet A", "PDU B", "Outlet B", "Ort"),
    ("web1", "S-1", "rack1", "13", "sw1", "12", "pdu1", "7", "pdu2", "7", "Köln"),
    ("web2", "S-2", "rack1", "14-15", "sw1", "13", "pdu1", "8", "pdu2", "8", "Zürich"),
)


def raw(data: bytes) -> io.TextIOWrapper:
    """A file as an import opens it."""
    return io.TextIOWrapper(io.BytesIO(data), encoding="utf-8", errors="surrogateescape", newline="")


def documents(data: bytes, format_name: str = "csv", how: How = USUAL) -> list[Document]:
    """What a file says, without its notes and what its rows only name."""
    found = formats.reader_of(format_name, how)(raw(data), "file")
    return [document for document in found if (document.name or document.problems) and not document.implied]


def problems(data: bytes, how: How = USUAL) -> list[str]:
    """What is wrong with a file."""
    return [f"{line}: {told}" for each in documents(data, "csv", how) for line, told in each.problems]


def attrs(document: Document) -> dict[str, list[tuple[str, str]]]:
    """The attributes of a Document, each value with its type."""
    return {str(key): [(value.type, value.text) for value in found] for key, found in document.attrs.items()}


# --- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
def test_the_same_rows_say_the_same_however_they_are_saved(way: str) -> None:
    """Encodings, separators and formats, with letters that are not ASCII."""
    format_name, save = WAYS[way]
    web1, web2 = documents(save(SERVERS), format_name)
    assert (web1.name, web1.at, web2.at) == ("web1", "rack1:RU13", "rack1:RU14-15")
    assert web1.connect == {"eth0": "sw1:12", "psu1": "pdu1:7", "psu2": "pdu2:7"}
    assert attrs(web2) == {"serial": [("string", "S-2")], "ort": [("string", "Zürich")]}
    assert not web1.problems


@given(st.text(st.characters(codec="cp1252", exclude_categories=("C", "Z"), exclude_characters="'\";"), min_size=1))
def test_text_that_is_no_unicode_is_that_of_windows(word: str) -> None:
    """Whatever letters it has."""
    data = f"Hostname;Note\nm;é{word}\n".encode("cp1252")
    try:
        data.decode()
    except UnicodeDecodeError:
        (document,) = documents(data)
    else:
        return
    assert attrs(document)["note"] == [("string", f"é{word}")]


@pytest.mark.parametrize("rows", ["Hostname,Note\nm,Köln\n", "name,driver,note\nm,Server,Köln\n"])
def test_an_encoding_that_is_guessed_is_told(rows: str) -> None:
    """In one line, and only then."""
    told = [
        [note for document in formats.reader_of("csv")(raw(rows.encode(encoding)), "file") for note in document.notes]
        for encoding in ("cp1252", "utf-8")
    ]
    assert [any("taken for Windows-1252" in note for note in notes) for notes in told] == [True, False]


def test_an_encoding_may_be_said() -> None:
    """And what is not in it is told."""
    row = "Hostname,Note\nm,Привет\n"
    (document,) = documents(row.encode("koi8-r"), how=How(encoding="koi8-r"))
    assert attrs(document)["note"] == [("string", "Привет")]
    with pytest.raises(Malformed, match="it is not utf-8"):
        documents(row.encode("koi8-r"), how=How(encoding="utf-8"))


@pytest.mark.parametrize("format_name", ["xlsx", "ods"])
def test_cells_of_workbooks_keep_their_types(format_name: str) -> None:
    """Numbers, dates and text that looks like one; a number that is a name or a port is that."""
    _, save = WAYS[format_name]
    rows: Rows = (
        ("Hostname", "Rack", "U", "Switch", "Port", "RAM", "Load", "Bought", "Serial", "Note"),
        (101, 7, 13, "sw1", 4, 64, 1.5, date(2025, 3, 12), "007", "64"),
    )
    (document,) = documents(save(rows), format_name)
    assert (document.name, document.at, document.connect) == ("101", "7:RU13", {"eth0": "sw1:4"})
    assert attrs(document) == {
        "ram": [("integer", "64")],
        "load": [("float", "1.5")],
        "purchased": [("datetime", "2025-03-12")],
        "serial": [("string", "007")],
        "note": [("string", "64")],
    }


def test_a_sheet_is_the_first_that_is_not_empty_or_the_one_that_is_said() -> None:
    """By its name or its number."""
    book = xlsx(SERVERS, before=[["Name", "Rack", "U"], ["old1", "r9", 1]])
    assert documents(book, "xlsx")[0].name == "old1"
    assert documents(book, "xlsx", How(sheet="Servers"))[0].name == "web1"
    assert documents(book, "xlsx", How(sheet="2"))[0].name == "web1"
    assert documents(xlsx(SERVERS), "xlsx")[0].name == "web1"


def test_merged_cells_are_said_of_each_row() -> None:
    """As people merge the rack of many servers."""
    book = openpyxl.Workbook()
    (page,) = book.worksheets
    for row in (["Rack", "U", "Hostname"], ["r1", 1, "m1"], [None, 2, "m2"], [None, 3, "m3"], ["r2", 1, "m4"]):
        page.append(["", *row])
    page.merge_cells("B2:B4")
    out = io.BytesIO()
    book.save(out)
    assert [each.at for each in documents(out.getvalue(), "xlsx")] == ["r1:RU1", "r1:RU2", "r1:RU3", "r2:RU1"]


def test_no_spreadsheet_runs_what_is_exported_as_xlsx(clusto: Run, tmp_path: Path, sqlite_url: str) -> None:
    """It is text there, and comes back as it was."""
    for place, formula in enumerate(("=1+1", "@SUM(A1)", "+1", "-1+1", "{=1}", "http://x", "\t=1")):
        clusto("add", "Server", f"m{place}")
        clusto("attr", "set", "note", "--string", formula, "-t", f"m{place}")
    path = tmp_path / "site.xlsx"
    with path.open("wb") as file:
        command = [sys.executable, "-m", "clusto_cli.main", "export", "--format", "xlsx"]
        subprocess.run(command, stdout=file, check=True, env={**os.environ, "CLUSTO_DB": sqlite_url})
    cells = [cell for row in openpyxl.load_workbook(path).worksheets[0].iter_rows() for cell in row if cell.value]
    assert {cell.data_type for cell in cells} == {"s"}
    assert not any(cell.hyperlink for cell in cells)
    assert clusto("import", str(path)).out == "nothing to change: 7 Things, 0 new\n"


# --- titles ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("titles", "meant"),
    [
        ("Hostname,Rack,U", "Hostname=name,Rack=rack,U=unit"),
        ("Server Name|Cabinet|RU Position|Size (U)", "Server Name=name,Cabinet=rack,RU Position=unit,Size (U)=height"),
        ("Name,Location,Rack,Rack Unit", "Name=name,Location=datacenter,Rack=rack,Rack Unit=unit"),
        (
            "Asset Tag,Device,S/N,Vendor,Model",
            "Asset Tag=asset_tag,Device=name,S/N=serial,Vendor=manufacturer,Model=model",
        ),
        ("host_name,switch,switch_port", "host_name=name,switch+switch_port=connect.eth0"),
        ("HostName,SwitchPort,SwitchName", "HostName=name,SwitchName+SwitchPort=connect.eth0"),
        ("Host,Switch Port", "Host=name,Switch Port=connect.eth0"),
        ("Host,Switch,Port,Switch,Port", "Host=name,Switch+Port=connect.eth0,Switch (2)+Port (2)=connect.eth1"),
        ("Host,Switch 1,Port 1,Switch 2,Port 2", "Host=name,Switch 1+Port 1=connect.eth0,Switch 2+Port 2=connect.eth1"),
        ("Host,PDU1,PDU2,Outlet 1,Outlet 2", "Host=name,PDU1+Outlet 1=connect.psu1,PDU2+Outlet 2=connect.psu2"),
        ("Host,PDU A,Outlet,PDU B,Outlet", "Host=name,PDU A+Outlet=connect.psu1,PDU B+Outlet (2)=connect.psu2"),
        ("Host,PDU A Name,PDU A Outlet", "Host=name,PDU A Name+PDU A Outlet=connect.psu1"),
        ("Host,Power A,Power B", "Host=name,Power A=connect.psu1,Power B=connect.psu2"),
        ("Host,Console Server,Console Port", "Host=name,Console Server+Console Port=connect.console"),
        ("Host,eth0,eth1,psu1", "Host=name,eth0=connect.eth0,eth1=connect.eth1,psu1=connect.psu1"),
        ("Host,eth0 switch,eth0 port", "Host=name,eth0 switch+eth0 port=connect.eth0"),
        ("Host,NIC,MAC,Switch,Port", "Host=name,NIC=part,MAC=part mac,Switch+Port=connect.part"),
        ("Host,IP Address,MAC Address", "Host=name,IP Address=ip,MAC Address=eth0 mac"),
        ("Host,MAC 1,MAC 2,iDRAC IP", "Host=name,MAC 1=eth0 mac,MAC 2=eth1 mac,iDRAC IP=mgmt ip"),
        (
            "Host,Management IP,Purchase Date,Owner",
            "Host=name,Management IP=mgmt ip,Purchase Date=purchased,Owner=owner",
        ),
        ("Host,Warranty End (date),OS", "Host=name,Warranty End (date)=attr:warranty_end_date,OS=attr:os"),
        (
            "#,Host,PDU 1,PDU 1 Outlet,PDU 2,PDU 2 Outlet",
            "Host=name,PDU 1+PDU 1 Outlet=connect.psu1,PDU 2+PDU 2 Outlet=connect.psu2",
        ),
        (
            "Host,PDU A,PDU A Port,PDU B,PDU B Port",
            "Host=name,PDU A+PDU A Port=connect.psu1,PDU B+PDU B Port=connect.psu2",
        ),
        ("Host,Power Strip A,Socket A", "Host=name,Power Strip A+Socket A=connect.psu1"),
        ("Host,Left PDU,Right PDU", "Host=name,Left PDU=connect.psu1,Right PDU=connect.psu2"),
        (
            "Host,NIC1 Switch,NIC1 Port,NIC2 Switch,NIC2 Port",
            "Host=name,NIC1 Switch+NIC1 Port=connect.eth0,NIC2 Switch+NIC2 Port=connect.eth1",
        ),
        ("Host,PSU1,PSU2", "Host=name,PSU1=connect.psu1,PSU2=connect.psu2"),
        ("Host,PSU1 PDU,PSU1 Outlet", "Host=name,PSU1 PDU+PSU1 Outlet=connect.psu1"),
        ("Host,Switch,Interface", "Host=name,Switch+Interface=connect.eth0"),
        ("Host,Interface,Switch,Switch Port", "Host=name,Interface=part,Switch+Switch Port=connect.part"),
        ("Host,IP,eth0 MAC,eth1 MAC,iLO", "Host=name,IP=ip,eth0 MAC=eth0 mac,eth1 MAC=eth1 mac,iLO=mgmt ip"),
        ("Host,Power (W),CPU,RAM (GB)", "Host=name,Power (W)=attr:power_w,CPU=attr:cpu,RAM (GB)=attr:ram_gb"),
        ("Name,Hostname,Position", "Name=attr:name_2,Hostname=name,Position=unit"),
        ("Name,snmp.port,eth0 mac", "Name=name,snmp.port=attr:snmp.port,eth0 mac=eth0 mac"),
    ],
)
def test_what_columns_are_is_told_by_their_titles(titles: str, meant: str) -> None:
    """In the words that people use."""
    named = mapping.numbered(titles.replace("|", ",").split(","))
    uses = recognising.recognised(named, lambda column: ())
    assert mapping.spelled(uses, named) == mapping.parse([meant])


@given(st.lists(st.text(st.characters(exclude_categories=("C",)), max_size=12), max_size=8))
def test_any_titles_are_read_somehow_and_no_column_twice(titles: list[str]) -> None:
    """And what was understood, written down, is understood the same."""
    named = mapping.numbered(titles)
    uses = recognising.recognised(named, lambda column: ())
    columns = [column for use in uses for column in use.columns]
    assert sorted(columns) == sorted(set(columns))
    assert len({use.target for use in uses}) == len(uses)
    assert set(columns) == {place for place, title in enumerate(titles) if recognising.words(title)}


def test_a_heading_above_the_titles_does_no_harm() -> None:
    """Nor do empty rows, and lines are counted as in the file."""
    rows = "Our servers,,\n,,\nHostname,Rack,U\nweb1,r1,x\n"
    assert problems(rows.encode()) == ["4: no rack unit: 'x' (write 13, or 13-14)"]


@pytest.mark.parametrize("titles", ["Name,driver,At", "name,Driver,at", "NAME,DRIVER,AT"])
def test_columns_of_clusto_may_be_in_capitals(titles: str) -> None:
    """They mean the same."""
    (document,) = documents(f"{titles}\nm,Switch,r1:RU3\n".encode())
    assert (document.name, document.driver, document.at) == ("m", "Switch", "r1:RU3")


def test_columns_of_clusto_are_read_as_ever() -> None:
    """Whatever else they would mean."""
    (document,) = documents(b"name,driver,rack,position,size\nm,Server,@r1,x,5\n")
    assert not document.at
    assert set(document.columns) == {"rack", "position", "size"}


# --- mappings --------------------------------------------------------------------------------------------------------


def test_a_mapping_says_what_titles_do_not() -> None:
    """Columns that it does not name are guessed; one that it leaves out is not read."""
    columns = mapping.parse(['Maschine=name, "Schrank, HE"=at,Netz+Dose=connect.eth1', "Notiz="])
    rows = text(
        [["Maschine", "Schrank, HE", "Netz", "Dose", "Notiz", "Model"], ["m1", "r1:RU3", "sw1", "p 7", "x", "R650"]]
    )
    (document,) = documents(rows.encode(), how=How(columns=columns))
    assert (document.at, document.connect) == ("r1:RU3", {"eth1": "sw1:7"})
    assert attrs(document) == {"model": [("string", "R650")]}


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("Hostname", "write COLUMN=WHAT"),
        ("Hostname=na me/", "malformed key"),
        ("A=connect.", "part name"),
        ('"A=name', "malformed mapping"),
        ("A=name,,=x", "malformed mapping"),
    ],
)
def test_a_mapping_that_is_none_is_refused(written: str, told: str) -> None:
    """With what was expected."""
    with pytest.raises(Malformed, match=told):
        mapping.parse([written])


@given(
    st.dictionaries(
        st.text(st.characters(exclude_categories=("C", "Z")), min_size=1).filter(lambda title: title.strip()),
        st.sampled_from(["name", "rack", "connect.eth0", "eth0 mac", "attr:status", ""]),
        min_size=1,
    )
)
def test_a_mapping_is_read_as_it_is_written(columns: dict[str, str]) -> None:
    """Whatever the titles are."""
    assert mapping.parse([mapping.as_text(columns)]) == columns


# --- cells -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cells", "how", "found"),
    [
        ("13.02.2025|1.3.2025", USUAL, ["2025-02-13", "2025-03-01"]),
        ("02/13/2025|03/04/2025", USUAL, ["2025-02-13", "2025-03-04"]),
        ("13/02/25|03/04/69", USUAL, ["2025-02-13", "1969-04-03"]),
        ("03/04/2025", How(dates="mdy"), ["2025-03-04"]),
        ("03/04/2025", How(dates="dmy"), ["2025-04-03"]),
        ("12-Mar-2025|Mar 1, 2025", USUAL, ["2025-03-12", "2025-03-01"]),
        ("2025/3/1", USUAL, ["2025-03-01"]),
        ("13.02.2025|soon", USUAL, ["13.02.2025", "soon"]),
        ("1,5|2", How(decimal="comma"), ["1.5", "2"]),
        ("1.234,5", How(decimal="comma"), ["1234.5"]),
        ("1,234.5", How(decimal="point"), ["1234.5"]),
        ("1,234", USUAL, ["1,234"]),
        ("007", How(decimal="comma"), ["007"]),
    ],
)
def test_dates_and_numbers_are_read_as_their_column_is_written(cells: str, how: How, found: list[str]) -> None:
    """By what is there, or by what is said."""
    rows = [["Hostname", "Value"], *([f"m{place}", cell] for place, cell in enumerate(cells.split("|")))]
    read = documents(text(rows).encode(), how=how)
    assert [attrs(document)["value"][0][1] for document in read] == found


def test_decimals_have_a_comma_where_cells_have_semicolons() -> None:
    """As spreadsheets write them there."""
    (document,) = documents(b"Hostname;Load\nm;1,5\n")
    assert attrs(document) == {"load": [("float", "1.5")]}


@pytest.mark.parametrize(
    ("rows", "told"),
    [
        ("Hostname,Bought\nm,03/04/2025\n", "which number is the month"),
        ("Hostname,Bought\nm,31.02.2025\n", "no such date: 31.02.2025"),
        ("Hostname,Rack,U\nm,,13\n", "rack unit 13 of no rack"),
        ("Hostname,Switch,Port\nm,,12\n", "port 12 of nothing"),
        ("Hostname,Rack,U\n,r1,13\n", "the row has no name"),
        ("Hostname,Rack,U\nm,r1,13\nm,r1,14\n", "in line 2 r1:RU13"),
        ("Hostname,Type\nm,Server\nn,Toaster\n", "no such driver"),
        ("Colour,Shape\nred,round\n", "say which one has the names with --map COLUMN=name"),
        ("Hostname,Rack,U\nm,r1,13,stray\n", "in a column without a name"),
    ],
)
def test_what_is_wrong_with_rows_is_told(rows: str, told: str) -> None:
    """With its line."""
    (found,) = problems(rows.encode())
    assert told in found


@pytest.mark.parametrize("nothing", ["", "-", "n/a", "N/A", "none", "TBD", "--"])
def test_cells_that_say_nothing_say_nothing(nothing: str) -> None:
    """Where they would name something."""
    rows = [["Hostname", "Rack", "U", "Switch", "Port", "IP"], ["m", *[nothing] * 5]]
    (document,) = documents(text(rows).encode())
    assert not document.problems
    assert not any((document.at, document.parents, document.connect, document.addresses))


@pytest.mark.parametrize(
    ("cell", "units"),
    [
        ("13", "RU13"),
        ("U13", "RU13"),
        ("RU 13", "RU13"),
        ("13-14", "RU13-14"),
        ("U14 - U13", "RU13-14"),
        ("13U", "RU13"),
    ],
)
def test_rack_units_are_read_in_every_spelling(cell: str, units: str) -> None:
    """Upwards and downwards."""
    assert contents.units(cell) == units


@pytest.mark.parametrize(
    ("cell", "end"),
    [
        ("sw1:12", ("sw1", "12")),
        ("sw1 12", ("sw1", "12")),
        ("sw1, port 07", ("sw1", "7")),
        ("sw1 Gi1/0/12", ("sw1", "Gi1/0/12")),
        ("sw1", ("sw1", "")),
    ],
)
def test_a_cell_may_say_device_and_port(cell: str, end: tuple[str, str]) -> None:
    """As people write them."""
    assert contents.far(cell) == end


def test_addresses_may_have_prefixes() -> None:
    """As people copy them."""
    (document,) = documents(b"Host,IP,eth1 IP\nm,10.0.0.1/24,2001:db8::1/64\n")
    assert document.addresses == {"": ("10.0.0.1",), "eth1": ("2001:db8::1",)}


def test_rows_of_one_thing_are_one() -> None:
    """A row a card; what is said again is the same, and merged cells go on below."""
    rows = text(
        [
            ["Hostname", "Serial", "NIC", "MAC", "IP", "Switch", "Port"],
            ["db1", "S1", "eno1", "52:54:00:00:00:01", "10.0.0.1", "sw1", "1"],
            ["", "", "eno2", "52:54:00:00:00:02", "", "sw2", "1"],
            ["db1", "S1", "mgmt", "", "10.9.0.1", "sw3", "1"],
        ]
    )
    (document,) = documents(rows.encode())
    assert document.connect == {"eno1": "sw1:1", "eno2": "sw2:1", "mgmt": "sw3:1"}
    assert document.addresses == {"eno1": ("10.0.0.1",), "mgmt": ("10.9.0.1",)}
    assert document.new_parts == {"nic": ("eno1", "eno2", "mgmt")}


# --- the verb --------------------------------------------------------------------------------------------------------


def saved(tmp_path: Path, rows: Rows, name: str = "servers.xlsx") -> str:
    """The path of a spreadsheet with these rows."""
    path = tmp_path / name
    path.write_bytes(xlsx(rows) if name.endswith("xlsx") else text(rows).encode())
    return str(path)


def test_one_row_a_server_goes_in_without_any_option(clusto: Run, tmp_path: Path) -> None:
    """Into nothing: racks, switches and PDUs that the rows name come with it, and it is told."""
    sheet = saved(tmp_path, SERVERS)
    done = clusto("import", sheet)
    assert (done.code, done.out) == (0, "imported 6 Things, 6 new, as transaction 1\n")
    assert "added as the rows name them: PDU pdu1, pdu2" in done.err
    assert "understood as Hostname=name" in done.err
    assert clusto("locate", "web1").out.splitlines() == [
        "web1 -> connected to port 12 on sw1",
        "web1 -> connected to RU13 in rack1",
        "web1 -> connected to outlet 7 on pdu1",
        "web1 -> connected to outlet 7 on pdu2",
    ]
    assert clusto("import", sheet).out == "nothing to change: 2 Things, 0 new\n"
    assert clusto("db", "check").code == 0


def test_rows_of_switches_and_racks_have_what_other_rows_name(clusto: Run, tmp_path: Path) -> None:
    """Ports that the device itself calls otherwise, a rack of more units, outlets with letters."""
    rows = [
        ["Name", "Type", "Site", "Rack", "U", "Switch", "Port", "PDU 1", "PDU 1 Outlet", "Mgmt IP"],
        ["srv1", "Rack Server", "LON1", "R1", "U45", "sw1", "Gi1/0/1", "pdu1", "A1", "10.1.0.1"],
        ["srv2", "Server", "LON1", "R1", 44, "sw2", 50, "pdu2", 30, ""],
        ["sw1", "Network Switch", "LON1", "R1", 42, "", "", "pdu1", "A2", "10.1.0.9"],
        ["pdu1", "PDU", "LON1", "R1", "0U", "", "", "", "", ""],
        ["R1", "Cabinet", "LON1", "", "", "", "", "", "", ""],
    ]
    done = clusto("import", saved(tmp_path, rows))
    assert done.code == 0, done.err
    assert clusto("locate", "srv1").out.splitlines() == [
        "srv1 -> connected to port Gi1/0/1 on sw1",
        "srv1 -> connected to RU45 in R1",
        "srv1 -> connected to outlet A1 on pdu1",
    ]
    assert clusto("find", "_ip:10.1.0.0/24 in name:LON1").out.split() == ["srv1", "sw1"]
    assert clusto("import", saved(tmp_path, rows)).out.startswith("nothing to change")
    assert clusto("db", "check").code == 0


def test_what_is_missing_is_told_at_once_where_it_may_be_a_slip(clusto: Run, tmp_path: Path) -> None:
    """With the option that adds it."""
    clusto("add", "Rack", "rack2")
    clusto("add", "PDU", "pdu1")
    sheet = saved(tmp_path, SERVERS)
    refused = clusto("import", sheet)
    assert refused.code == 3
    assert refused.err.splitlines()[-1].endswith(
        "not in the inventory: Rack rack1; PDU pdu2 (--create adds what the rows name)"
    )
    assert clusto("find", "driver:Switch").out == ""
    assert clusto("import", sheet, "--create").code == 0
    assert clusto("find", "driver:Rack").out.split() == ["rack1", "rack2"]


def test_several_sheets_may_name_the_same(clusto: Run, tmp_path: Path) -> None:
    """And one may speak of what another one names, which then has the ports that both need."""
    one = saved(tmp_path, [["Host", "Rack", "Switch", "Port"], ["m1", "r1", "sw1", "60"]], "one.csv")
    two = saved(tmp_path, [["Host", "Rack", "Switch", "Port"], ["m2", "r1", "sw1", "55"]], "two.csv")
    three = saved(tmp_path, [["Host", "Type", "Rack"], ["sw1", "Switch", "r1"]], "three.csv")
    done = clusto("import", one, two, three)
    assert (done.code, done.out) == (0, "imported 4 Things, 4 new, as transaction 1\n"), done.err
    assert clusto("locate", "m1").out.splitlines()[0] == "m1 -> connected to port 60 on sw1"
    assert clusto("find", "driver:Switch in name:r1").out == "sw1\n"


def test_nothing_is_added_where_that_is_not_wanted(clusto: Run, tmp_path: Path) -> None:
    """Not even into nothing."""
    refused = clusto("import", saved(tmp_path, SERVERS), "--no-create")
    assert (refused.code, "Rack rack1; Switch sw1; PDU pdu1, pdu2" in refused.err) == (3, True)


def test_a_guess_is_shown_and_nothing_is_written(clusto: Run, tmp_path: Path) -> None:
    """With a mapping that can be corrected."""
    done = clusto("import", saved(tmp_path, SERVERS), "--guess")
    lines = done.out.splitlines()
    assert lines[1].split() == ["COLUMN", "IS", "AS", "IN"]
    assert ["PDU", "A+Outlet", "A", "connect.psu1", "pdu1,", "7"] in [line.split() for line in lines]
    assert lines[-1].startswith("--map 'Hostname=name,Serial Number=serial,Rack=rack,")
    assert clusto("find", "driver:Server").out == ""


def test_a_mapping_is_saved_and_used_again(clusto: Run, tmp_path: Path) -> None:
    """In the inventory, with its history; a column that it does not know is left out and told."""
    rows = [["Maschine", "Typ"], ["m1", "R650"]]
    first = clusto("import", saved(tmp_path, rows), "--map", "Maschine=name,Typ=model", "--save", "german")
    assert first.code == 0, first.err
    again = saved(tmp_path, [["Typ", "Maschine", "Farbe"], ["R750", "m2", "rot"]], "more.csv")
    done = clusto("import", again, "--map", "german")
    assert (done.code, "left out: Farbe" in done.err) == (0, True)
    assert clusto("attr", "get", "model", "-t", "m2").out == "R750\n"
    assert "german" in clusto("log", "german").out
    unknown = clusto("import", again, "--map", "germn")
    assert (unknown.code, "did you mean german?" in unknown.err) == (3, True)


def test_a_spreadsheet_is_a_source_of_sync(clusto: Run, tmp_path: Path) -> None:
    """With its columns in the configuration; what changes in it changes here."""
    config = tmp_path / "config.toml"
    path = tmp_path / "servers.xlsx"
    config.write_text(
        f'[source.sheet]\ntype = "spreadsheet"\nfile = "{path}"\ncreate = true\ncolumns = {{ Maschine = "name" }}\n'
    )

    def sync(*rows: tuple[str, str, str]) -> Result:
        path.write_bytes(xlsx([("Maschine", "Serial", "Rack"), *rows]))
        return clusto("sync", "sheet", env={"CLUSTO_CONFIG": str(config)})

    assert "3 new" in sync(("m1", "S1", "r1"), ("m2", "S2", "r1")).out
    assert sync(("m1", "S1", "r1"), ("m3", "S2", "r2")).code == 0
    assert clusto("find", "driver:Server").out.split() == ["m1", "m3"]
    assert clusto("find", "driver:Server in name:r2").out == "m3\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--sheet", "Srvers"), "no such sheet: Srvers (did you mean Servers?)"),
        (("--map", "Hostnam=name"), "no such column: Hostnam (did you mean Hostname?)"),
        (("--driver", "Sever"), "no such driver: Sever (did you mean Server?)"),
        (("--encoding", "klingon"), "no such encoding: klingon"),
        (("--driver", "Server", "--driver", "PDU"), "say --driver once"),
        (("--driver", "pdu=PDU"), "say --format classic"),
        (("--format", "yaml", "--dates", "dmy"), "yaml is no spreadsheet"),
        (("--format", "classic", "--dates", "dmy"), "classic is no spreadsheet"),
    ],
)
def test_what_cannot_be_said_of_a_sheet_is_told(clusto: Run, tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """With what was meant."""
    done = clusto("import", saved(tmp_path, SERVERS), *words)
    assert (done.code in (2, 3), told in done.err) == (True, True), done.err


def test_rows_that_name_what_is_missing_are_left_out_and_the_rest_goes_in(clusto: Run, tmp_path: Path) -> None:
    """What they name is told once, and no row is imported without its place."""
    clusto("add", "Rack", "r1")
    rows = [("Hostname", "Rack"), ("m1", "r1"), ("m2", "r2"), ("m3", "r3"), ("m4", "r1")]
    path = tmp_path / "servers.csv"
    path.write_text("".join(f"{','.join(row)}\n" for row in rows))
    done = clusto("import", "--keep-going", str(path))
    assert done.code == 5, done.err
    assert done.err.count("not in the inventory: Rack r2, r3") == 1
    assert clusto("find", "driver:Server").out.split() == ["m1", "m4"]
    assert clusto("find", "driver:Rack").out == "r1\n"


def test_a_file_that_is_named_as_a_source_is_read_as_the_options_say(clusto: Run, tmp_path: Path) -> None:
    """By its columns, with what its rows name where that is wanted."""
    path = tmp_path / "servers.csv"
    path.write_text("Maschine,Rack\nm1,r1\n")
    done = clusto(
        "import", str(path), "--source", "sheet", "--map", "Maschine=name", "--create", "--driver", "Appliance"
    )
    assert done.code == 0, done.err
    assert clusto("find", "driver:Appliance in name:r1").out == "m1\n"


def test_workbooks_are_told_by_how_they_begin(clusto: Run, tmp_path: Path) -> None:
    """Whatever their names are; what is none is told."""
    path = tmp_path / "download"
    path.write_bytes(xlsx(SERVERS))
    assert clusto("import", str(path)).code == 0
    wrong = tmp_path / "wrong.xlsx"
    wrong.write_bytes(b"PK\x03\x04 and no more")
    done = clusto("import", str(wrong))
    assert (done.code, re.search(r"\.\w+:1: no workbook that can be read", done.err) is not None) == (2, True)

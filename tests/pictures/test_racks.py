"""What an elevation shows: faces, halves, what is inside and beside, reservations, colours."""

from __future__ import annotations

import re

import pytest

from clusto_cli.pictures import racks
from clusto_cli.pictures.colouring import rules
from clusto_cli.pictures.description import Elevation, Mounted, Picture
from clusto_cli.pictures.rendering import svg
from clusto_core.errors import Malformed, NotFound, Refused
from clusto_core.store.reader import Reader


def drawn(reader: Reader, *names: str, faces: tuple[str, ...] = (), by: str = "driver") -> Picture:
    return racks.picture(reader, [reader.resolve(name) for name in names], faces, by)


def face(rack: Elevation, name: str) -> dict[str, Mounted]:
    (found,) = (each for each in rack.faces if each.name == name)
    return {each.device.name: each for each in found.mounted}


def test_each_face_has_what_is_seen_from_it(reader: Reader) -> None:
    (rack,) = drawn(reader, "r1").elevations
    places = {
        name: {key: (each.low, each.high) for key, each in face(rack, name).items()} for name in ("front", "rear")
    }
    assert places["front"] == {"half": (3, 3), "whole": (4, 5), "chassis": (8, 13)}
    assert places["rear"] == {"half": (3, 3), "behind": (4, 5), "chassis": (8, 13)}
    assert rack.units == tuple(range(8, 0, -1))


def test_what_has_no_position_is_beside_and_blades_are_in_their_chassis(reader: Reader) -> None:
    (rack,) = drawn(reader, "r1").elevations
    assert [device.name for device in rack.beside] == ["pdu1", "pdu2"]
    chassis = face(rack, "front")["chassis"].device
    assert [blade.name for blade in chassis.inside] == ["blade1", "blade2"]
    assert chassis.inside[0].inside == ()


def test_what_is_reserved_says_for_what(reader: Reader) -> None:
    (rack,) = drawn(reader, "r1").elevations
    assert [kept.unit for kept in rack.kept] == [8]
    assert rack.kept[0].told.startswith("RU8 reserved until ")
    whole = face(rack, "front")["whole"].device
    assert whole.held
    assert whole.told[-1].endswith(" for project x")
    assert not face(rack, "front")["half"].device.held


def test_a_place_is_its_racks_from_the_front_and_a_device_is_the_rack_that_it_is_in(reader: Reader) -> None:
    room = drawn(reader, "room1")
    assert [(each.name, each.row, [f.name for f in each.faces]) for each in room.elevations] == [
        ("r1", "row A", ["front"]), ("r2", "row A", ["front"]),
    ]  # fmt: skip
    assert [each.name for each in drawn(reader, "blade1").elevations] == ["r1"]
    assert [f.name for f in drawn(reader, "room1", faces=("rear",)).elevations[0].faces] == ["rear"]
    with pytest.raises(Refused, match="loose: no rack"):
        drawn(reader, "loose")


@pytest.mark.parametrize(
    ("by", "meanings", "half", "whole"),
    [
        ("driver", {"Appliance (1)", "PDU (2)", "PatchPanel (1)", "Server (4)"}, "blue", "blue"),
        ("status", {"live (3)", "nothing (4)", "spare (1)"}, None, None),
        ("attr:status,live=red,driver:Server=green", {"attr:status,live", "driver:Server", "all else"}, "red", "green"),
        ("name:half=GRAY", {"name:half", "all else"}, "grey", "plain"),
        ("connected:Switch", {"nothing (7)", "sw1:1, sw1 (1)"}, "plain", None),
    ],
)
def test_colours_are_by_driver_value_or_expression(
    reader: Reader, by: str, meanings: set[str], half: str | None, whole: str | None
) -> None:
    picture = drawn(reader, "r1", by=by)
    if by != "connected:Switch":
        assert {each.words for each in picture.legend} == {*meanings, "reserved"}
    paints = {name: each.device.paint for name, each in face(picture.elevations[0], "front").items()}
    assert {each.paint for each in picture.legend} >= set(paints.values())
    assert half in (None, paints["half"])
    assert whole in (None, paints["whole"])
    assert by == "driver" or paints["half"] != paints["whole"]


def test_rules_end_at_colours_so_that_expressions_may_have_commas() -> None:
    found = list(rules("attr:a,b and attr:n>=2=red,name:web[1,2]=blue"))
    assert [(rule.expression, rule.paint) for rule in found] == [
        ("attr:a,b and attr:n>=2", "red"), ("name:web[1,2]", "blue"),
    ]  # fmt: skip


@pytest.mark.parametrize(("by", "error"), [("a=b", Malformed), ("staus", NotFound), ("driver:Sever=red", Malformed)])
def test_a_mistyped_way_of_colouring_is_an_error(reader: Reader, by: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        drawn(reader, "r1", by=by)


def test_a_row_of_one_rack_is_named_beside_others(reader: Reader) -> None:
    racks = [each._replace(row=row) for each, row in zip(drawn(reader, "room1").elevations, ("A", "B"), strict=True)]
    for shown, rows in ((racks, ["A", "B"]), (racks[:1], [])):
        text = svg(Picture("room1", elevations=tuple(shown)))
        assert re.findall(r">([AB])</text>", text) == rows

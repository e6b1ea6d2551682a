from __future__ import annotations

import random
import re
import string
import subprocess
import sys
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from clusto_core.model.names import MAX_LENGTH, MalformedName, check_name, check_part_name, split_part
from clusto_core.spelling import natural_key, suggest

NAME = st.text(alphabet="abAB019._-+éßж", min_size=1, max_size=12)
ADDRESS = st.one_of(NAME, st.tuples(NAME, NAME).map(":".join))


# --- which names there may be


@pytest.mark.parametrize(
    "name",
    [
        *("server1", "a", "7", "web-1.example.com", "web_1", "c++", "x+y", "+x", ".hidden", "_x", "a-"),
        *("and", "or", "not", "in", "connected", "haskey", "null", "None"),
        *("größe1", "сервер1", "服务器1", "サーバー1", "\u00e9"),
        "x" * MAX_LENGTH,
        "é" * MAX_LENGTH,
    ],
)
def test_a_name_of_letters_digits_and_the_four_marks_is_well_formed(name: str) -> None:
    check_name(name)
    check_part_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("", "empty"),
        ("x" * (MAX_LENGTH + 1), "256 characters, at most 255"),
        ("-rf", "begins with '-'"),
        ("@web", "'@' in column 1"),
        ("a b", "' ' in column 2"),
        ("web1 ", "' ' in column 5"),
        ("web\t1", r"'\\t' in column 4"),
        ("web1\n", r"'\\n' in column 5"),
        ("web\x1b[31m", r"'\\x1b' in column 4"),
        ("web\x001", r"'\\x00' in column 4"),
        ("web\x7f", r"'\\x7f' in column 4"),
        ("web[1-3]", r"'\[' in column 4"),
        ("web1]", r"'\]' in column 5"),
        ("a,b", "',' in column 2"),
        ("a(b)", r"'\(' in column 2"),
        *((f"a{mark}b", "in column 2") for mark in "!&^*?\"'`$;|<>=#%~\\{}@"),
        (".", "no letter and no digit"),
        ("..", "no letter and no digit"),
        ("+_", "no letter and no digit"),
        ("cafe\u0301", "normal form C"),
        ("\u212b", "normal form C"),  # the angstrom sign is a second spelling of a letter
        ("web\u0661", "in column 4"),  # a digit that is not 0-9
        ("web²", "in column 4"),
        ("web\u00a01", "in column 4"),  # a blank
        ("web\u200b1", "in column 4"),  # no width
        ("web\u202e1", "in column 4"),  # turns the direction of writing
        ("web\u3164", "in column 4"),  # a letter that is drawn as a blank
        ("web\u0301", "in column 4"),  # a mark without a letter to compose with
        ("web\U0001f600", "in column 4"),
        ("web\ud800", "in column 4"),  # half a character, as undecodable arguments have
    ],
)
def test_any_other_name_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(MalformedName, match=why):
        check_name(name)
    with pytest.raises(MalformedName, match=why):
        check_part_name(name)


@pytest.mark.parametrize("name", ["GigabitEthernet0/4", "xe-0/0/0:1", "Eth1/1/1", "1:5", "RU13", "4"])
def test_slashes_and_colons_are_for_parts(name: str) -> None:
    check_part_name(name)
    if "/" in name or ":" in name:
        with pytest.raises(MalformedName, match=r"'[/:]' in column"):
            check_name(name)


@pytest.mark.parametrize("name", ["/dev/sda", ":eth0", "-4"])
def test_a_part_name_begins_with_none_of_them(name: str) -> None:
    with pytest.raises(MalformedName, match="begins with"):
        check_part_name(name)


def reason_against(name: str) -> str | None:
    try:
        check_name(name)
    except MalformedName as error:
        return str(error)
    return None


@given(st.text(max_size=20))
def test_a_refusal_is_one_printable_line_and_what_passes_is_plain_text(text: str) -> None:
    reason = reason_against(text)
    if reason is None:
        check_part_name(text)
        assert not any(unicodedata.category(character)[0] in "CZ" for character in text)
        assert unicodedata.normalize("NFC", text) == text
        assert split_part(text) == (text, None)
    else:
        assert reason.isprintable()


# --- owner and part


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("server1", ("server1", None)),
        ("server1:eth0", ("server1", "eth0")),
        ("switch2a:xe-0/0/0:1", ("switch2a", "xe-0/0/0:1")),
        ("server1:", ("server1", "")),
        (":eth0", ("", "eth0")),
        ("", ("", None)),
    ],
)
def test_the_first_colon_splits_owner_from_part(address: str, expected: tuple[str, str | None]) -> None:
    assert split_part(address) == expected


# --- natural order


def counted(address: str) -> list[list[tuple[str, int, int]]]:
    """Natural order as a plain reading of its definition: owner before part, characters by code point, numbers by
    value and then by width, a number standing where the digits stand."""
    return [
        [
            ("0", int(piece), len(piece)) if "0" <= piece[0] <= "9" else (piece, 0, 0)
            for piece in re.findall("[0-9]+|[^0-9]", half)
        ]
        for half in address.split(":")
    ]


@pytest.mark.parametrize(
    "ordered",
    [
        ["web1", "web2", "web10", "web100"],
        ["web0", "web00", "web1", "web01", "web001", "web2", "web02"],
        ["rack1node2", "rack1node10", "rack2node1", "rack10node1"],
        ["web", "web-1", "web.1", "web1", "web1a", "web2", "webA", "web_1", "weba"],
        ["server1", "server1:eth0", "server1:eth1", "server1:eth10", "server1-a", "server1-a:eth0", "server2"],
        ["1", "2", "10", "A", "a"],
        ["sw:1/0/9", "sw:1/0/10", "sw:1/1/1", "sw:2/0/1"],
        ["x99999999", "x999999999", "x1000000000", "x" + "9" * 17, "x" + "1" + "0" * 17, "x" + "1" + "0" * 30],
        ["x1", "x10", "x" + "9" * 5000],
    ],
)
def test_names_sort_as_people_count(ordered: list[str]) -> None:
    shuffled = random.Random(7).sample(ordered, len(ordered))
    assert sorted(shuffled, key=natural_key) == ordered


@given(ADDRESS, ADDRESS)
@example("a01", "a1")
@example("a1b", "a01a")
def test_the_key_orders_as_its_definition(a: str, b: str) -> None:
    assert (natural_key(a) < natural_key(b)) == (counted(a) < counted(b))
    assert (natural_key(a) == natural_key(b)) == (a == b)


# --- did you mean


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("servr1", "server1"),  # one missing
        ("serverr1", "server1"),  # one extra
        ("servar1", "server1"),  # one wrong
        ("sevrer1", "server1"),  # two swapped
        ("sevrrr1", "server1"),  # two mistakes
        ("Server1", "server1"),
        ("SERVER1", "server1"),
        ("server01", "server1"),
        ("server-1", "server1"),
        ("db1", "db001"),
        ("rakc7", "rack7"),
        ("rack7node1", "rack7node01"),
        ("Rack", "rack"),
    ],
)
def test_a_slip_finds_what_was_meant(typed: str, meant: str) -> None:
    names = ["server1", "server2", "server11", "db001", "db010", "rack", "rack7", "rack7node01", "rack7node02"]
    assert suggest(typed, names) == meant


@pytest.mark.parametrize("typed", ["server3", "server12", "server", "printer1", "db", "x", "", "-", "e" * 300])
def test_nothing_is_suggested_for_what_is_far_away_or_has_another_number(typed: str) -> None:
    assert suggest(typed, ["server1", "server2", "server11", "db001", "d" * 300]) is None


@given(name=st.text("aB0-", max_size=5), names=st.lists(st.text("aB0-", max_size=5), max_size=8))
def test_what_was_typed_is_never_suggested(name: str, names: list[str]) -> None:
    found = suggest(name, names)
    assert found is None or (found in names and found != name)
    assert suggest(name, [name]) is None


def test_the_nearest_is_suggested_whatever_the_order() -> None:
    names = ["weeb1", "wxyb1", "web01", "wexx1"]
    for seed in range(5):
        assert suggest("web1", iter(random.Random(seed).sample(names, 4))) == "web01"


def test_a_short_name_takes_one_mistake_only() -> None:
    assert suggest("ab", ["ac"]) == "ac"
    assert suggest("ab", ["cd"]) is None


@given(NAME.filter(lambda name: len(re.sub("[0-9]+", "0", name)) >= 5), st.data())
def test_one_slip_is_always_found(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name)))
    letter = data.draw(st.sampled_from(string.ascii_lowercase))
    slipped = name[:place] + letter + name[place:]
    assume(re.findall("[0-9]+", slipped) == re.findall("[0-9]+", name))
    assert suggest(slipped, [name]) == name
    assert suggest(name, [slipped]) == slipped


def test_it_looks_closely_at_no_more_than_some_thousands() -> None:
    names = [
        f"machine-{a}{b}{c}{d}" for a in "abcdefghijklmnopq" for b in "abcdefghijklm" for c in "abcdef" for d in "abcde"
    ]
    seen: list[str] = []

    class Counted(str):
        __slots__ = ()

        def casefold(self) -> str:
            seen.append(self)
            return str(self).casefold()

    assert suggest("machine-zzzz", map(Counted, names)) is None
    assert len(seen) <= 5_001 < len(names)


# --- the quick path


def test_importing_costs_the_standard_library_s_re_at_most() -> None:
    code = (
        "import __future__, collections.abc, itertools, re, sys, typing; before = set(sys.modules)\n"
        "import clusto_core.model.names, clusto_core.model.ranges; print(*sorted(set(sys.modules) - before))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    ours = ["clusto_core", "clusto_core.model", "clusto_core.model.names", "clusto_core.model.ranges"]
    assert out.split() == [*ours, "clusto_core.spelling"]

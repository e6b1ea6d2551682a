"""Pictures by the command line: to standard output, into folders, as pixels, and in place on terminals."""

from __future__ import annotations

import base64
import io
import os
import re
import struct
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pexpect
import pytest

from clusto_cli.pictures import racks
from clusto_cli.pictures.raster import png, sixels
from clusto_core.errors import Refused
from clusto_core.store.reader import Reader
from tests.terminals import at_terminal, open_terminal
from tests.test_cli import program

PNG = b"\x89PNG\r\n\x1a\n"


def size(image: bytes) -> tuple[int, int]:
    """Source: https://www.w3.org/TR/png/#11IHDR"""
    assert image.startswith(PNG)
    wide, high = struct.unpack(">II", image[16:24])
    return wide, high


def test_every_verb_draws_itself(url: str) -> None:
    for words in (["show", "r1"], ["trace", "whole"], ["power", "impact", "pdu1"], ["capacity", "r1"]):
        done = program(url, *words, "-o", "svg", "--link-to", "/thing/{name}")
        assert done.code == 0, done.err
        links = [element.get("href") for element in ElementTree.fromstring(done.out).iter() if element.get("href")]
        assert links
        assert all(link.startswith("/thing/") for link in links if link)
    page = program(url, "show", "r1", "-o", "html").out
    assert page.startswith("<!DOCTYPE html>")
    assert "href" not in page


def test_files_beside_each_other_lead_to_each_other(url: str, folder: Path) -> None:
    done = program(url, "show", "room1", "-o", "svg", "--into", str(folder), "--rear")
    assert done.out.splitlines() == [str(folder / f"{name}.svg") for name in ("room1", "r1", "r2")]
    root = ElementTree.parse(folder / "room1.svg").getroot()
    links = [unquote(element.get("href", "")) for element in root.iter() if element.get("href")]
    assert links == ["r1.svg", "r2.svg"]
    assert "behind" in (folder / "r1.svg").read_text()
    assert program(url, "show", "r1", "--into", str(folder)).code == 2


def test_a_picture_is_of_the_past_too(url: str) -> None:
    assert program(url, "show", "r1", "-o", "svg", "--at", "0").code != 0
    assert "whole" in program(url, "show", "r1", "-o", "svg", "--at", "1").out


@pytest.mark.parametrize("words", [["--picture", "-o", "svg"], ["-o", "svg", "--link-to", "javascript:{name}"]])
def test_what_cannot_be_meant_is_wrong_usage(url: str, words: Sequence[str]) -> None:
    done = program(url, "show", "r1", *words)
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1


# --- pixels ----------------------------------------------------------------------------------------------------------


def test_a_png_is_as_large_as_it_is_laid_out_or_as_wide_as_wanted(reader: Reader) -> None:
    pytest.importorskip("resvg_py", reason="resvg is not here: pip install 'clusto[pictures]'")
    picture = racks.picture(reader, [reader.resolve("r1")])
    assert size(png(picture))[0] == 494
    assert size(png(picture, width=247))[0] == 247
    assert png(picture, scheme="dark") != png(picture)


@pytest.mark.parametrize("module", ["resvg_py", "PIL"])
def test_what_is_missing_is_named_with_how_it_is_had(
    reader: Reader, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(Refused, match=re.escape("pip install 'clusto[pictures]'")):
        png(racks.picture(reader, [reader.resolve("r1")])) if module == "resvg_py" else sixels(b"")


def unsixeled(text: str) -> tuple[int, int, list[list[tuple[int, ...] | None]]]:
    """The size and the pixels of a sequence of sixels, as colours in hundredths."""
    body = re.fullmatch(r'\x1bPq"1;1;(\d+);(\d+)(.*)\x1b\\', text, re.DOTALL)
    assert body is not None
    wide, high = int(body[1]), int(body[2])
    pixels: list[list[tuple[int, ...] | None]] = [[None] * wide for _ in range(high + 6)]
    registers: dict[int, tuple[int, ...]] = {}
    x = y = colour = 0
    for token in re.finditer(r"#(\d+);2;(\d+);(\d+);(\d+)|#(\d+)|!(\d+)([?-~])|([?-~])|(\$)|(-)", body[3]):
        if token[1]:
            registers[int(token[1])] = tuple(int(token[place]) for place in (2, 3, 4))
        elif token[5]:
            colour = int(token[5])
        elif token[9]:
            x = 0
        elif token[10]:
            x, y = 0, y + 6
        else:
            count = int(token[6] or 1)
            for bit in range(6):
                if (ord(token[7] or token[8]) - 63) >> bit & 1:
                    pixels[y + bit][x : x + count] = [registers[colour]] * count
            x += count
    return wide, high, pixels[:high]


def test_sixels_are_the_pixels_of_the_image() -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow is not here: pip install 'clusto[pictures]'")
    made = image.new("RGB", (37, 11), (255, 255, 255))
    for x in range(37):
        made.putpixel((x, x % 11), (255, 0, 0))
        made.putpixel((x, 5), (0, 0, 255))
    file = io.BytesIO()
    made.save(file, "PNG")
    wide, high, pixels = unsixeled(sixels(file.getvalue()))
    assert (wide, high) == (37, 11)
    for y, row in enumerate(pixels):
        assert row == [tuple(round(each * 100 / 255) for each in made.getpixel((x, y))) for x in range(37)]


# --- in place --------------------------------------------------------------------------------------------------------

ANSWERS = {
    "kitty": "\x1b_Gi=31;OK\x1b\\\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;c",
    "sixel": "\x1b]11;rgb:0000/0000/0000\x1b\\\x1b[?62;4;22c",
    "none": "\x1b[?62;22c",
}


def shown(url: str, answer: str, **environment: str) -> tuple[int, str]:
    """What `show r1 --picture` writes on a terminal that answers so."""
    settings = {"CLUSTO_DB": url, "TERM_PROGRAM": "", **environment}
    child = open_terminal(["--no-pager", "show", "r1", "--picture"], settings, rows=50, columns=100)
    child.expect_exact("\x1b[c")
    child.send(answer)
    child.expect(pexpect.EOF)
    child.close()
    return child.exitstatus, child.before or ""


def images_of_kitty(text: str) -> list[bytes]:
    """Source: https://sw.kovidgoyal.net/kitty/graphics-protocol/"""
    found, data = [], ""
    for head, payload in re.findall(r"\x1b_G([^;\x1b]*);([^\x1b]*)\x1b\\", text):
        keys = dict(pair.split("=") for pair in head.split(","))
        data += payload
        assert len(payload) <= 4096
        if keys["m"] == "0":
            found.append(base64.b64decode(data, validate=True))
            data = ""
    return found


def read_kitty(text: str) -> tuple[int, int]:
    (image,) = images_of_kitty(text)
    assert re.search(r"\x1b_Ga=T,f=100,q=2,", text)
    return size(image)


def read_iterm2(text: str) -> tuple[int, int]:
    found = re.search(r"\x1b\]1337;File=inline=1;size=(\d+);preserveAspectRatio=1:([A-Za-z0-9+/=]+)\x07", text)
    assert found is not None
    image = base64.b64decode(found[2], validate=True)
    assert len(image) == int(found[1])
    return size(image)


def read_sixel(text: str) -> tuple[int, int]:
    start = text.index("\x1bPq")
    return unsixeled(text[start : text.index("\x1b\\", start) + 2])[:2]


@pytest.mark.parametrize(
    ("answer", "environment", "read"),
    [
        ("kitty", {}, read_kitty),
        ("sixel", {}, read_sixel),
        ("none", {"TERM_PROGRAM": "iTerm.app"}, read_iterm2),
        ("none", {"KITTY_WINDOW_ID": "1"}, read_kitty),
        ("sixel", {"KITTY_WINDOW_ID": "1", "TERM": "tmux-256color"}, read_sixel),
    ],
)
def test_a_terminal_gets_the_picture_in_its_own_way(
    url: str, answer: str, environment: dict[str, str], read: Callable[[str], tuple[int, int]]
) -> None:
    for module in ("resvg_py", "PIL"):
        pytest.importorskip(module, reason="what draws pixels is not here: pip install 'clusto[pictures]'")
    code, text = shown(url, ANSWERS[answer], **environment)
    assert code == 0, text
    assert read(text)[0] == 494


def test_a_terminal_without_pictures_gets_text_and_is_told_so(url: str) -> None:
    code, text = shown(url, ANSWERS["none"])
    assert code == 0
    assert "no picture: " in text
    assert "half (Server)" in text


def test_pixels_are_not_written_on_a_terminal(url: str) -> None:
    code, text = at_terminal(["show", "r1", "-o", "png"], {"CLUSTO_DB": url})
    assert code == 2
    assert "PNG" not in text.splitlines()[0][:4]
    assert "> rack.png" in text


# --- as text ---------------------------------------------------------------------------------------------------------


def test_racks_are_beside_each_other_where_there_is_room(url: str) -> None:
    wide = at_terminal(["--no-pager", "show", "r1", "r2"], {"CLUSTO_DB": url, "NO_COLOR": "1"}, columns=120)[1]
    lines = [line.split() for line in wide.splitlines()]
    assert lines[0] == ["r1", "Rack", "r2", "Rack"]
    floor = max(place for place, words in enumerate(lines) if any(word.startswith("+--") for word in words))
    assert len(lines[floor]) == 2, "both stand on one floor"
    assert lines[floor - 1] == ["1.0", "|", "|", "1", "|", "|"]
    assert max(map(len, wide.splitlines())) <= 120
    narrow = at_terminal(["--no-pager", "show", "r1", "r2"], {"CLUSTO_DB": url, "NO_COLOR": "1"}, columns=70)[1]
    piped = program(url, "show", "r1", "r2").out
    assert [line.rstrip() for line in narrow.splitlines() if line.strip()] == [
        line for line in piped.splitlines() if line
    ]
    assert os.linesep in piped

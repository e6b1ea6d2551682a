"""Pictures as files: well-formed, inert whatever names hold, readable, and nothing outside of its room."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import product
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clusto_cli.pictures import palette, racks, rendering
from clusto_cli.pictures.delivery import file_name, linking
from clusto_cli.pictures.description import (
    Bar,
    Bars,
    Cable,
    Device,
    Elevation,
    Face,
    Kept,
    Meaning,
    Mounted,
    Node,
    Path,
    Picture,
    Station,
)
from clusto_cli.pictures.layout.scene import scene
from clusto_cli.pictures.layout.shapes import Box, Text, fitted, text_width
from clusto_cli.pictures.styles import stylesheet
from clusto_cli.visible import clean
from clusto_core.errors import Malformed
from clusto_core.store.reader import Reader

HOSTILE = [
    "<script>alert(1)</script>", '"><script>x</script>', "' onload='x", "]]><x>", "<!--", "&lt;", "&#0;", "{{ 7*7 }}",
    "{% raw %}", "javascript:alert(1)", "</style><script>", "</title>", "\x00", "\x1b]52;c;eA==\x07", "\u202ex",
    "\ufffe", "x" * 300, "😀" * 40, "", "..", "a/../b", "%2e", "?#",
]  # fmt: skip
texts = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=30))
paints = st.sampled_from(sorted(palette.PAINTS))
link = linking("https://dc.example/thing/{name}")


def devices(inside: st.SearchStrategy[tuple[Device, ...]]) -> st.SearchStrategy[Device]:
    made = st.builds(Device, texts, paints, st.none(), st.lists(texts, max_size=2).map(tuple), st.booleans(), inside)
    return made.map(lambda device: device._replace(link=link(device.name)))


blades = st.lists(devices(st.just(())), max_size=9).map(tuple)
device = devices(blades)
mounted = st.tuples(device, st.integers(2, 9), st.integers(0, 4)).map(
    lambda each: Mounted(each[0], each[1], min(each[1] + each[2], 9))
)
elevation = st.builds(
    Elevation, texts, st.none(), st.just((4, 3, 2, 1)), st.lists(st.builds(Face, texts, st.lists(mounted, max_size=3)
    .map(tuple)), max_size=2).map(tuple), st.lists(device, max_size=2).map(tuple),
    st.lists(st.builds(Kept, st.integers(1, 4), texts), max_size=1).map(tuple), texts, texts,
)  # fmt: skip
cable = st.builds(Cable, texts, texts, st.sampled_from(["", "#00ff00"]), st.lists(texts, max_size=2).map(tuple))
path = st.lists(st.builds(Station, device, st.lists(texts, max_size=2).map(tuple)), min_size=1, max_size=3).flatmap(
    lambda stations: st.lists(cable, min_size=len(stations) - 1, max_size=len(stations) - 1).map(
        lambda cables: Path(tuple(stations), tuple(cables))
    )
)
leaf = st.builds(Node, device, texts, st.just(()))  # builds() makes up what a named tuple is not given
tree = st.builds(Node, device, texts, st.lists(leaf, max_size=3).map(tuple))
amount = st.floats(0, 1e6)
bar = st.builds(Bar, texts, st.none() | amount, amount, amount, texts)
pictures = st.builds(
    Picture, texts, st.lists(elevation, max_size=2).map(tuple), st.lists(path, max_size=1).map(tuple),
    st.lists(tree, max_size=1).map(tuple),
    st.lists(st.builds(Bars, texts, st.none(), st.lists(bar, max_size=2).map(tuple)), max_size=1).map(tuple),
    st.lists(st.builds(Meaning, paints, texts), max_size=3).map(tuple),
)  # fmt: skip

SVG = "{http://www.w3.org/2000/svg}"
ELEMENTS = {SVG + name for name in ["svg", "style", "defs", "pattern", "line", "rect", "a", "g", "title", "text"]}
ATTRIBUTES = {
    *("class", "width", "height", "viewBox", "role", "aria-label", "id", "patternUnits", "patternTransform", "x", "y"),
    *("x1", "y1", "x2", "y2", "stroke", "stroke-width", "font-size", "text-anchor", "fill", "href"),
}


def check_inert(root: ElementTree.Element) -> None:
    """Nothing but what is drawn of, and no address but those that the link function gives."""
    for element in root.iter():
        assert element.tag in ELEMENTS
        assert set(element.attrib) <= ATTRIBUTES
        assert element.get("href", "https://dc.example/thing/").startswith("https://dc.example/thing/")
        assert element.get("fill", "url(#picture-held)") == "url(#picture-held)"
        assert re.fullmatch(r"#[0-9a-f]{6}", element.get("stroke", "#000000"))


@settings(max_examples=25, deadline=None)
@given(pictures)
def test_an_svg_is_well_formed_and_inert(picture: Picture) -> None:
    text = rendering.svg(picture)
    root = ElementTree.fromstring(text)
    check_inert(root)
    (style,) = root.iter(f"{SVG}style")
    assert (style.text or "").strip() == stylesheet().strip()
    told = "\n".join(title.text or "" for title in root.iter(f"{SVG}title"))
    for each in picture.elevations:
        for found in each.beside:
            assert clean(found.name) in clean(told)


class Tags(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.attributes |= {name for name, _ in attrs}


@settings(max_examples=10, deadline=None)
@given(pictures)
def test_a_page_has_no_script_and_nothing_from_elsewhere(picture: Picture) -> None:
    tags = Tags()
    tags.feed(rendering.html(picture))
    known = {tag.removeprefix(SVG) for tag in ELEMENTS} | {"html", "head", "meta", "body", "main"}
    assert tags.seen <= known
    assert tags.attributes <= {each.lower() for each in ATTRIBUTES} | {"lang", "charset", "name", "content", "xmlns"}


@settings(max_examples=25, deadline=None)
@given(pictures)
def test_everything_is_within_the_picture_and_every_name_within_its_box(picture: Picture) -> None:
    laid = scene(picture)
    for group in laid.groups:
        for shape in group.shapes:
            assert shape.x >= 0
            assert 0 <= shape.y <= laid.height
            if isinstance(shape, Box):
                assert shape.x + shape.width <= laid.width
            elif isinstance(shape, Text) and shape.anchor == "start":
                assert shape.x + text_width(shape.words, shape.size) <= laid.width
        boxes = [shape for shape in group.shapes if isinstance(shape, Box) and shape.looks == "box"]
        inside = [shape for shape in group.shapes if isinstance(shape, Text) and shape.looks == "ink"]
        if len(boxes) == len(inside) == 1 and inside[0].x < boxes[0].x + boxes[0].width:
            assert inside[0].x + text_width(inside[0].words, inside[0].size) <= boxes[0].x + boxes[0].width


@given(st.text(max_size=40), st.integers(0, 300))
def test_what_does_not_fit_keeps_its_beginning_and_its_end(words: str, width: int) -> None:
    found = fitted(words, width)
    assert text_width(found) <= width or not found
    if found and found != clean(words):
        head, tail = found.split("\N{HORIZONTAL ELLIPSIS}", 1) if found.count("…") == 1 else (found[0], found[-1])
        assert clean(words).startswith(head)
        assert clean(words).endswith(tail)


# --- to be read ------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Source: https://www.w3.org/TR/WCAG21/#dfn-relative-luminance"""
    channels = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rules(scheme: str) -> Iterator[tuple[str, str]]:
    """What the style sheet says in one scheme: each class with its colour."""
    both = stylesheet()
    light, dark = both.split("@media (prefers-color-scheme: dark) {")
    for selectors, colour in re.findall(
        r"^\s*([^{}]+) \{ (?:fill|stroke): (#[0-9a-f]{6});", light if scheme == "light" else dark, re.M
    ):
        yield from ((selector.strip().removeprefix(".clusto "), colour) for selector in selectors.split(","))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(scheme: str) -> None:
    found = dict(rules(scheme))
    on = [".ground", ".frame", ".rule", ".hatch", *(f".paint-{name}" for name in palette.PAINTS)]
    pairs = [*product([".ink", ".strong"], on), *product([".faint"], [".ground", ".frame"])]
    low = {pair: round(contrast(found[pair[0]], found[pair[1]]), 1) for pair in pairs}
    assert {pair: number for pair, number in low.items() if number < 4.5} == {}
    assert stylesheet(scheme).count(found[".paint-blue"]) == 1


def test_a_rack_of_forty_two_devices_is_small(reader: Reader) -> None:
    devices = [Device(f"a-server-with-a-name-{unit}", "blue", f"/things/{unit}", ("Server",)) for unit in range(42)]
    faces = tuple(Face(face, tuple(Mounted(each, 2 * unit + 2, 2 * unit + 3) for unit, each in enumerate(devices)))
                  for face in ("front", "rear"))  # fmt: skip
    rack = Elevation("rack1", None, tuple(range(42, 0, -1)), faces, (), (), "42 units")
    assert len(rendering.svg(Picture("rack1", elevations=(rack,)))) < 60 * 1024


def test_ids_are_the_pictures_own(reader: Reader) -> None:
    text = rendering.svg(racks.picture(reader, [reader.resolve("r1")]), styled=False, ident="p2")
    root = ElementTree.fromstring(text)
    assert {each.get("id") for each in root.iter() if each.get("id")} == {"p2-held"}
    assert 'fill="url(#p2-held)"' in text
    assert not list(root.iter(f"{SVG}style"))


# --- addresses -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "template", ["javascript:{name}", " javascript:{name}", "data:{name}", "{name}:x", "thing", "java\nscript:{name}"]
)
def test_a_link_is_an_address_with_a_name_in_it(template: str) -> None:
    with pytest.raises(Malformed):
        linking(template)


@given(st.text(min_size=1, max_size=60))
def test_a_name_stays_where_it_is_put(name: str) -> None:
    made = linking("https://dc.example/{name}/x")
    try:
        name.encode()
    except UnicodeEncodeError:
        return
    assert re.fullmatch(r"https://dc\.example/[^/?#]+/x", made(name) or "")
    assert re.fullmatch(r"[^./][^/]*\.svg|[^./]+\.svg", file_name(name, "svg"))

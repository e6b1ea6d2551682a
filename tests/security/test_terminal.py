"""Nothing that the inventory or a device holds steers, or hides from, a person at a terminal, in whatever format."""

from __future__ import annotations

import ast
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import clusto_cli
from clusto_cli.output import FORMATS
from clusto_cli.visible import clean, visible
from clusto_cli.yamlout import items
from tests.conftest import Run

OSC52 = "\x1b]52;c;Y3VybCBldmlsfHNo\x07"
HELD = {
    "bidi": "user\u202etxt.exe\u202c \u2066x\u2069",
    "arabic-letter-mark": "a\u061cb",
    "zero-width": "server\u200b1 \u200c\u200d\u2060\ufeff",
    "soft-hyphen": "ser\u00adver1",
    "lines": "first\nclusto: error: forged\tline",
    "separators": "a\u00a0b\u3000c",
    "tags": "a\U000e0001\U000e0041b",
    "private": "\ue000\U00100000",
}
"""What an attribute may hold."""


def shown(text: str) -> bool:
    """Whether a terminal shows all of this, but for the ends of its lines."""
    return text.replace("\n", "").replace("\t", "").isprintable()


@given(st.text())
def test_what_is_cleaned_is_one_line_and_shows_all_there_is(text: str) -> None:
    found = clean(text)
    assert shown(found)
    assert "\n" not in found
    assert text.isprintable() == (found == text) or "\t" in text


@given(st.binary())
def test_what_a_device_says_is_one_line_and_shows_all_there_is(data: bytes) -> None:
    assert shown(visible(data))
    assert "\n" not in visible(data)


@pytest.mark.parametrize("said", [OSC52, "\x1b]0;title\x1b\\", "\x9b31m", "\x1b[2J\x1b[H", "\x1bP+q544e\x1b\\"])
def test_sequences_of_a_device_do_not_get_through(said: str) -> None:
    assert visible(b"login" + said.encode() + b": ") == "login: "
    assert shown(clean(said))


@given(st.recursive(st.text() | st.integers(), lambda each: st.lists(each) | st.dictionaries(st.text(), each)))
def test_yaml_shows_all_there_is_and_says_the_same(data: object) -> None:
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return
    text = "".join(items([data, data]))
    assert shown(text)
    assert yaml.safe_load(text) == [data, data]


@pytest.fixture
def hostile(clusto: Run) -> Run:
    """An inventory in which attributes hold what people would not see."""
    assert clusto("add", "Server", "server1").code == 0
    for key, text in HELD.items():
        done = clusto("attr", "set", key, text, "-t", "server1", "-m", text)
        assert (done.code, shown(done.out + done.err)) == (0, True), done
    return clusto


@pytest.mark.parametrize("output", FORMATS)
@pytest.mark.parametrize(
    "verb", [("attr", "get", "-t", "server1"), ("find", "name:server1"), ("show", "server1"), ("log",)]
)
def test_every_format_of_output_shows_all_there_is(hostile: Run, verb: tuple[str, ...], output: str) -> None:
    done = hostile(*verb, "-o", output)
    assert done.code == 0, done.err
    assert shown(done.out), done.out
    if output == "yaml" and verb[0] == "attr":
        assert set(HELD.values()) <= set(map(str, _texts(yaml.safe_load(done.out))))


def _texts(data: object) -> list[object]:
    if isinstance(data, dict):
        return [text for each in data.values() for text in _texts(each)]
    return [text for each in data for text in _texts(each)] if isinstance(data, list) else [data]


@pytest.mark.parametrize(
    "form", ["yaml", "jsonl", "csv", "ansible", "hosts", "powerman", "conserver", "dnsmasq", "dot"]
)
def test_every_format_of_export_shows_all_there_is(hostile: Run, form: str) -> None:
    done = hostile("export", "--format", form)
    assert done.code == 0, done.err
    assert shown(done.out), done.out


def test_an_error_that_repeats_what_was_typed_shows_it(clusto: Run) -> None:
    done = clusto("show", f"x{OSC52}\u202ey")
    assert done.code != 0
    assert shown(done.err)
    assert done.err.count("\n") == 1


# --- the class of slip -----------------------------------------------------------------------------------------------

SHOWN_ALREADY = {
    "console/scripted.py",  # whole lines that `LineSplitter` has cleaned
    "commands/completion.py",  # for shells, which quote by themselves
}
OURS = {"App.committed", "len(error.faults) - SHOWN", "reason", "bare.help", "__version__"}
"""What is never of a device's or an attribute's making."""


def _uncleaned(call: ast.Call) -> list[str]:
    """What a call prints that is neither constant nor cleaned."""
    found = []
    for argument in call.args:
        whole = argument.values if isinstance(argument, ast.JoinedStr) else [argument]
        values = [each.value if isinstance(each, ast.FormattedValue) else each for each in whole]
        found += [ast.unparse(each) for each in values if not isinstance(each, ast.Constant)]
    return [text for text in found if not text.startswith("clean(") and text not in OURS]


def test_whatever_is_printed_has_been_cleaned() -> None:
    root = Path(clusto_cli.__file__).parent
    prints = 0
    for path in root.rglob("*.py"):
        if str(path.relative_to(root)) in SHOWN_ALREADY:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "print":
                prints += 1
                assert _uncleaned(node) == [], f"{path}:{node.lineno}"
    assert prints > 8

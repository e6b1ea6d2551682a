"""Long answers are worked out once for all who ask the same, and a bounded number of them is kept."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from clusto_cli.web import keeping
from clusto_cli.web.answering import Answer
from clusto_cli.web.keeping import IN_MEMORY, Body, Keeping
from tests.web.site import Site


def _made(text: bytes, made: list[bytes]) -> Callable[[Body], Answer]:
    def make(body: Body) -> Answer:
        time.sleep(0.05)
        made.append(text)
        body.write(text)
        return Answer(b"", "text/plain")

    return make


def test_what_several_ask_at_once_is_worked_out_once() -> None:
    kept, made = Keeping(), list[bytes]()
    text = b"x" * (IN_MEMORY + 1)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda _: kept.of("question", _made(text, made)), range(8)))
    assert made == [text]
    assert {b"".join(each.body.pieces()) for each in found} == {text}


def test_what_fails_is_not_kept() -> None:
    kept = Keeping()

    def fail(body: Body) -> Answer:
        body.write(b"half")
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        kept.of("question", fail)
    assert b"".join(kept.of("question", _made(b"whole", [])).body.pieces()) == b"whole"


def test_a_few_are_kept_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    kept, made = Keeping(), list[bytes]()
    monkeypatch.setattr(keeping, "_KEPT", 2)
    for name in (b"a", b"b", b"a", b"c", b"a", b"b"):
        kept.of(name, _made(name, made))
    assert made == [b"a", b"b", b"c", b"b"]
    monkeypatch.setattr(keeping, "_SECONDS", -1.0)
    kept.of(b"b", _made(b"b", made))
    assert made[-2:] == [b"b", b"b"]


def test_exports_are_of_the_state_that_is(fresh: Site) -> None:
    token, other = fresh.token("bob", "writer"), fresh.token("team", "reader", "name:s1")
    first = fresh.ask("/sd/ansible").json()
    assert fresh.ask("/sd/ansible").json() == first
    assert list(fresh.ask("/sd/ansible", token=other).json()["_meta"]["hostvars"]) == ["s1"]
    assert fresh.batch("add Server s77", token).status_code == 200
    assert fresh.ask("/sd/ansible").json()["_meta"]["hostvars"].keys() == {*first["_meta"]["hostvars"], "s77"}

"""What is written waits for the next question to a server: no question sees less for it, and nothing is kept that is
taken back."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed, StoreBroken
from clusto_core.store import database, opening
from clusto_core.store.database import Database, Row

_COLUMNS = ("id", "name", "driver", "owner_id", "number")
_NAMES = "SELECT t.name FROM things t WHERE t.id >= 9000"
QUESTIONS: dict[str, Callable[[Database], Iterable[Row]]] = {
    "rows": lambda writing: writing.rows(_NAMES),
    "rows_in": lambda writing: writing.rows_in("SELECT t.name FROM things t WHERE t.id IN (:ids)", range(9000, 9900)),
    "iterate": lambda writing: writing.iterate(_NAMES),
    "stream": lambda writing: writing.stream(_NAMES),
    "batches": lambda writing: (row for batch in writing.batches(_NAMES) for row in batch),
}
HARD = ("100 %", "%s %(x)s", "a'b\\", "; DROP TABLE things", "ä \N{PILE OF POO}", "?:x")


def insert(writing: Database, names: Iterable[str], first: int = 9000) -> None:
    writing.insert("things", _COLUMNS, [(first + n, name, "Pool", None, None) for n, name in enumerate(names)])


def names(url: str) -> set[str]:
    with contextlib.closing(database.connect(url)) as reading:
        return {row[0] for row in reading.rows(_NAMES)}


@contextlib.contextmanager
def writing_to(url: str) -> Iterator[Database]:
    with opening.write_transaction(Settings(url), lambda line: None) as writing:
        yield writing


def test_every_question_sees_what_was_written_before(store_url: str) -> None:
    for question, ask in QUESTIONS.items():
        for many in (1, 300):
            with writing_to(store_url) as writing:
                insert(writing, [f"pool{n}" for n in range(many)])
                renamed = ({"name": f"new{n}", "id": 9000 + n} for n in range(many))
                writing.execute("UPDATE things SET name = :name WHERE id = :id", *renamed)
                assert {name for (name,) in ask(writing)} == {f"new{n}" for n in range(many)}, question
                # What was asked for before, and is fetched after, too.
                later = ask(writing)
                insert(writing, ["last"], 9800)
                assert question == "rows" or "last" in {name for (name,) in later}, question
            assert names(store_url) == {*(f"new{n}" for n in range(many)), "last"}
            with writing_to(store_url) as writing:
                writing.execute("DELETE FROM things WHERE id >= 9000")


def test_words_are_kept_as_they_are(store_url: str) -> None:
    with writing_to(store_url) as writing:
        insert(writing, HARD)
    assert names(store_url) == set(HARD)


def test_what_is_taken_back_is_not_written_later(store_url: str) -> None:
    with writing_to(store_url) as writing:
        insert(writing, ["pool1"])
        writing.rollback()
    assert names(store_url) == set()
    with writing_to(store_url) as writing:
        insert(writing, ["pool1"])
        writing.execute("SAVEPOINT attempt")
        insert(writing, ["pool2"], 9001)
        writing.execute("ROLLBACK TO SAVEPOINT attempt")
    assert names(store_url) == {"pool1"}


def test_what_the_database_refuses_is_told_at_the_next_question_or_the_end(store_url: str) -> None:
    def write(end: Callable[[Database], object]) -> None:
        with writing_to(store_url) as writing:
            insert(writing, ["pool1", "pool1"])
            end(writing)

    ends: list[Callable[[Database], object]] = [Database.commit, lambda writing: None]
    for end in (*ends, *((lambda writing, ask=ask: list(ask(writing))) for ask in QUESTIONS.values())):
        with pytest.raises(StoreBroken, match=r"^the store refused: .*(?i:unique|duplicate)"):
            write(end)
    with pytest.raises(Malformed, match="64 bits"), writing_to(store_url) as writing:
        insert(writing, ["pool1"], 2**70)
    assert names(store_url) == set()


def test_a_change_takes_few_messages(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """While each is under way nobody else writes: a bound for the change of an attribute, whoever adds a question."""
    from clusto_core.inventory import Inventory

    inventory = Inventory(Settings(store_url))
    with inventory.change() as change:
        change.add("Pool", "pool1", attributes=[("n", 0)])
    asked: list[str] = []

    def counted(name: str) -> Callable[..., object]:
        method = getattr(Database, name)

        def count(*given: object) -> object:
            asked.append(name)
            return method(*given)

        return count

    for name in ("_ask", "_send_with"):
        monkeypatch.setattr(Database, name, counted(name))
    with inventory.change() as change:
        change.set_values("pool1", "n", [1])
    if store_url.startswith("sqlite"):
        assert "_send_with" not in asked
    else:
        assert len(asked) <= 12, asked

"""Numbers beyond what a database holds: found nowhere, kept nowhere, and never a failure of the store."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click
import pytest

from clusto_cli.main import main
from clusto_cli.numbers import MOST, Real, Whole
from clusto_core.config import Settings
from clusto_core.errors import Malformed, NotFound
from clusto_core.inventory import Inventory
from clusto_core.records import history
from clusto_core.store.database import Database, connect
from tests.conftest import Run

BEYOND = [2**63, -(2**63) - 1, 2**64, 10**400, -(10**400)]


def parameters(command: click.Command, path: str = "clusto") -> Iterator[tuple[str, click.Parameter]]:
    """All options and arguments of all verbs."""
    yield from ((f"{path} {each.name}", each) for each in command.params)
    if isinstance(command, click.Group):
        ctx = click.Context(command)
        for name in command.list_commands(ctx):
            if (found := command.get_command(ctx, name)) is not None:
                yield from parameters(found, f"{path} {name}")


def test_every_number_on_the_command_line_is_within_its_bounds() -> None:
    for where, parameter in parameters(main):
        type = parameter.type
        if isinstance(parameter, click.Option) and (parameter.count or parameter.is_flag):
            continue
        if isinstance(type, click.types.IntParamType):
            assert isinstance(type, Whole), where
            assert not type.any_size or where == "clusto revert transaction", where
        elif isinstance(type, click.types.FloatParamType):
            assert isinstance(type, Real), where


def test_a_number_that_is_none_is_wrong_usage(clusto: Run) -> None:
    for words in (
        ("rebuild", "s1", "--pause", "nan"),
        ("log", "-n", str(MOST + 1)),
        ("find", "@x", "--limit", "9" * 5000),
    ):
        done = clusto(*words)
        assert (done.code, done.out) == (2, ""), done.err


def test_what_is_only_looked_for_is_not_there(clusto: Run) -> None:
    for number in (MOST, MOST + 1, 10**400):
        assert clusto("revert", str(number)).err == f"clusto: error: no such transaction: {number}\n"


@pytest.mark.parametrize("number", BEYOND)
def test_no_transaction_has_such_a_number(store_url: str, number: int) -> None:
    with Inventory(Settings(store_url)).read() as reader, pytest.raises(NotFound):
        history.entry(reader, number)


def test_comparing_with_such_a_number_is_exact(store_url: str) -> None:
    largest = 2**63 - 1
    with Inventory(Settings(store_url)).change("largest") as change:
        change.add("Server", "s1", attributes=[("n", largest), ("n", -largest - 1)])
    database = connect(store_url)
    for number in BEYOND:
        for sign, count in (("<", 2 * (number > 0)), (">", 2 * (number < 0)), ("=", 0)):
            counted = f"SELECT count(*) FROM attributes a WHERE a.integer_value {sign} :number"
            assert database.rows(counted, {"number": number}) == [(count,)], (sign, number)
    database.close()


def test_such_a_number_is_never_written(store_url: str) -> None:
    for number in BEYOND:
        with pytest.raises(Malformed, match="64 bits"), written(store_url) as database:
            database.execute("UPDATE store SET next_id = :id", {"id": number})
        with pytest.raises(Malformed, match="64 bits"), written(store_url) as database:
            database.insert("seals", ("id", "digest"), [(number, "x")])


@contextlib.contextmanager
def written(url: str) -> Iterator[Database]:
    """What a change writes in, and a question after it: by then a server has been told of all."""
    with Inventory(Settings(url)).change("beyond") as change:
        yield change.unit.database
        change.unit.database.rows("SELECT 1")

"""Rebuilds and what is heard of them, on each database."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Barrier
from typing import Any

import pytest

from clusto_core.config import Settings
from clusto_core.errors import Malformed
from clusto_core.inventory import Inventory
from clusto_core.model.things import Thing
from clusto_core.records import rebuilds
from clusto_core.records.rebuilds import (
    BOOTING,
    CALLBACK,
    CANCELLED,
    CONSOLE,
    DONE,
    FAILED,
    FETCH,
    FETCHED,
    FINISHED,
    INSTALLING,
    PROGRESS,
    STARTED,
    UP,
    Heard,
    Journal,
    NotTaken,
    Rebuild,
)


@pytest.fixture
def servers(inventory: Inventory) -> list[Thing]:
    with inventory.change() as change:
        return [change.add("Server", f"server{number}") for number in (1, 2, 3)]


@pytest.fixture
def journal(inventory: Inventory) -> Journal:
    return Journal(inventory.settings)


def test_begun_rebuilds_are_what_was_set_out_to_do(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    plans: list[dict[str, Any]] = [{"files": ["ipxe/mac-1"], "who": "Zoë \0 \ud800 🖥"}, {}]
    before = time.time()
    begun = journal.begin(list(zip(servers, plans, strict=False)))
    assert [rebuild.name for rebuild, _ in begun] == ["server1", "server2"]
    assert len({token for _, token in begun}) == 2
    with inventory.read() as reader:
        assert rebuilds.unfinished(reader) == [rebuild for rebuild, _ in begun]
        latest = rebuilds.latest(reader, servers)
    assert latest == {thing.id: rebuild for thing, (rebuild, _) in zip(servers[:2], begun, strict=True)}
    assert [latest[thing.id].plan for thing in servers[:2]] == plans
    assert before - 1 < latest[servers[0].id].began < time.time() + 1


def test_a_new_rebuild_cancels_an_unfinished_one_of_the_same_machine_alone(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    (first, old), (other, _) = journal.begin([(servers[0], {}), (servers[1], {})])
    [(second, new)] = journal.begin([(servers[0], {})])
    with inventory.read() as reader:
        assert rebuilds.unfinished(reader) == [other, second]
        assert rebuilds.latest(reader, servers[:1]) == {servers[0].id: second}
        cancelled = rebuilds.by_token(reader, old)
        assert rebuilds.by_token(reader, new) == second
    assert cancelled is not None
    assert (cancelled.id, cancelled.phase, cancelled.ended) == (first.id, CANCELLED, True)
    with pytest.raises(NotTaken, match="the rebuild of server1 has ended: cancelled"):
        journal.call_back(first, STARTED, None)


def test_what_ended_stays_as_it_ended_when_another_begins(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    [(first, token)] = journal.begin([(servers[0], {})])
    journal.add([Heard(first.id, "clusto", "done", phase=DONE)])
    journal.begin([(servers[0], {})])
    with inventory.read() as reader:
        ended = rebuilds.by_token(reader, token)
    assert ended is not None
    assert ended.phase == DONE


def test_only_the_token_itself_is_the_token(inventory: Inventory, servers: list[Thing], journal: Journal) -> None:
    [(rebuild, token)] = journal.begin([(servers[0], {})])
    hostile = [
        "",
        token[:-1],
        token + "A",
        token.swapcase(),
        "x" * 43,
        "\0" * 43,
        "é" * 43,
        "\ud800" * 43,
        "%" * 10_000,
    ]
    with inventory.read() as reader:
        stored = reader.database.rows("SELECT b.token FROM rebuilds b")[0][0]
        assert rebuilds.by_token(reader, token) == rebuild
        assert [rebuilds.by_token(reader, each) for each in [*hostile, stored]] == [None] * (len(hostile) + 1)
    assert token not in stored


def test_an_event_is_called_back_once_and_progress_any_number_of_times(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    (rebuild, _), (other, _) = journal.begin([(servers[0], {}), (servers[1], {})])
    written = [journal.call_back(rebuild, event, None) for event in (STARTED, PROGRESS, PROGRESS, FINISHED, UP)]
    for event in (STARTED, FINISHED, UP):
        with pytest.raises(NotTaken, match=f"server1 has called back {event} already"):
            journal.call_back(rebuild, event, None)
    written.append(journal.call_back(other, STARTED, None))
    with inventory.read() as reader:
        assert rebuilds.events(reader, [rebuild.id, other.id]) == written
        assert rebuilds.events_after(reader, written[2].id) == written[3:]
        assert rebuilds.called_back(reader, [rebuild.id, other.id]) == {
            rebuild.id: {STARTED, FINISHED, UP},
            other.id: {STARTED},
        }
    assert {event.source for event in written} == {CALLBACK}
    assert [event.id for event in written] == sorted({event.id for event in written})


def test_what_many_call_back_together_is_judged_one_after_the_other(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    begun = [rebuild for rebuild, _ in journal.begin([(thing, {}) for thing in servers])]
    first, second, third = begun
    journal.call_back(second, STARTED, None)
    journal.add([Heard(third.id, "clusto", "done", phase=DONE)])
    said = [
        (first, STARTED, "1"),
        (second, STARTED, None),
        (first, "nonsense", None),
        (first, STARTED, "2"),
        (third, PROGRESS, None),
        (second, PROGRESS, "3"),
        (first, FAILED, "4"),
        (first, FINISHED, "5"),
        (second, PROGRESS, "6"),
    ]
    results = journal.call_backs(said)
    refused = {number: str(result) for number, result in enumerate(results) if isinstance(result, Exception)}
    assert refused == {
        1: "server2 has called back started already",
        2: "no such event: 'nonsense' (there are started, finished, up, failed, progress)",
        3: "server1 has called back started already",
        4: "the rebuild of server3 has ended: done",
        7: "server1 has called back that it failed",
    }
    written = [result for result in results if not isinstance(result, Exception)]
    assert [event.message for event in written] == ["1", "3", "4", "6"]
    with inventory.read() as reader:
        assert rebuilds.events(reader, [first.id, second.id])[1:] == written
        assert rebuilds.called_back(reader, [each.id for each in begun]) == {
            first.id: {STARTED, FAILED},
            second.id: {STARTED},
        }
    assert journal.call_backs([]) == []


def test_what_was_heard_earlier_keeps_its_time(inventory: Inventory, servers: list[Thing], journal: Journal) -> None:
    [(rebuild, _)] = journal.begin([(servers[0], {})])
    written = journal.add([Heard(rebuild.id, FETCH, FETCHED, time=1_700_000_000.25), Heard(rebuild.id, CONSOLE, UP)])
    assert written[0].time == 1_700_000_000.25
    assert written[1].time >= rebuild.began
    with inventory.read() as reader:
        assert rebuilds.events(reader, [rebuild.id]) == written


def test_who_failed_says_no_more(servers: list[Thing], journal: Journal) -> None:
    [(rebuild, _)] = journal.begin([(servers[0], {})])
    journal.call_back(rebuild, FAILED, "no disk")
    for event in (STARTED, PROGRESS, FINISHED):
        with pytest.raises(NotTaken, match="server1 has called back that it failed"):
            journal.call_back(rebuild, event, None)
    with pytest.raises(NotTaken, match="server1 has called back failed already"):
        journal.call_back(rebuild, FAILED, None)


def test_other_events_are_malformed_and_leave_nothing(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    [(rebuild, _)] = journal.begin([(servers[0], {})])
    for event in ("", "fetched", "done", "Started", "started ", "st\0arted", "\ud800", "x" * 10_000):
        with pytest.raises(Malformed, match=r"no such event: .* \(there are started, finished, up, .*\)") as raised:
            journal.call_back(rebuild, event, None)
        assert len(str(raised.value)) < 400
        assert str(raised.value).isprintable()
    with inventory.read() as reader:
        assert rebuilds.events(reader, [rebuild.id]) == []


def test_what_a_machine_says_is_kept_as_far_as_a_store_can(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    [(rebuild, _)] = journal.begin([(servers[0], {})])
    plain = "Größe 🖥\n\x1b[31m"
    kept = {None: None, "": "", plain: plain, "a\0b\ud800c": "a?b?c", "🖥" * 5000: "🖥" * 4096}
    written = [journal.call_back(rebuild, PROGRESS, said) for said in kept]
    written += journal.add([Heard(rebuild.id, CONSOLE, UP, said) for said in kept])
    with inventory.read() as reader:
        assert rebuilds.events(reader, [rebuild.id]) == written
    assert [event.message for event in written] == [*kept.values()] * 2


def test_a_new_token_begins_anew(inventory: Inventory, servers: list[Thing], journal: Journal) -> None:
    [(rebuild, old)] = journal.begin([(servers[0], {})])
    journal.call_back(rebuild, STARTED, None)
    journal.call_back(rebuild, FAILED, None)
    new = journal.renew_token(rebuild)
    with inventory.read() as reader:
        assert rebuilds.by_token(reader, old) is None
        assert rebuilds.by_token(reader, new) == rebuild
        assert rebuilds.called_back(reader, [rebuild.id]) == {}
    journal.call_back(rebuild, STARTED, None)
    with inventory.read() as reader:
        assert [event.event for event in rebuilds.events(reader, [rebuild.id])] == [STARTED, FAILED, STARTED]
        assert rebuilds.called_back(reader, [rebuild.id]) == {rebuild.id: {STARTED}}


def test_what_is_heard_moves_the_phase_until_it_ended(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    begun = [rebuild for rebuild, _ in journal.begin([(thing, {}) for thing in servers])]
    first, second, third = begun
    written = journal.add(
        [
            Heard(first.id, "clusto", "power", phase=BOOTING),
            Heard(second.id, FETCH, FETCHED, "pxelinux.cfg/01-52-54-00-00-00-02"),
            Heard(first.id, CONSOLE, STARTED, phase=INSTALLING),
            Heard(third.id, "clusto", "cancelled", phase=CANCELLED),
            Heard(third.id, CONSOLE, STARTED, phase=INSTALLING),
        ]
    )
    assert journal.add([]) == []
    with inventory.read() as reader:
        now = rebuilds.latest(reader, servers)
        assert rebuilds.events_after(reader, 0) == written
        assert [rebuild.id for rebuild in rebuilds.unfinished(reader)] == [first.id, second.id]
    assert [now[thing.id].phase for thing in servers] == [INSTALLING, "waiting", CANCELLED]
    assert now[servers[0].id].changed >= first.changed
    assert now[servers[1].id].changed == second.changed
    # What was heard elsewhere does not use up what a machine may call back.
    journal.call_back(first, STARTED, None)


def test_hundreds_at_once(inventory: Inventory, journal: Journal) -> None:
    with inventory.change() as change:
        many = [change.add("Server", f"server{number}") for number in range(1100)]
    begun = [rebuild for rebuild, _ in journal.begin([(thing, {}) for thing in many])]
    written = journal.add([Heard(rebuild.id, FETCH, FETCHED, phase=BOOTING) for rebuild in reversed(begun)])
    with inventory.read() as reader:
        assert len(rebuilds.latest(reader, many)) == 1100
        assert rebuilds.events(reader, [rebuild.id for rebuild in begun]) == written
        assert {rebuild.phase for rebuild in rebuilds.unfinished(reader)} == {BOOTING}


def _say(url: str, rebuild: Rebuild, barrier: Barrier, turns: int) -> list[str]:
    """What becomes of events that this process and others call back at the same time, again with each new token."""
    journal = Journal(Settings(url))
    results = []
    for _ in range(turns):
        for event in (STARTED, PROGRESS, FINISHED):
            barrier.wait(60)
            try:
                results.append(journal.call_back(rebuild, event, None).event)
            except NotTaken:
                results.append("not taken")
        if barrier.wait(60) == 0:
            journal.renew_token(rebuild)
    return results


def test_of_several_processes_that_call_back_the_same_exactly_one_wins(
    inventory: Inventory, servers: list[Thing], journal: Journal
) -> None:
    [(rebuild, _)] = journal.begin([(servers[0], {})])
    count, turns = 3, 4
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, context.Pool(count) as pool:
        arguments = (inventory.settings.url, rebuild, manager.Barrier(count), turns)
        results = pool.starmap(_say, [arguments] * count, chunksize=1)
    alone = ["not taken"] * (count - 1)
    assert [sorted(turn) for turn in zip(*results, strict=True)] == [
        sorted([STARTED, *alone]),
        [PROGRESS] * count,
        sorted([FINISHED, *alone]),
    ] * turns
    with inventory.read() as reader:
        heard = [event.event for event in rebuilds.events(reader, [rebuild.id])]
    assert sorted(heard) == sorted([STARTED, FINISHED, *[PROGRESS] * count] * turns)

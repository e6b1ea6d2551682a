"""What proves that a machine was reinstalled, and what does not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.rebuild.signs import CONFIRMING, Evidence, words
from clusto_core.records.rebuilds import (
    CALLBACK,
    CONSOLE,
    FAILED,
    FETCH,
    FETCHED,
    FINISHED,
    PROBE,
    PROGRESS,
    STARTED,
    UP,
)

ALL = frozenset(CONFIRMING)
BOOT_FILE = "pxelinux.cfg/01-52-54-00-00-00-01"
BOOT_FILES = frozenset((BOOT_FILE,))
HEARD = st.lists(
    st.tuples(
        st.sampled_from([CALLBACK, CONSOLE, PROBE, FETCH]),
        st.sampled_from([STARTED, FINISHED, UP, FAILED, FETCHED, PROGRESS]),
    )
)


def evidence(*heard: tuple[str, str], possible: frozenset[str] = ALL, needed: int = 2) -> Evidence:
    found = Evidence(possible, needed, BOOT_FILES)
    for source, event in heard:
        found.hear(source, event, BOOT_FILE if source == FETCH else None)
    return found


def test_two_sources_that_agree_are_enough() -> None:
    found = evidence((FETCH, FETCHED), (CALLBACK, STARTED), (CALLBACK, FINISHED))
    assert (found.started, found.complete, found.missing) == (True, False, [CONSOLE, PROBE])
    found.hear(CONSOLE, UP)
    assert found.complete
    assert (found.confirmed, found.missing) == ([CALLBACK, CONSOLE], [PROBE])


def test_a_lost_call_back_is_made_up_for_by_console_and_probe() -> None:
    found = evidence((CONSOLE, STARTED), (CONSOLE, UP))
    assert not found.complete
    found.hear(PROBE, UP)
    assert found.complete
    assert found.missing == [CALLBACK]


def test_the_old_system_proves_nothing() -> None:
    found = evidence((FETCH, FETCHED), (CONSOLE, UP), (PROBE, UP))
    assert (found.started, found.complete, found.stale) == (False, False, {CONSOLE, PROBE})


def test_an_ssh_server_of_the_installer_proves_nothing() -> None:
    found = evidence((CALLBACK, STARTED), (PROBE, UP))
    assert found.confirmed == []
    found = evidence((CALLBACK, STARTED), (FETCH, FETCHED), (PROBE, UP), possible=frozenset((CALLBACK, PROBE)))
    assert found.confirmed == [PROBE]
    found.hear(CALLBACK, FINISHED)
    assert found.complete


def test_only_an_installer_fetches_answers() -> None:
    found = evidence((FETCH, FETCHED))
    assert (found.fetched, found.started) == (True, False)
    found.hear(FETCH, FETCHED, "hosts/server1/preseed.cfg")
    assert (found.started, found.rebooted) == (True, False)
    found.hear(FETCH, FETCHED, BOOT_FILE)
    assert found.rebooted


def test_finished_is_not_up() -> None:
    found = evidence((CALLBACK, FINISHED), (CONSOLE, FINISHED))
    assert not found.complete
    assert evidence((CALLBACK, FINISHED), (CONSOLE, FINISHED), (CONSOLE, UP)).complete


def test_one_sign_where_one_is_enough() -> None:
    only = frozenset((CALLBACK,))
    assert not evidence((CALLBACK, FINISHED), possible=only).complete
    assert evidence((CALLBACK, FINISHED), possible=only, needed=1).complete


def test_the_first_failure_is_kept() -> None:
    found = Evidence(ALL)
    assert found.hear(CALLBACK, FAILED, "no disk")
    assert not found.hear(CALLBACK, FAILED, "no net")
    assert found.failure == "no disk"


def test_words() -> None:
    assert words([CALLBACK, CONSOLE]) == "call-back, console"


@given(HEARD)
def test_done_means_started_and_confirmed_twice(heard: list[tuple[str, str]]) -> None:
    found = evidence(*heard)
    if found.complete:
        assert found.started
        assert len(found.confirmed) >= 2
        # Never on the word of a source that was not heard.
        assert set(found.confirmed) <= {source for source, event in heard if event in (FINISHED, UP)}
        assert any(event == UP for _, event in heard)
    assert not (set(found.confirmed) & set(found.missing))


@given(HEARD)
def test_hearing_again_changes_nothing(heard: list[tuple[str, str]]) -> None:
    found = evidence(*heard)
    before = (found.complete, found.confirmed, found.started, found.failure)
    for source, event in heard:
        if event in (STARTED, FAILED):
            assert not found.hear(source, event, None)
    assert (found.complete, found.confirmed, found.started, found.failure) == before

"""Half-typed command lines: held against what the standard library's shlex makes of whole ones."""

from __future__ import annotations

import shlex

from hypothesis import given
from hypothesis import strategies as st

from clusto_cli.shellwords import Word, extended, split

letters = st.text("ab:=,.[]()<> '\"\\>$|é", max_size=8)


@given(st.lists(letters.filter(bool), min_size=1, max_size=4))
def test_quoted_words_are_split_as_the_standard_library_does(words: list[str]) -> None:
    line = "clusto " + shlex.join(words)
    assert [word.text for word in split(line)] == ["clusto", *words]
    assert split(line + " ")[-1] == Word("", "")


@given(letters, letters, st.sampled_from(["'", '"', ""]))
def test_a_word_goes_on_in_the_quotation_that_it_has(typed: str, more: str, quote: str) -> None:
    raw = typed if quote else shlex.quote(typed) if typed else ""
    before = split(f"clusto {quote}{raw}")[-1]
    after = extended(before, before.text + more)
    if after is None:
        assert not before.fixed
        return
    assert after.startswith(before.raw) or (before.raw[-1:] in "'\"" and after.startswith(before.raw[:-1]))
    whole = split(f"clusto {after}")[-1]
    assert whole.text == before.text + more
    assert whole.quote == before.quote or not more


def test_what_the_shell_would_expand_is_left_alone() -> None:
    for line in (
        "clusto locate $HOME",
        'clusto locate "$HOME',
        "clusto locate `x",
        "clusto locate a\\",
        'clusto locate "a\\',
    ):
        assert extended(split(line)[-1], split(line)[-1].text + "more") is None
    assert extended(split("clusto locate '$HOME")[-1], "$HOME2") == "'$HOME2"


def test_the_command_behind_a_pipe_is_one_of_its_own() -> None:
    assert [word.text for word in split("clusto find x | clusto locate ser")] == ["clusto", "locate", "ser"]
    assert split("clusto find x > fi")[-1].redirected
    assert split("clusto find 'ram > fi")[-1].quote == "'"


def test_a_word_of_another_case_is_spelled_anew_only_without_quotation() -> None:
    assert extended(Word("serv", "serv"), "Server") == "Server"
    assert extended(Word("'serv", "serv", "'"), "Server") is None

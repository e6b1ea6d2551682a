"""The documentation is true: generated pages are current, sessions print what they say, links lead somewhere."""

from __future__ import annotations

import itertools
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import click
import generate
import manpages
import pytest
import sessions

from clusto_cli.main import main as root

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_the_reference_is_current() -> None:
    assert generate.PAGE.read_text() == generate.reference(), "run make docs"


@pytest.fixture(scope="session")
def example_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the example site in it."""
    return sessions.template(tmp_path_factory.mktemp("site"))


@pytest.mark.parametrize("page", sessions.pages(), ids=lambda page: page.stem)
def test_sessions_print_what_the_page_says(page: Path, example_site: Path) -> None:
    assert sessions.run(page, example_site) == page.read_text(), "run make docs"


def test_a_session_that_is_not_true_is_noticed(example_site: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```console\n$ clusto locate server1:eth1\nserver1:eth1 -> connected to port 4 on switch2a\n```\n")
    assert "server1:eth1 -> not connected" in sessions.run(page, example_site)


@pytest.mark.parametrize(
    ("printed", "expected", "fit"),
    [
        (["a", "b"], ["a", "b"], True),
        (["a", "b"], ["a"], False),
        (["a"], ["a", "b"], False),
        (["a", "b", "c"], ["...", "c"], True),
        (["c"], ["...", "c"], True),
        (["a 12 b"], ["a ... b"], True),
        (["a (b"], ["a (b"], True),
        ([], ["..."], True),
    ],
)
def test_dots_stand_for_anything(printed: list[str], expected: list[str], fit: bool) -> None:
    assert sessions.fits(printed, expected) is fit


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
            if "://" not in target:
                assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_the_example_of_a_driver_is_the_package_that_is_tested() -> None:
    page = (ROOT / "docs" / "drivers.md").read_text()
    for name in ("clusto_tape.py", "pyproject.toml"):
        assert (ROOT / "examples" / "driver" / name).read_text() in page


def test_the_manual_pages_are_current() -> None:
    assert {path.name: path.read_text() for path in manpages.FOLDER.iterdir()} == manpages.pages(), "run make docs"


@pytest.mark.parametrize("name", sorted(manpages.pages()))
def test_the_manual_says_what_the_help_says(name: str) -> None:
    if shutil.which("man") is None:
        pytest.skip("man is not installed (Debian: man-db)")
    done = subprocess.run(
        ["man", "--warnings", "--encoding=UTF-8", "-l", str(manpages.FOLDER / name)],
        env={**os.environ, "LC_ALL": "C.UTF-8", "MANWIDTH": "1000", "MAN_KEEP_FORMATTING": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    shown = re.sub(r".\x08", "", done.stdout)
    told = [verb for verb in generate.verbs() if f"clusto-{verb.path.split()[1]}.1" == name] or [generate.clusto()]
    for verb in told:
        said = [verb.usage, *(text for option in verb.options for text in option)]
        said += [" ".join(lines) if not verbatim else "\n".join(lines) for verbatim, lines in verb.paragraphs]
        for text in said:
            assert "".join(text.split()) in "".join(shown.split()), text


VERBS = list(generate.verbs())


def examples(verb: generate.Verb) -> list[str]:
    """The indented lines of a verb's help; one that goes on in the next, whole."""
    blocks = ("\n".join(lines) for verbatim, lines in verb.paragraphs if verbatim)
    return [line for block in blocks for line in block.replace("\\\n", "").splitlines()]


@pytest.mark.parametrize("verb", VERBS, ids=lambda verb: verb.path)
def test_every_verb_has_an_example(verb: generate.Verb) -> None:
    assert [line for line in examples(verb) if verb.path in line], f"{verb.path} --help has no example"


@pytest.mark.parametrize("line", [line for verb in VERBS for line in examples(verb) if line.startswith("clusto ")])
def test_every_example_is_a_command_line(line: str) -> None:
    words = list(itertools.takewhile(lambda word: word not in ("|", ">"), shlex.split(line, comments=True)))
    ctx = root.make_context("clusto", words[1:])
    while isinstance(ctx.command, click.Group):
        left = vars(ctx).get("_protected_args") or vars(ctx).get("protected_args") or []
        name, command, arguments = ctx.command.resolve_command(ctx, [*left, *ctx.args])
        assert command is not None
        ctx = command.make_context(name, arguments, parent=ctx)

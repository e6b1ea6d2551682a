"""OS recipes as data: what a file may say, and which of several files is taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_cli.backends.provision import recipe
from clusto_cli.backends.provision.recipe import BadRecipe, UnknownRecipe

GOOD = """
title = "A system"
kernel = "x/linux"
"""


def test_every_shipped_recipe_is_good_and_says_where_its_facts_are_from() -> None:
    assert recipe.names() == ["debian", "fai", "image", "redhat", "ubuntu"]
    for name in recipe.names():
        found = recipe.load(name)
        assert found.source, name
        assert found.title, name
        assert set(found.signs) == set(recipe.SIGNS), name


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("argument = []", "unknown key 'argument' (did you mean arguments?)"),
        ("colour = 'red'", "unknown key 'colour'"),
        ("kernel = 'again'\ntimeout = 1", "(at line 4, column 17)"),
        ("arguments = 'quiet'", "arguments: is not a list of texts"),
        ("arguments = ['quiet', 1]", "arguments: is not a text"),
        ("needs = [['os.release', 3]]", "needs: is not a text"),
        ("needs = ['os release']", "needs: 'os release' is not an attribute"),
        ("timeout = true", "timeout: is not a number of seconds"),
        ("timeout = 0", "timeout: is not a number of seconds"),
        ("[answers]\n'../x' = 'y'", "answers: '../x' is not a file name"),
        ("[answers]\n'.hidden' = 'y'", "answers: '.hidden' is not a file name"),
        ("[answers]\n'ks.cfg' = '/etc/passwd'", "answers: '/etc/passwd' is not the name of a template"),
        ("[answers]\n'ks.cfg' = 'a/../b'", "answers: 'a/../b' is not the name of a template"),
        ("[defaults]\nos.release = 12", "defaults: os.release is not a text: attributes are texts"),
        ("[signs]\nbegun = 'x'", "signs: unknown sign 'begun' (there are: started, finished, up)"),
    ],
)
def test_what_is_not_understood_is_refused_with_file_and_place(more: str, said: str) -> None:
    with pytest.raises(BadRecipe) as raised:
        recipe.parse("mine", GOOD + more, "/etc/clusto/profiles/os/mine.toml")
    assert said in str(raised.value)
    assert str(raised.value).startswith("/etc/clusto/profiles/os/mine.toml: ")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("missing", ["title", "kernel"])
def test_what_must_be_there(missing: str) -> None:
    text = "".join(line + "\n" for line in GOOD.splitlines() if not line.startswith(missing))
    with pytest.raises(BadRecipe, match=f"{missing} is missing"):
        recipe.parse("mine", text, "mine.toml")


def test_a_sites_folder_goes_before_clustos(tmp_path: Path) -> None:
    near, far = tmp_path / "near", tmp_path / "far"
    for folder, title in ((near, "near"), (far, "far")):
        folder.mkdir()
        (folder / "debian.toml").write_text(GOOD.replace("A system", title))
    (far / "plan9.toml").write_text(GOOD)
    assert recipe.load("debian", (near, far)).title == "near"
    assert recipe.load("debian", (far, near)).title == "far"
    assert "plan9" in recipe.names((near, far))
    assert recipe.load("debian").title != "near"


@pytest.mark.parametrize("name", ["nosuch", "../os/debian", "", "debian/", "de\0bian"])
def test_a_name_that_no_recipe_has(name: str) -> None:
    with pytest.raises(UnknownRecipe, match="debian, fai, image, redhat, ubuntu"):
        recipe.load(name)


def test_needs_are_told_as_groups() -> None:
    found = recipe.parse("mine", GOOD + "needs = ['a.b', ['c.d', 'e.f']]\n[defaults]\na.b = ''", "mine.toml")
    assert found.missing({}) == ["c.d or e.f"]
    assert found.missing({"e.f": "x"}) == []
    assert recipe.load("debian").missing({"os.ssh_key": "x"}) == ["os.release", "os.mirror", "rebuild.url"]


def test_attributes_choose_templates() -> None:
    debian = recipe.load("debian")
    assert debian.answer_templates({}) == {"preseed.cfg": "debian/preseed.cfg"}
    assert debian.answer_templates({"os.template.preseed.cfg": "raid/x"}) == {"preseed.cfg": "raid/x"}
    with pytest.raises(ValueError, match=r"debian has no answer 'ks\.cfg' \(it has preseed\.cfg\)"):
        debian.answer_templates({"os.template.ks.cfg": "x"})
    with pytest.raises(ValueError, match="is not the name of a template"):
        debian.answer_templates({"os.template.preseed.cfg": "../../etc/passwd"})

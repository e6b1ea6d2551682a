"""The package as others get it: a wheel in a fresh virtual environment, and a package that adds a driver to it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

from clusto_cli import __version__

ROOT = Path(__file__).parent.parent
DRIVER = ROOT / "examples" / "driver"


def run(*command: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """What a command prints; it must succeed. Skips the test where no package registry answers."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, timeout=300, check=False
    )
    if "No matching distribution found" in done.stderr or "Could not find a version" in done.stderr:
        pytest.skip("no package registry can be reached")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def tracked(*below: str) -> list[str]:
    """The files of the checkout, new ones included, as git knows them."""
    listed = run("git", "ls-files", "--cached", "--others", "--exclude-standard", *below, cwd=ROOT).splitlines()
    return [path for path in listed if (ROOT / path).exists()]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel, built from a clean copy: what lies about in a checkout must not get into it."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_symlink():
            target.symlink_to(os.readlink(ROOT / path))
        else:
            target.write_bytes((ROOT / path).read_bytes())
    built = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", built, source)
    return next(built.glob("clusto-*.whl"))


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a virtual environment with nothing in it but the wheel and what it needs."""
    directory = tmp_path_factory.mktemp("fresh")
    venv.create(directory, with_pip=True)
    run(directory / "bin" / "pip", "install", "--quiet", "--no-compile", wheel)
    return directory / "bin"


@pytest.fixture
def home(tmp_path: Path) -> dict[str, str]:
    """An environment in which nothing is configured: a new user's."""
    return {"HOME": str(tmp_path), "XDG_DATA_HOME": "", "XDG_CONFIG_HOME": "", "CLUSTO_DB": "", "PYTHONPATH": ""}


def test_every_file_of_the_packages_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        packed = set(archive.namelist())
    links = {path for path in tracked() if (ROOT / path).is_symlink()}
    missing = [path for path in tracked("clusto_cli", "clusto_core") if path not in packed and path not in links]
    assert missing == []
    data = f"clusto-{__version__}.data/data/share"
    assert {
        "clusto_cli/completions/clusto.bash",
        "clusto_cli/docs/expressions.md",
        "clusto_cli/docs/verbs/locate.md",
        f"{data}/man/man1/clusto.1",
        f"{data}/man/man1/clusto-locate.1",
        f"{data}/bash-completion/completions/clusto.bash",
        f"{data}/zsh/site-functions/_clusto",
        f"{data}/fish/vendor_completions.d/clusto.fish",
    } <= packed
    assert not [path for path in packed if path.startswith(("tests", "benchmarks", "examples"))]


def test_the_version_is_told_in_one_way() -> None:
    with open(ROOT / "pyproject.toml", "rb") as file:
        assert tomllib.load(file)["project"]["version"] == __version__
    assert f"## [{__version__}]" in (ROOT / "CHANGELOG.md").read_text()


def test_an_installed_clusto_works_with_nothing_configured(fresh: Path, home: dict[str, str], tmp_path: Path) -> None:
    clusto = fresh / "clusto"
    assert run(clusto, "--version", env=home) == f"clusto {__version__}\n"
    run(clusto, "add", "Rack", "rack101", env=home)
    run(clusto, "add", "Server", "server1", env=home)
    run(clusto, "connect", "server1", "rack101:RU13", env=home)
    assert run(clusto, "locate", "server1", env=home) == "server1 -> connected to RU13 in rack101\n"
    store = tmp_path / ".local" / "share" / "clusto" / "clusto.db"
    assert store.stat().st_mode & 0o777 == 0o600
    assert run(clusto, "db", "check", env=home) == "the store is sound\n"
    assert run(clusto, "completion", "fish", env=home) == (ROOT / "completions" / "clusto.fish").read_text()
    assert (fresh.parent / "share/zsh/site-functions/_clusto").exists()
    assert "driver:PATTERN" in run(clusto, "help", "expressions", env=home)


def test_another_package_adds_a_driver(fresh: Path, home: dict[str, str]) -> None:
    clusto, pip = fresh / "clusto", fresh / "pip"
    run(clusto, "add", "Rack", "rack101", env=home)
    run(pip, "install", "--quiet", "--no-compile", "--no-deps", DRIVER)
    assert run(clusto, "add", "jukebox", "tape1", "--parts", "tapedrive=2", env=home) == "added TapeLibrary tape1\n"
    assert run(clusto, "connect", "tape1", "rack101:RU1-6", env=home).splitlines()[-1].endswith("rack101:RU6")
    assert "tape1" in run(clusto, "tree", "rack101", env=home)
    parts = run(clusto, "completion", "fish", "--line", "clusto locate tape1:", env=home).split()
    assert parts == ["plain", "tape1:drive1", "tape1:drive2", "tape1:mgmt", "tape1:psu1", "tape1:psu2"]
    assert "TapeLibrary\tA tape library" in run(clusto, "completion", "fish", "--line", "clusto add Ta", env=home)
    assert run(clusto, "attr", "get", "height", "-t", "tape1", env=home) == "6\n"
    asked = "from clusto_core.drivers import Equipment, registry; print(registry.under(Equipment)[-1])"
    assert run(fresh / "python", "-c", asked, env=home) == "TapeLibrary\n"
    # Without the package its Things stay, and can be read.
    run(pip, "uninstall", "--quiet", "--yes", "clusto-tape")
    assert run(clusto, "locate", "tape1", env=home).startswith("tape1 -> connected to RU1 in rack101\n")
    assert "TapeLibrary" in run(clusto, "show", "tape1", env=home)

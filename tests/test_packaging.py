"""The package as others get it: a wheel in a fresh virtual environment, and a package that adds a driver to it."""

from __future__ import annotations

import importlib.util
import os
import platform
import shutil
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
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean copy of the checkout: what lies about there must not get into a package."""
    source = tmp_path_factory.mktemp("source")
    for path in tracked():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if (ROOT / path).is_symlink():
            target.symlink_to(os.readlink(ROOT / path))
        else:
            shutil.copy(ROOT / path, target)
    return source


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of it."""
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


@pytest.fixture(scope="module")
def wheelhouse(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel with those of all that it needs, for an installation without a network."""
    directory = tmp_path_factory.mktemp("wheelhouse")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--wheel-dir", directory, wheel)
    return directory


@pytest.fixture(scope="module")
def site(source: Path) -> Path:
    """clusto with all it needs in one folder, as packages have it."""
    run(source / "packaging" / "site", sys.executable, source / "build" / "site")
    return source / "build" / "site"


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
        f"{data}/ansible/plugins/inventory/clusto.py",
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


def without_a_network(tool: str, wheelhouse: Path) -> tuple[str, ...]:
    """The command by which a tool installs clusto from a folder of wheels and nowhere else."""
    if importlib.util.find_spec(tool) is None:
        pytest.skip(f"{tool} is not installed (pip install {tool})")
    if tool == "uv":
        return ("uv", "tool", "install", "--offline", "--no-index", "--find-links", str(wheelhouse), "clusto")
    return ("pipx", "install", "--pip-args", f"--no-index --find-links {wheelhouse}", "clusto")


@pytest.mark.parametrize("tool", ["pipx", "uv"])
def test_tools_for_programs_install_it(tool: str, wheelhouse: Path, home: dict[str, str], tmp_path: Path) -> None:
    there = home | {
        "PIPX_HOME": str(tmp_path / "pipx"),
        "PIPX_BIN_DIR": str(tmp_path / "bin"),
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "UV_TOOL_DIR": str(tmp_path / "uv"),
        "UV_TOOL_BIN_DIR": str(tmp_path / "bin"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
        "UV_PYTHON": sys.executable,
    }
    run(sys.executable, "-m", *without_a_network(tool, wheelhouse), env=there, cwd=tmp_path)
    clusto = tmp_path / "bin" / "clusto"
    assert run(clusto, "--version", env=there) == f"clusto {__version__}\n"
    run(clusto, "add", "Server", "server1", env=there)
    assert run(clusto, "locate", "server1", env=there) == "server1 -> not connected\n"
    assert "driver:PATTERN" in run(clusto, "help", "expressions", env=there)


def test_one_file_for_hosts_that_have_python_alone(
    site: Path, source: Path, home: dict[str, str], tmp_path: Path
) -> None:
    program = tmp_path / "bin" / "clusto"
    run(sys.executable, source / "packaging" / "pyz.py", site, program)
    # Nothing else that this Python has is seen.
    bare = tmp_path / "bare"
    venv.create(bare, with_pip=False)
    there = home | {"PATH": f"{bare}/bin:{program.parent}:/usr/bin:/bin", "XDG_CACHE_HOME": str(tmp_path / "cache")}
    run(program, "import", ROOT / "examples" / "datacenter.yaml", env=there)
    assert run("clusto", "locate", "10.2.1.13", env=there).startswith("server1 -> connected to port 4 on switch2a\n")
    assert run(program, "completion", "fish", env=there) == (ROOT / "completions" / "clusto.fish").read_text()
    assert "apc-rpdu2" in run(program, "power", "profiles", env=there)
    assert "driver:PATTERN" in run(program, "help", "expressions", env=there)
    [unpacked] = (tmp_path / "cache" / "clusto" / "pyz").iterdir()
    # What it starts as a Python of its own finds it too, and nothing of the current directory.
    asked = "from clusto_cli.children import python; print(*python('clusto_cli.main', '--version'), sep='\\n')"
    started = run(bare / "bin" / "python", "-P", "-c", asked, env=there | {"PYTHONPATH": str(unpacked)}).splitlines()
    (tmp_path / "click.py").write_text("raise SystemExit('somebody else')")
    assert run(*started, cwd=tmp_path) == f"clusto {__version__}\n"
    # The same modules make the same file.
    again = tmp_path / "again"
    run(sys.executable, source / "packaging" / "pyz.py", site, again)
    assert again.read_bytes() == program.read_bytes()


CHROOT = ("bash-completion", "less", "man-db", "python3", "zsh")


def test_the_debian_package_in_a_clean_debian(site: Path, source: Path, tmp_path: Path) -> None:
    release = platform.freedesktop_os_release() if os.path.exists("/etc/os-release") else {}
    if os.getuid() or shutil.which("mmdebstrap") is None or release.get("ID") != "debian":
        pytest.skip("needs root on Debian, and mmdebstrap (Debian: mmdebstrap)")
    if "{}.{}".format(*sys.version_info) not in run("/usr/bin/python3", "--version"):
        pytest.skip("the python3 of this Debian is another version than the one that runs the tests")
    run(source / "packaging" / "deb", site, tmp_path)
    [package] = tmp_path.glob("clusto_*.deb")
    root = tmp_path / "root"
    quick = ("--quiet", "--variant=essential", "--dpkgopt=force-unsafe-io", f"--include={','.join(CHROOT)}")
    made = subprocess.run(
        ["mmdebstrap", *quick, release["VERSION_CODENAME"], root],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no clean Debian can be made here: {made.stderr.strip().splitlines()[-1][:200]}")

    def inside(*command: str, user: str = "0") -> str:
        clean = ("env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/home/ann", "LC_ALL=C.UTF-8")
        return run("chroot", f"--userspec={user}:{user}", root, *clean, *command)

    shutil.copy(package, root / "root")
    shutil.copy(ROOT / "examples" / "datacenter.yaml", root)
    (root / "home" / "ann").mkdir()
    os.chown(root / "home" / "ann", 1000, 1000)
    inside("dpkg", "--force-unsafe-io", "--install", f"/root/{package.name}")
    assert inside("clusto", "--version", user="1000") == f"clusto {__version__}\n"
    inside("clusto", "import", "/datacenter.yaml", user="1000")
    located = inside("clusto", "locate", "server1", user="1000")
    assert located.startswith("server1 -> connected to port 4 on switch2a\n")
    assert "psycopg2" in inside("/usr/lib/clusto/bin/python", "-I", "-c", "import psycopg2; print(psycopg2)")
    assert inside("man", "--where", "clusto-locate").endswith("/man1/clusto-locate.1.gz\n")
    loaded = "source /usr/share/bash-completion/bash_completion; _completion_loader clusto; complete -p clusto"
    assert "_clusto" in inside("bash", "-c", loaded)
    assert inside("zsh", "-fc", "autoload -Uz compinit; compinit -D; print $_comps[clusto]") == "_clusto\n"
    assert (root / "usr/share/fish/vendor_completions.d/clusto.fish").exists()
    assert (root / "usr/share/ansible/plugins/inventory/clusto.py").exists()
    assert (root / "usr/bin/clusto-ansible").is_symlink()
    assert (root / "usr/share/doc/clusto/docs/expressions.md").exists()
    assert "Redistribution" in (root / "usr/share/doc/clusto/copyright").read_text()
    inside("dpkg", "--purge", "clusto")
    assert not (root / "usr/lib/clusto").exists()

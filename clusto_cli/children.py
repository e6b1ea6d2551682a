"""How clusto starts other programs: the one place that says where they are looked for and what they are given.

A program is looked for in the absolute folders of PATH only, so that none is run from wherever one happens to be. It
gets the environment without what is clusto's own (`CLUSTO_*`, the store's password perhaps), unless it is clusto again.
Python runs isolated (`-I`, else `-P`), so that no file beside it is taken for a module. Secrets go to a child by its
standard input or environment, which only its own user can read, never by its arguments, which all can.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

OWN = "CLUSTO_"
_PYZ = "clusto.pyz"
"""A file beside our packages where they came out of clusto.pyz: no Python looks there by itself."""
_FROM_PYZ = (
    "import runpy, sys; sys.path.insert(0, {!r}); del sys.argv[0]; "
    "runpy.run_module(sys.argv[0], run_name='__main__', alter_sys=True)"
)
_NOTHING: Mapping[str, str] = {}


def folders(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Where programs are looked for: PATH, without the current directory and all that is relative to it."""
    return [folder for folder in os.get_exec_path(dict(environment)) if os.path.isabs(folder)]


def find(name: str) -> str | None:
    """The path of a program, by its plain name; None where there is none."""
    if "/" in name or not name:
        return None
    from shutil import which

    return which(name, path=os.pathsep.join(folders()) or os.defpath)


def environment(more: Mapping[str, str] = _NOTHING, *, own: bool = False) -> dict[str, str]:
    """What a program gets: our environment with `more` over it, PATH without relative folders; with `own`, what is
    clusto's too.
    """
    found = {**os.environ, **more}
    given = {name: text for name, text in found.items() if own or not name.startswith(OWN)}
    return given | {"PATH": os.pathsep.join(folders(found)) or os.defpath}


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours in a Python of its own."""
    unpacked = os.path.dirname(os.path.dirname(__file__))
    if os.path.exists(os.path.join(unpacked, _PYZ)):
        return [sys.executable, "-I", "-c", _FROM_PYZ.format(unpacked), module, *arguments]
    return [sys.executable, "-I" if _found_isolated() else "-P", "-m", module, *arguments]


def _found_isolated() -> bool:
    """Whether a Python that heeds neither PYTHONPATH nor the user's own folder of packages finds us."""
    import site
    from importlib.metadata import distributions

    unheeded = {*os.environ.get("PYTHONPATH", "").split(os.pathsep), site.getusersitepackages(), os.getcwd(), ""}
    heeded = [folder for folder in sys.path if folder not in unheeded]
    return any(True for _ in distributions(name="clusto", path=heeded))

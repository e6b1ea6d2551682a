"""Packages of others, installed beside clusto as far as Python can tell."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def installed(folder: Path, name: str, code: str, **points: str) -> Iterator[None]:
    """A package of one module, with an entry point a group `clusto.GROUP`: `power="acme = acme:control"`."""
    (folder / f"{name}.py").write_text(code)
    metadata = folder / f"{name}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n")
    groups = "".join(f"[clusto.{group}]\n{point}\n" for group, point in points.items())
    (metadata / "entry_points.txt").write_text(groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        yield
        import sys

        sys.modules.pop(name, None)

"""Makes one file of clusto and all it needs, for hosts that have Python and nothing else:

    python packaging/pyz.py SITE clusto.pyz

SITE is what `packaging/site` makes. The file unpacks itself once a user and version, since compiled modules cannot be
loaded from within an archive. The modules are an archive in the archive, so that Python, which reads the list of all
that is in a program's archive each time, finds two entries and not six thousand: shiv's file takes twice as long
to start.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import stat
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

MAIN = Path(__file__).with_name("pyz_main.py")
_EPOCH = (1980, 1, 1, 0, 0, 0)


def main() -> None:
    """Writes the file."""
    parser = argparse.ArgumentParser(description="Makes one file of clusto and all it needs.")
    parser.add_argument("site", type=Path)
    parser.add_argument("target", type=Path)
    options = parser.parse_args()
    options.target.parent.mkdir(parents=True, exist_ok=True)
    modules = options.target.with_suffix(".modules")
    with zipfile.ZipFile(modules, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in _files(options.site):
            archive.writestr(_entry(name), data, zipfile.ZIP_DEFLATED)
    made = hashlib.sha256(modules.read_bytes()).hexdigest()[:16]
    fixed = {
        "@MADE@": made,
        "@PYTHON@": "{}.{}".format(*sys.version_info),
        "@MACHINE@": os.uname().machine,
    }
    text = MAIN.read_text(encoding="utf-8")
    for place, value in fixed.items():
        text = text.replace(place, value)
    with open(options.target, "wb") as file:
        file.write(b"#!/usr/bin/env python3\n")
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(_entry("__main__.py"), text)
            archive.writestr(_entry("modules.zip"), modules.read_bytes())
    modules.unlink()
    options.target.chmod(0o755)


def _files(site: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(site.rglob("*")):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(site).as_posix(), path.read_bytes()


def _entry(name: str) -> zipfile.ZipInfo:
    """An entry without this moment and this machine in it, so that the same modules make the same file."""
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    return entry


if __name__ == "__main__":
    main()

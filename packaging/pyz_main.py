"""What clusto.pyz does when it is run: unpacks its modules once, below the user's cache directory, and is clusto."""

import os
import sys

MADE, PYTHON, MACHINE = "@MADE@", "@PYTHON@", "@MACHINE@"
MARK = "clusto.pyz"
"""A file that is there when all is unpacked; clusto knows by it how to start a Python that finds it."""


def folder():
    """Where the modules are: `$XDG_CACHE_HOME/clusto/pyz/...`, by default below `~/.cache`."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    path = os.path.join(cache, "clusto", "pyz", f"{MADE}-{PYTHON}")
    try:
        status = os.stat(os.path.join(path, MARK))
    except FileNotFoundError:
        unpack(path)
        status = os.stat(os.path.join(path, MARK))
    if status.st_uid != os.getuid():
        raise PermissionError(1, "belongs to somebody else", path)
    return path


def unpack(path):
    """Puts the modules there, whole or not at all, whoever does the same at the same time."""
    import shutil
    import tempfile
    import zipfile

    above = os.path.dirname(path)
    os.makedirs(above, mode=0o700, exist_ok=True)
    beside = tempfile.mkdtemp(dir=above)
    try:
        with zipfile.ZipFile(sys.path[0]) as program, program.open("modules.zip") as modules:
            zipfile.ZipFile(modules).extractall(beside)
        with open(os.path.join(beside, MARK), "w", encoding="utf-8"):
            pass
        if not os.path.exists(os.path.join(path, MARK)):
            shutil.rmtree(path, ignore_errors=True)
            os.rename(beside, path)
    except OSError:
        if not os.path.exists(os.path.join(path, MARK)):
            raise
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def main():
    """Says what is missing, or runs clusto."""
    if "{}.{}".format(*sys.version_info) != PYTHON:
        return f"this file is for Python {PYTHON} and not {sys.version.split()[0]}: python{PYTHON} {sys.argv[0]}"
    if os.uname().machine != MACHINE:
        return f"this file is for {MACHINE} and not {os.uname().machine}"
    try:
        sys.path[0] = folder()
    except OSError as error:
        return f"cannot unpack: {error.strerror}: {error.filename} (XDG_CACHE_HOME says where)"
    from clusto_cli.program import run

    return run()


failed = main()
if failed:
    sys.stderr.write(f"clusto: error: {failed}\n")
    sys.exit(1)

"""Where a balancer's sockets, files and programs are: on this computer, or on the balancer, over ssh."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Sequence
from typing import Protocol, Self

from clusto_cli.backends.errors import Refused

LONGEST_FILE = 4 * 1024 * 1024


class Host(Protocol):
    """Raises DeviceError alone. A file that is not there is read as None."""

    def run(self, argv: Sequence[str], said: str = "") -> str:
        """What a program prints; `said` is its standard input. Raises ProgramFailed for another status than 0."""
        ...

    def socket(self, path: str) -> str:
        """The path on this computer of a unix socket."""
        ...

    def read(self, path: str) -> str | None: ...

    def write(self, path: str, text: str) -> None:
        """Puts a whole file in the place of another, which keeps its owner and mode."""
        ...

    def close(self) -> None: ...


class AtHost:
    """What an adapter whose balancer is spoken to at a host begins and ends with."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._host.close()


def run(argv: Sequence[str], timeout: float, said: str) -> str:
    """What a program of this computer prints."""
    import asyncio

    from clusto_cli.backends.program import run_program

    return asyncio.run(run_program(argv, timeout, said=said.encode(), most=LONGEST_FILE))


class LocalHost:
    """This computer."""

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout

    def run(self, argv: Sequence[str], said: str = "") -> str:
        return run(argv, self._timeout, said)

    def socket(self, path: str) -> str:
        return path

    def read(self, path: str) -> str | None:
        try:
            with open(path, encoding="utf-8") as file:
                text = file.read(LONGEST_FILE + 1)
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise Refused(f"cannot read {path}: {getattr(error, 'strerror', None) or 'it is not UTF-8'}") from error
        if len(text) > LONGEST_FILE:
            raise Refused(f"{path} is longer than {LONGEST_FILE} characters")
        return text

    def write(self, path: str, text: str) -> None:
        import tempfile

        real = os.path.realpath(path)
        try:
            descriptor, beside = tempfile.mkstemp(prefix=".clusto-", dir=os.path.dirname(real))
            try:
                with open(descriptor, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                _as_before(real, beside)
                os.replace(beside, real)
            except BaseException:
                os.unlink(beside)
                raise
        except OSError as error:
            raise Refused(f"cannot write {path}: {error.strerror}") from error

    def close(self) -> None:
        return None


def _as_before(path: str, beside: str) -> None:
    try:
        before = os.stat(path)
    except FileNotFoundError:
        os.chmod(beside, 0o644)
        return
    os.chmod(beside, before.st_mode & 0o7777)
    with contextlib.suppress(PermissionError):
        os.chown(beside, before.st_uid, before.st_gid)

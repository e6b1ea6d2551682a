"""A boot directory whose file system fails: once, at a chosen call, or from then on."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator
from typing import Any

from clusto_cli.backends.provision.tree import Files, Space


class FaultyFiles:
    """Passes every call on but the `at`-th (from 1), which does half of its work and fails; with `dead`, all later ones
    fail too, as when the program has been killed.
    """

    def __init__(self, files: Files, at: int = 0, *, dead: bool = False, code: int = errno.ENOSPC) -> None:
        self._files, self._at, self._dead, self._code = files, at, dead, code
        self.count = 0

    @property
    def where(self) -> str:
        return self._files.where

    def open(self) -> None:
        self._files.open()

    def close(self) -> None:
        self._files.close()

    def _call(self, name: str, *arguments: Any) -> Any:
        self.count += 1
        if self.count == self._at:
            if name in ("create", "overwrite"):
                path, content = arguments
                getattr(self._files, name)(path, content[: len(content) // 2])
            raise OSError(self._code, "No space left on device")
        if self._dead and self._at and self.count > self._at:
            raise OSError(errno.EIO, "Input/output error")
        return getattr(self._files, name)(*arguments)

    def read(self, path: str) -> bytes | None:
        found: bytes | None = self._call("read", path)
        return found

    def create(self, path: str, content: bytes) -> None:
        self._call("create", path, content)

    def replace(self, path: str, other: str) -> None:
        self._call("replace", path, other)

    def overwrite(self, path: str, content: bytes) -> None:
        self._call("overwrite", path, content)

    def keep(self, path: str, other: str) -> bool:
        kept: bool = self._call("keep", path, other)
        return kept

    def remove(self, path: str) -> None:
        self._call("remove", path)

    def names(self, folder: str) -> list[str] | None:
        found: list[str] | None = self._call("names", folder)
        return found

    def remove_folder(self, folder: str) -> None:
        self._call("remove_folder", folder)

    def settle(self, folder: str) -> None:
        self._call("settle", folder)

    def space(self) -> Space | None:
        found: Space | None = self._call("space")
        return found

    @contextlib.contextmanager
    def holding(self) -> Iterator[Files]:
        yield self

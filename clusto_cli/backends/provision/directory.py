"""A boot directory of this computer, as TFTP and HTTP servers hand it out."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator, Sequence

from clusto_cli.backends.errors import Refused
from clusto_cli.backends.provision.render import SharedFile
from clusto_cli.backends.provision.tree import Space, TreeProvisioner, mode_of

_SEARCHABLE = 0o755
"""Modes of files and folders, whatever the umask: the servers run as users of their own."""


class LocalFiles:
    """A directory by its path. Folders in it may be symbolic links that do not lead out of it."""

    def __init__(self, root: str) -> None:
        self.where = root
        self._root = root
        self._held: dict[str, int] | None = None

    def open(self) -> None:
        self._root = os.path.realpath(self.where)
        if not os.path.isdir(self._root):
            raise Refused(f"there is no directory {self.where}")

    def close(self) -> None:
        return None

    def read(self, path: str) -> bytes | None:
        folder, _, name = path.rpartition("/")
        try:
            with self._at(folder) as at:
                descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO):
                return b""
            raise
        with open(descriptor, "rb", buffering=0) as file:
            return file.readall() if stat.S_ISREG(os.fstat(descriptor).st_mode) else b""

    def create(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        with self._at(folder, make=True) as at:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(name, flags, mode_of(path), dir_fd=at)
        try:
            _write(descriptor, content)
            os.fchmod(descriptor, mode_of(path))
            if self._held is None:
                os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def replace(self, path: str, other: str) -> None:
        folder, _, name = path.rpartition("/")
        with self._at(folder) as at:
            os.replace(name, other.rpartition("/")[2], src_dir_fd=at, dst_dir_fd=at)

    def overwrite(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        with self._at(folder) as at:
            descriptor = os.open(name, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
        try:
            _write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def keep(self, path: str, other: str) -> bool:
        folder, _, name = path.rpartition("/")
        with self._at(folder) as at:
            try:
                os.link(name, other.rpartition("/")[2], src_dir_fd=at, dst_dir_fd=at, follow_symlinks=False)
            except FileExistsError:
                return False
        return True

    def remove(self, path: str) -> None:
        folder, _, name = path.rpartition("/")
        with contextlib.suppress(FileNotFoundError), self._at(folder) as at:
            os.unlink(name, dir_fd=at)

    def names(self, folder: str) -> list[str] | None:
        try:
            with self._at(folder) as at:
                return os.listdir(at)
        except FileNotFoundError:
            return None

    def remove_folder(self, folder: str) -> None:
        above, _, name = folder.rpartition("/")
        with self._at(above) as at:
            try:
                os.rmdir(name, dir_fd=at)
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOENT):
                    raise

    def settle(self, folder: str) -> None:
        with contextlib.suppress(FileNotFoundError), self._at(folder) as at:
            os.fsync(at)

    def space(self) -> Space | None:
        found = os.statvfs(self._root)
        return Space(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)

    @contextlib.contextmanager
    def holding(self) -> Iterator[LocalFiles]:
        """Its folders stay open, and files are not brought to stable storage one by one."""
        files = LocalFiles(self.where)
        files._root, files._held = self._root, {}
        try:
            yield files
        finally:
            for descriptor in files._held.values():
                os.close(descriptor)

    def _at(self, folder: str, *, make: bool = False) -> _Folder:
        """The folder, open; every path of the tree is looked up in one, by a name without slashes."""
        held = self._held
        if held is None:
            return _Folder(self._opened(folder, make), True)
        if folder not in held:
            held[folder] = self._opened(folder, make)
        return _Folder(held[folder], False)

    def _opened(self, folder: str, make: bool) -> int:
        path = os.path.realpath(os.path.join(self._root, folder))
        if path != self._root and not path.startswith(f"{self._root.rstrip('/')}/"):
            raise Refused(f"{self.where}/{folder} leads out of {self.where}")
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            return os.open(path, flags)
        except FileNotFoundError:
            if not make:
                raise
        self._make(folder)
        return os.open(path, flags)

    def _make(self, folder: str) -> None:
        above, _, name = folder.rpartition("/")
        with self._at(above, make=True) as at, contextlib.suppress(FileExistsError):
            os.mkdir(name, _SEARCHABLE, dir_fd=at)
            os.chmod(name, _SEARCHABLE, dir_fd=at)


class _Folder:
    """An open folder, closed at the end unless it is held."""

    __slots__ = ("_descriptor", "_own")

    def __init__(self, descriptor: int, own: bool) -> None:
        self._descriptor, self._own = descriptor, own

    def __enter__(self) -> int:
        return self._descriptor

    def __exit__(self, *exception: object) -> None:
        if self._own:
            os.close(self._descriptor)


def _write(descriptor: int, content: bytes) -> None:
    while content:
        content = content[os.write(descriptor, content) :]


def directory(root: str, shared: Sequence[SharedFile] = ()) -> TreeProvisioner:
    """A boot directory of this computer."""
    return TreeProvisioner(LocalFiles(root), shared)

"""A boot server that is a directory: boot files and answers, wherever that directory is.

What matters is that a machine never finds half a file or none, and that the way back from the installer to the disk is
open whatever has happened since. So files are written under another name and renamed; answers are there before the boot
files that lead to them; and beside each boot file that starts an installer lies its local twin, ready to be renamed,
which works on a full disk too.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from clusto_cli.backends.base import BootMachine, BootState, Step
from clusto_cli.backends.errors import DeviceError, Refused
from clusto_cli.backends.provision.loaders import loader_of, state_of
from clusto_cli.backends.provision.render import SharedFile
from clusto_cli.backends.provision.turns import Turns

_RECORD = ".clusto"
"""Beside a machine's answers, while it is to install: their names and the paths of its boot files, one a line, so that
whoever comes next takes back all of it, whatever is known of the machine then.
"""
_KEPT = "before-clusto"
_PUBLIC, _PRIVATE = 0o644, 0o640
_BLOCK = 4096
"""What a small file takes of a usual file system, in octets."""


@dataclass(frozen=True, slots=True)
class Space:
    """What a file system has left for us: octets, and files where it counts them."""

    octets: int
    files: int | None = None


class Files(Protocol):
    """A directory tree; paths are relative to its root and have been checked (`loaders.check_path`).

    Methods raise OSError, or a DeviceError that says more. Folders that lead out of the tree are Refused.
    """

    @property
    def where(self) -> str:
        """The root, for people."""
        ...

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, path: str) -> bytes | None:
        """The content; None when nothing is there, empty when it is no regular file."""
        ...

    def create(self, path: str, content: bytes) -> None:
        """A new file that everybody may read, on stable storage where that can be asked for; its folder is made."""
        ...

    def replace(self, path: str, other: str) -> None:
        """Renames `path` to `other` in the same folder, whatever `other` was until then, in one step."""
        ...

    def overwrite(self, path: str, content: bytes) -> None:
        """New content for a file in its place, where no other can be made."""
        ...

    def keep(self, path: str, other: str) -> bool:
        """Gives a file a second name in the same folder; False when that is taken."""
        ...

    def remove(self, path: str) -> None:
        """Nothing happens when there is none."""
        ...

    def names(self, folder: str) -> list[str] | None:
        """What is in a folder; None when there is none."""
        ...

    def remove_folder(self, folder: str) -> None:
        """Nothing happens when it is not empty, or not there."""
        ...

    def settle(self, folder: str) -> None:
        """Has renames in a folder survive a crash, where that can be asked for."""
        ...

    def space(self) -> Space | None:
        """None where that cannot be known."""
        ...

    def holding(self) -> contextlib.AbstractContextManager[Files]:
        """The same tree for many files in one thread: each folder is looked up once, and none goes away meanwhile."""
        ...


class TreeProvisioner:
    """Boot files in a directory tree. `shared` are files that all machines have in common, made where there is none."""

    def __init__(self, files: Files, shared: Sequence[SharedFile] = ()) -> None:
        self._files, self._shared = files, tuple(shared)
        self._turns = Turns()

    async def __aenter__(self) -> TreeProvisioner:
        await asyncio.to_thread(self._files.open)
        return self

    async def __aexit__(self, *exception: object) -> None:
        await asyncio.to_thread(self._files.close)

    async def check(self, machine: BootMachine) -> str:
        return await asyncio.to_thread(self._check, machine)

    async def state(self, machine: BootMachine) -> BootState:
        return await asyncio.to_thread(self._state, machine)

    async def install(self, machine: BootMachine) -> None:
        await self._turns.run(machine.name, lambda: self._install(machine))

    async def local(self, machine: BootMachine, *, keep_answers: bool = False) -> None:
        await self._turns.run(machine.name, lambda: self._local(machine, keep_answers))

    async def local_many(self, machines: Sequence[BootMachine]) -> dict[str, DeviceError]:
        """`local` for many machines that are not being installed; those that it could not do, and why, by name.

        Quicker than one by one, and not brought to stable storage: nothing is lost with it that `local` would not do
        again. Raises DeviceError for what is about the directory as a whole.
        """
        return await asyncio.to_thread(self._local_many, machines)

    async def steps(self, machine: BootMachine, install: bool) -> list[Step]:
        if install:
            files = {**_answers(machine), **machine.install}
            return [self._step(machine, path, f"write {len(text.encode())} octets") for path, text in files.items()]
        written = [self._step(machine, path, "boot the machine's own disk") for path in machine.local]
        return written + [self._step(machine, path, "remove") for path in _answers(machine)]

    def _step(self, machine: BootMachine, path: str, what: str) -> Step:
        return Step(machine.name, f"{self._files.where}/{path}", what)

    def _check(self, machine: BootMachine) -> str:
        self._enough_space(machine)
        folders = dict.fromkeys(_folder(path) for path in (*machine.local, *machine.install, *_answers(machine)))
        for folder in folders:
            probe = _beside(f"{self._existing(folder)}/probe".lstrip("/"), f"{secrets.token_hex(4)}.probe")
            with self._told(folder or "."):
                try:
                    self._files.create(probe, b"clusto\n" * 64)
                finally:
                    with contextlib.suppress(OSError):
                        self._files.remove(probe)
        notes = [f"{path} is not clusto's and will be kept beside it" for path in self._foreign(machine.local)]
        notes += [
            f"{file.path} is not clusto's: machines that read it do not find their own"
            for file in self._shared
            if file.path.endswith(("grub.cfg", ".ipxe")) and self._foreign_shared(file)
        ]
        return "; ".join([f"{self._files.where} is writable", *notes])

    def _enough_space(self, machine: BootMachine) -> None:
        with self._told("."):
            space = self._files.space()
        if space is None:
            return
        texts = [*machine.install.values(), *machine.local.values(), *machine.answers.values()]
        needed = sum(-(-len(text.encode()) // _BLOCK) * _BLOCK for text in texts) + _BLOCK
        if space.octets < needed:
            raise Refused(f"{self._files.where} has {space.octets // 1024} KiB left and {needed // 1024} are needed")
        if space.files is not None and space.files < len(texts) + 2:
            raise Refused(f"{self._files.where} has room for {space.files} more files and {len(texts) + 2} are needed")

    def _existing(self, folder: str) -> str:
        """The folder, or what it would be made in."""
        while folder:
            with self._told(folder):
                if self._files.names(folder) is not None:
                    return folder
            folder = _folder(folder)
        return folder

    def _foreign(self, paths: Iterable[str]) -> list[str]:
        return [path for path in paths if self._state_of(path) is BootState.FOREIGN]

    def _foreign_shared(self, file: SharedFile) -> bool:
        """Whether there is such a file, and one that does not lead to the machines' own."""
        with self._told(file.path):
            content = self._files.read(file.path)
        return content is not None and not any(hint in content for hint in (b"net_default_mac", b"mac:hexraw"))

    def _state_of(self, path: str) -> BootState:
        with self._told(path):
            return state_of(self._files.read(path))

    def _state(self, machine: BootMachine) -> BootState:
        states = {self._state_of(path) for path in self._boot_files(machine)}
        for state in (BootState.INSTALL, BootState.FOREIGN, BootState.ABSENT):
            if state in states:
                return state
        return BootState.LOCAL

    def _install(self, machine: BootMachine) -> None:
        try:
            # What an earlier attempt left is this one's to take back: the new record has it too.
            paths = dict.fromkeys([*self._boot_files(machine), *machine.install])
            self._forget_answers(machine)
            record = "".join(f"{entry}\n" for entry in (*machine.answers, *paths))
            self._put(f"{_host(machine)}/{_RECORD}", record)
            for path, text in _answers(machine).items():
                self._put(path, text)
            for path, text in machine.local.items():
                self._put(_twin(path), text)
            self._make_shared()
            for path, text in machine.install.items():
                self._keep_foreign(path)
                self._put(path, text)
            self._settle(machine.install)
        except BaseException as error:
            if (doubt := self._back(machine)) and isinstance(error, DeviceError):
                error.extend(doubt)
            raise

    def _back(self, machine: BootMachine) -> str:
        """After `install` has failed: what starts the installer boots the disk again, the rest is as it was. In words,
        what may not be so.
        """
        failures: dict[str, DeviceError] = {}
        try:
            paths = self._boot_files(machine)
        except DeviceError:
            paths = dict(machine.local)
        for path, text in paths.items():
            try:
                if self._state_of(path) is BootState.INSTALL:
                    self._to_local(path, text)
            except DeviceError as error:
                failures[path] = error
        for path in paths:
            with contextlib.suppress(OSError, DeviceError):
                self._files.remove(_twin(path))
        with contextlib.suppress(DeviceError):
            self._forget_answers(machine)
        if not failures:
            return ""
        return f"{', '.join(failures)} may still start the installer ({next(iter(failures.values()))})"

    def _local(self, machine: BootMachine, keep_answers: bool) -> None:
        """As far as it goes for every file; raises what first went wrong."""
        failures: list[DeviceError] = []
        try:
            paths = self._boot_files(machine)
        except DeviceError as error:
            failures.append(error)
            paths = dict(machine.local)
        steps: list[Callable[[], None]] = [partial(self._to_local, *file) for file in paths.items()]
        steps += [partial(self._settle, paths), self._make_shared]
        if not keep_answers:
            steps.append(partial(self._forget_answers, machine))
        for step in steps:
            try:
                step()
            except DeviceError as error:
                failures.append(error)
        if failures:
            raise failures[0]

    def _boot_files(self, machine: BootMachine) -> dict[str, str]:
        """The machine's boot files that boot its disk, by path; those of cards that it had when it was told to install
        are among them.
        """
        files = dict(machine.local)
        for entry in self._recorded(machine):
            loader = loader_of(entry)
            if loader is not None and entry not in files:
                like = next((text for path, text in machine.local.items() if loader_of(path) is loader), None)
                if like is not None:
                    files[entry] = like
        return files

    def _recorded(self, machine: BootMachine) -> list[str]:
        """What `install` has noted of this machine."""
        path = f"{_host(machine)}/{_RECORD}"
        with self._told(path):
            return (self._files.read(path) or b"").decode(errors="replace").splitlines()

    def _to_local(self, path: str, text: str) -> None:
        """The twin if it is there: that needs no space. Else a new file; else new content in the old one's place."""
        content, twin = text.encode(), _twin(path)
        with self._told(path):
            found = self._files.read(path)
            if found == content:
                self._files.remove(twin)
                return
            if state_of(found) is BootState.FOREIGN:
                self._keep_foreign(path)
            ready = self._files.read(twin)
            if state_of(ready) is BootState.LOCAL:
                # Somebody else may go the same way at the same time.
                with contextlib.suppress(FileNotFoundError):
                    self._files.replace(twin, path)
                    if ready != content:
                        # It is of another time, and good enough where there is no room for today's.
                        with contextlib.suppress(DeviceError):
                            self._put(path, text)
                    return
            try:
                self._put(path, text)
            except DeviceError:
                if state_of(found) is not BootState.INSTALL:
                    raise
                self._files.overwrite(path, content)

    def _local_many(self, machines: Iterable[BootMachine]) -> dict[str, DeviceError]:
        self._make_shared()
        failures: dict[str, DeviceError] = {}
        with self._files.holding() as files:
            tree = TreeProvisioner(files, self._shared)
            folders: dict[str, set[str]] = {}
            mark = secrets.token_hex(4)
            for machine in machines:
                try:
                    tree._write_local(machine, folders, mark)
                except DeviceError as error:
                    failures[machine.name] = error
        return failures

    def _write_local(self, machine: BootMachine, folders: dict[str, set[str]], mark: str) -> None:
        """The local files of one machine of many; what is in each folder is asked once."""
        for path, text in machine.local.items():
            folder, _, name = path.rpartition("/")
            present = folders.get(folder)
            if present is None:
                with self._told(folder):
                    present = folders[folder] = set(self._files.names(folder) or ())
            if name in present:
                self._to_local(path, text)
            else:
                self._write(path, f"{folder}/.{name}.{mark}", text)

    def _put(self, path: str, text: str) -> None:
        self._write(path, _beside(path, secrets.token_hex(4)), text)

    def _write(self, path: str, temporary: str, text: str) -> None:
        with self._told(path):
            try:
                self._files.create(temporary, text.encode())
                self._files.replace(temporary, path)
            except BaseException:
                with contextlib.suppress(OSError, DeviceError):
                    self._files.remove(temporary)
                raise

    def _keep_foreign(self, path: str) -> None:
        """Gives a file that is not clusto's a second name, the first one free, so that it is not lost."""
        if self._state_of(path) is not BootState.FOREIGN:
            return
        for number in range(1, 1000):
            with self._told(path):
                if self._files.keep(path, f"{path}.{_KEPT}" + (f"-{number}" if number > 1 else "")):
                    return
        raise Refused(f"{self._files.where}/{path} is not clusto's, and was kept often enough")

    def _make_shared(self) -> None:
        for file in self._shared:
            with self._told(file.path):
                if self._files.read(file.path) is None and (
                    not file.beside or self._files.names(_folder(file.path)) is not None
                ):
                    self._put(file.path, file.text)

    def _forget_answers(self, machine: BootMachine) -> None:
        """Takes away the answers, those of an earlier recipe too, and the folder when nothing else is in it."""
        folder = _host(machine)
        with self._told(folder):
            found = self._files.names(folder)
            if found is None:
                return
            ours = set(self._recorded(machine))
            # The record goes last. Other hidden files are what was left of writing one.
            for name in sorted(found, key=lambda name: name == _RECORD):
                if name in ours or name.startswith("."):
                    self._files.remove(f"{folder}/{name}")
            self._files.remove_folder(folder)

    def _settle(self, paths: Iterable[str]) -> None:
        for folder in dict.fromkeys(_folder(path) for path in paths):
            with self._told(folder):
                self._files.settle(folder)

    def _told(self, path: str) -> _Told:
        return _Told(self._files, path)


class _Told:
    """What goes wrong with a file, in words."""

    __slots__ = ("_files", "_path")

    def __init__(self, files: Files, path: str) -> None:
        self._files, self._path = files, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError):
            raise Refused(f"{self._files.where}/{self._path}: {error.strerror or error}") from error


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _beside(path: str, mark: str) -> str:
    """A hidden name in the same folder."""
    folder, slash, name = path.rpartition("/")
    return f"{folder}{slash}.{name}.{mark}"


def _twin(path: str) -> str:
    return _beside(path, "local")


def _host(machine: BootMachine) -> str:
    return f"hosts/{machine.name}"


def _answers(machine: BootMachine) -> dict[str, str]:
    """The answers by their paths in the tree."""
    return {f"{_host(machine)}/{name}": text for name, text in machine.answers.items()}


def mode_of(path: str) -> int:
    """The mode of a file of the tree. Everybody may read boot files, which servers of TFTP want so. Answers, in which a
    password's hash may be and what a machine calls back with, are for their owner and group: TFTP asks for no name.
    """
    return _PRIVATE if path.startswith("hosts/") else _PUBLIC

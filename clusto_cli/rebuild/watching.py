"""Boot files seen being read, by inotify: the sign of a fetch where the TFTP server runs here and tells nobody.

It is a weak sign. inotify(7) does not say who read: a backup, a `cat`, or this program itself, which is why files are
watched only while nothing of ours reads them. A transfer that was broken off looks like one that was not (PXE firmware
often asks for a file's size first, which TFTP servers answer by opening it). On network file systems, only readers on
this machine are seen. Where more is read at once than the kernel's queue holds (fs.inotify.max_queued_events), some of
it is not told.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
from collections.abc import Callable, Iterable, Iterator

from clusto_core.errors import NotFound, Refused


class BootFileWatch:
    """Tells of boot files that somebody opened and closed without having written.

    `told` is called, in the event loop that runs when the watch is made, with the path below the directory. Directories
    are watched, not files, so that files may be replaced; a link to a file elsewhere tells nothing. A context manager.
    """

    def __init__(self, directory: str, told: Callable[[str], None]) -> None:
        """Raises Refused where there is no inotify, or none left."""
        try:
            from inotify_simple import INotify
        except ImportError:
            raise Refused("boot files can be watched on Linux only") from None
        self._directory = directory
        self._told = told
        self._paths: set[str] = set()
        self._folders: dict[int, set[str]] = {}
        with _explained(directory):
            self._inotify = INotify(nonblocking=True)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._inotify.fileno(), self._read)

    def __enter__(self) -> BootFileWatch:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def add(self, paths: Iterable[str]) -> None:
        """Watches these files from now on, whether they are there or not.

        Raises NotFound for a directory that is not there, Refused for one that cannot be watched.
        """
        from inotify_simple import flags

        for path in paths:
            folder = os.path.dirname(path)
            if not any(folder in folders for folders in self._folders.values()):
                place = os.path.join(self._directory, folder)
                with _explained(place):
                    number = self._inotify.add_watch(place, flags.CLOSE_NOWRITE | flags.ONLYDIR)
                # Two paths may lead to one directory, which has one number.
                self._folders.setdefault(number, set()).add(folder)
            self._paths.add(path)

    def discard(self, paths: Iterable[str]) -> None:
        """Tells no more of these files."""
        self._paths.difference_update(paths)

    def close(self) -> None:
        """Ends the watch; may be called again."""
        if not self._inotify.closed:
            self._loop.remove_reader(self._inotify.fileno())
            self._inotify.close()

    def _read(self) -> None:
        from inotify_simple import flags

        for event in self._inotify.read(timeout=0):
            if event.mask & flags.IGNORED:
                # The directory is gone; one that takes its place can be added again.
                self._folders.pop(event.wd, None)
            elif not event.mask & flags.ISDIR:
                for folder in self._folders.get(event.wd, ()):
                    path = os.path.join(folder, event.name)
                    if path in self._paths:
                        self._told(path)


@contextlib.contextmanager
def _explained(place: str) -> Iterator[None]:
    """Turns what the system says into an error that says what to do."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"no such directory: {place}") from None
    except OSError as error:
        limits = {errno.ENOSPC: "fs.inotify.max_user_watches", errno.EMFILE: "fs.inotify.max_user_instances"}
        limit = limits.get(error.errno or 0)
        reason = f"the limit {limit} (sysctl) is reached" if limit else error.strerror
        raise Refused(f"cannot watch {place}: {reason}") from None


class LocalFetches:
    """The boot files of machines that are armed, watched where their boot directory is on this computer.

    `told` gets the number of a rebuild and the path of the boot file that its machine took. A context manager, in an
    event loop.
    """

    def __init__(self, told: Callable[[int, str], None]) -> None:
        self._told = told
        self._watches: dict[str, BootFileWatch] = {}
        self._owners: dict[tuple[str, str], int] = {}

    def __enter__(self) -> LocalFetches:
        return self

    def __exit__(self, *exception: object) -> None:
        for watch in self._watches.values():
            watch.close()

    def begin(self, rebuild_id: int, directory: str, paths: Iterable[str]) -> None:
        """Watches the boot files of one machine. Raises NotFound, Refused as `BootFileWatch.add`."""
        if directory not in self._watches:
            self._watches[directory] = BootFileWatch(directory, lambda path: self._tell(directory, path))
        own = list(paths)
        self._owners.update(((directory, path), rebuild_id) for path in own)
        self._watches[directory].add(own)

    def end(self, directory: str, paths: Iterable[str]) -> None:
        """Watches them no more: whoever reads them from now on may be clusto itself."""
        if directory in self._watches:
            self._watches[directory].discard(paths)

    def _tell(self, directory: str, path: str) -> None:
        self._told(self._owners[directory, path], path)

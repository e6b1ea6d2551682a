"""A boot directory of another computer, over sftp. Host keys are checked; nothing is run there."""

from __future__ import annotations

import contextlib
import errno
import logging
import stat
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar
from urllib.parse import unquote, urlsplit

from clusto_cli.backends.errors import AuthenticationFailed, DeviceError, Refused, Unreachable
from clusto_cli.backends.provision.render import SharedFile
from clusto_cli.backends.provision.tree import Space, TreeProvisioner, mode_of

if TYPE_CHECKING:
    from paramiko import SFTPClient, SSHClient

P = ParamSpec("P")
T = TypeVar("T")
_SEARCHABLE = 0o755


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """Where the directory is and how to get in. timeout: seconds for a connection, and for each answer."""

    host: str
    path: str
    port: int = 22
    user: str = ""
    password: str = field(default="", repr=False)
    key_file: str = ""
    known_hosts: str = ""
    timeout: float = 10.0


_KEEPALIVE = 30
"""Seconds between two words to a server of which nothing else is asked."""


def sftp_settings(url: str, settings: Mapping[str, str]) -> SftpSettings:
    """Out of `sftp://[USER@]HOST[:PORT]/PATH` and the settings of the group `ssh`. Raises ValueError."""
    from clusto_cli.backends.settings import integer, seconds

    parts = urlsplit(url)
    if parts.scheme != "sftp" or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"rebuild.dir is {url[:80]!a}: write it as sftp://[USER@]HOST[:PORT]/PATH")
    if parts.password is not None:
        raise ValueError("rebuild.dir holds a password: set ssh.password")
    path = unquote(parts.path).rstrip("/")
    if not path or "\0" in path:
        raise ValueError(f"rebuild.dir is {url[:80]!a}: it has no path")
    return SftpSettings(
        host=parts.hostname,
        path=path,
        port=parts.port or integer(settings, "ssh.port", 22),
        user=unquote(parts.username or "") or settings.get("ssh.user", ""),
        password=settings.get("ssh.password", ""),
        key_file=settings.get("ssh.identity", ""),
        known_hosts=settings.get("ssh.known_hosts", ""),
        timeout=seconds(settings, "ssh.timeout", 10.0),
    )


def _one_at_a_time(
    method: Callable[Concatenate[SftpFiles, P], T],
) -> Callable[Concatenate[SftpFiles, P], T]:
    """Paramiko's sftp client is for one thread; a lost connection is told as such."""

    def locked(self: SftpFiles, /, *args: P.args, **kwargs: P.kwargs) -> T:
        with self._lock, self._translated():
            self._reconnect()
            return method(self, *args, **kwargs)

    return locked


class SftpFiles:
    """A directory by sftp (draft-ietf-secsh-filexfer-02, with OpenSSH's posix-rename)."""

    def __init__(self, settings: SftpSettings) -> None:
        self.where = f"sftp://{settings.host}{settings.path}"
        self._settings = settings
        self._lock = threading.Lock()
        self._ssh: SSHClient | None = None
        self._client: SFTPClient | None = None
        self._root = settings.path
        self._folders: dict[str, str] = {}

    def open(self) -> None:
        with self._lock, self._translated():
            self._connect()

    def _reconnect(self) -> None:
        """A rebuild takes longer than many a firewall or server keeps a session that says nothing."""
        transport = self._ssh.get_transport() if self._ssh is not None else None
        if self._ssh is not None and (transport is None or not transport.is_active()):
            self.close()
            self._folders.clear()
            self._connect()

    def _connect(self) -> None:
        import paramiko

        settings = self._settings
        logging.getLogger("paramiko").setLevel(logging.CRITICAL)
        self._ssh = ssh = paramiko.SSHClient()
        ssh.load_system_host_keys()
        if settings.known_hosts:
            ssh.load_host_keys(settings.known_hosts)
        ssh.set_missing_host_key_policy(paramiko.RejectPolicy())
        ssh.connect(
            settings.host,
            settings.port,
            settings.user or None,
            settings.password or None,
            key_filename=settings.key_file or None,
            timeout=settings.timeout,
            banner_timeout=settings.timeout,
            auth_timeout=settings.timeout,
            allow_agent=not settings.password,
            look_for_keys=not settings.password and not settings.key_file,
        )
        if (transport := ssh.get_transport()) is not None:
            transport.set_keepalive(_KEEPALIVE)
        self._client = client = ssh.open_sftp()
        channel = client.get_channel()
        if channel is not None:
            channel.settimeout(settings.timeout)
        try:
            self._root = client.normalize(settings.path)
            mode = client.stat(self._root).st_mode
        except FileNotFoundError:
            mode = None
        if mode is None or not stat.S_ISDIR(mode):
            raise Refused(f"there is no directory {self.where}")

    def close(self) -> None:
        client, self._client = self._client, None
        ssh, self._ssh = self._ssh, None
        for each in (client, ssh):
            if each is not None:
                # A connection that has ended by itself cannot be ended.
                with contextlib.suppress(EOFError, OSError):
                    each.close()

    @_one_at_a_time
    def read(self, path: str) -> bytes | None:
        full = self._full(path)
        if full is None:
            return None
        return self._read(full)

    @_one_at_a_time
    def create(self, path: str, content: bytes) -> None:
        folder, _, name = path.rpartition("/")
        self._write(f"{self._made(folder)}/{name}", "wx", content, mode_of(path))

    @_one_at_a_time
    def replace(self, path: str, other: str) -> None:
        full = self._needed(path)
        self._sftp.posix_rename(full, f"{full.rpartition('/')[0]}/{other.rpartition('/')[2]}")

    @_one_at_a_time
    def overwrite(self, path: str, content: bytes) -> None:
        self._write(self._needed(path), "w", content, mode_of(path))

    @_one_at_a_time
    def keep(self, path: str, other: str) -> bool:
        """A copy: this version of the protocol has no second names."""
        full = self._needed(path)
        target = f"{full.rpartition('/')[0]}/{other.rpartition('/')[2]}"
        if self._mode(target) is not None:
            return False
        with self._sftp.open(full, "rb") as file:
            content = file.read()
        self._write(target, "wx", content, mode_of(path))
        return True

    @_one_at_a_time
    def remove(self, path: str) -> None:
        full = self._full(path)
        if full is not None:
            with contextlib.suppress(FileNotFoundError):
                self._sftp.remove(full)

    @_one_at_a_time
    def names(self, folder: str) -> list[str] | None:
        real = self._real(folder)
        return None if real is None else self._sftp.listdir(real)

    @_one_at_a_time
    def remove_folder(self, folder: str) -> None:
        # The protocol's one word for a folder that is not empty is "Failure".
        real = self._real(folder)
        if real is not None and not self._sftp.listdir(real):
            self._sftp.rmdir(real)

    def settle(self, folder: str) -> None:
        """Paramiko cannot ask for it."""

    def space(self) -> Space | None:
        """Paramiko cannot ask for it."""
        return None

    @contextlib.contextmanager
    def holding(self) -> Iterator[SftpFiles]:
        yield self

    @property
    def _sftp(self) -> SFTPClient:
        if self._client is None:
            raise Unreachable(f"{self.where}: no ssh session")
        return self._client

    def _real(self, folder: str) -> str | None:
        """The folder with symbolic links followed, None when there is none. Raises Refused when it leaves the tree."""
        if (known := self._folders.get(folder)) is not None:
            return known
        path = f"{self._root}/{folder}" if folder else self._root
        try:
            mode = self._sftp.stat(path).st_mode
        except FileNotFoundError:
            return None
        real = self._sftp.normalize(path)
        if real != self._root and not real.startswith(f"{self._root.rstrip('/')}/"):
            raise Refused(f"{self.where}/{folder} leads out of {self.where}")
        if mode is not None and not stat.S_ISDIR(mode):
            raise NotADirectoryError(errno.ENOTDIR, "Not a directory")
        # Each look-up is two round trips. Those of one machine alone come and go.
        if not folder.startswith("hosts/"):
            self._folders[folder] = real
        return real

    def _made(self, folder: str) -> str:
        real = self._real(folder)
        if real is None:
            above, _, name = folder.rpartition("/")
            real = f"{self._made(above)}/{name}"
            self._sftp.mkdir(real, _SEARCHABLE)
            self._sftp.chmod(real, _SEARCHABLE)
        return real

    def _full(self, path: str) -> str | None:
        folder, _, name = path.rpartition("/")
        real = self._real(folder)
        return None if real is None else f"{real}/{name}"

    def _needed(self, path: str) -> str:
        full = self._full(path)
        if full is None:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        return full

    def _mode(self, full: str) -> int | None:
        """The type and mode of what is there, a symbolic link's own; None when nothing is."""
        try:
            return self._sftp.lstat(full).st_mode or 0
        except FileNotFoundError:
            return None

    def _read(self, full: str) -> bytes | None:
        mode = self._mode(full)
        if mode is None:
            return None
        if not stat.S_ISREG(mode):
            return b""
        with self._sftp.open(full, "rb") as file:
            return file.read()

    def _write(self, full: str, way: str, content: bytes, mode: int) -> None:
        with self._sftp.open(full, way) as file:
            file.chmod(mode)
            file.write(content)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Turns the exceptions of Paramiko into those of the adapters; those about files stay OSError."""
        import paramiko
        from paramiko.ssh_exception import BadHostKeyException, NoValidConnectionsError

        settings = self._settings
        where = f"{settings.host} port {settings.port}"
        try:
            yield
        except DeviceError:
            raise
        except BadHostKeyException as error:
            raise AuthenticationFailed(f"{where}: its host key is not the known one") from error
        except paramiko.AuthenticationException as error:
            raise AuthenticationFailed(f"{where}: the password or key of {settings.user} was not accepted") from error
        except paramiko.SSHException as error:
            if "not found in known_hosts" in str(error):
                raise AuthenticationFailed(f"{where}: its host key is not known: add it to known_hosts") from error
            raise Unreachable(f"{where}: no ssh session ({error})") from error
        except (EOFError, TimeoutError, NoValidConnectionsError) as error:
            raise Unreachable(f"{where}: no ssh session ({str(error) or 'it ended'})") from error
        except OSError as error:
            transport = self._ssh.get_transport() if self._ssh is not None else None
            if transport is None or not transport.is_active():
                raise Unreachable(f"{where}: no ssh session ({error})") from error
            raise


def sftp(settings: SftpSettings, shared: Sequence[SharedFile] = ()) -> TreeProvisioner:
    """A boot directory of another computer."""
    return TreeProvisioner(SftpFiles(settings), shared)

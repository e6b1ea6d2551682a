"""Secrets that are kept elsewhere: `env:NAME`, `file:PATH` and `secret:NAME`, read when they are used.

Whoever writes an attribute chooses the reference, so that only what the operator's configuration allows is read. No
message says what was read.
"""

from __future__ import annotations

import os
import re
import stat

from clusto_core.boundary.permissions import KEYRING, Permissions, within
from clusto_core.errors import NotFound, Refused
from clusto_core.secrecy import remember

LONGEST = 16384
"""Octets of a secret: longer than any key or certificate chain that devices take."""
_HELPER_SECONDS = 60.0
_ENVIRONMENT = r"CLUSTO_[A-Za-z0-9_]+"
_OWN = frozenset(("CLUSTO_DB", "CLUSTO_CONFIG", "CLUSTO_TOKEN"))
"""Where the inventory is and how to get into it: no secret of a device."""
_NAME = r"[A-Za-z0-9][A-Za-z0-9_.@+-]*(/[A-Za-z0-9][A-Za-z0-9_.@+-]*)*"


def resolve(text: str, what: str, permissions: Permissions) -> str:
    """The secret that a reference means; `what` says whose setting it is: `bmc.password of server1`.

    Raises Refused for what the configuration does not allow, saying what would, and NotFound for what is not there.
    """
    kind, _, rest = text.partition(":")
    read = {"env": _from_environment, "file": _from_file, "secret": _named}[kind]
    return remember(read(rest, what, permissions))


def bound(text: str, permissions: Permissions) -> tuple[str, ...] | None:
    """The networks that the configuration says for a secret, by whatever reference it is named; None where it says
    none."""
    own = _identity(text, permissions)
    for reference, networks in permissions.hosts.items():
        if _identity(reference, permissions) == own:
            return networks
    return None


def _identity(text: str, permissions: Permissions) -> str:
    """What is the same for two references to one secret: `secret:bmc`, and the file that it is in."""
    kind, _, rest = text.partition(":")
    if kind == "file":
        return os.path.realpath(os.path.expanduser(rest))
    if kind == "secret":
        for folder in permissions.secret_folders:
            if os.path.exists(path := os.path.join(folder, rest)):
                return os.path.realpath(path)
    return text


def _from_environment(name: str, what: str, permissions: Permissions) -> str:
    from fnmatch import fnmatchcase

    allowed = (re.fullmatch(_ENVIRONMENT, name) and name not in _OWN) or any(
        fnmatchcase(name, pattern) for pattern in permissions.env
    )
    if not allowed:
        raise Refused(
            f"{what} refers to the environment variable {name[:80]!a}, which does not begin with CLUSTO_ and is not "
            f"allowed (clusto config allow env {name[:80]})"
        )
    if (found := os.environ.get(name)) is None:
        raise NotFound(f"the environment variable {name} is not set, which {what} refers to")
    return found


def _from_file(path: str, what: str, permissions: Permissions) -> str:
    expanded = os.path.expanduser(path)
    real = os.path.realpath(expanded)
    kept = any(within(real, folder) for folder in permissions.secret_folders)
    named = any(within(real, allowed) for allowed in permissions.files)
    if not os.path.isabs(expanded) or not (kept or named):
        raise Refused(
            f"{what} refers to the file {path[:80]!a}, which is not in {permissions.secret_folders[0]} and is not "
            f"allowed (clusto config allow file {path[:200]})"
        )
    found = read_file(real, private=not named)
    if found is None:
        raise NotFound(f"there is no file {path}, which {what} refers to")
    return found


def _named(name: str, what: str, permissions: Permissions) -> str:
    if not re.fullmatch(_NAME, name):
        raise Refused(f"{what} refers to a secret by a name that cannot be: {name[:80]!a}")
    for folder in permissions.secret_folders:
        if within(real := os.path.realpath(os.path.join(folder, name)), folder):
            found = read_file(real, private=True)
            if found is not None:
                return found
    if permissions.helper:
        return _from_helper(permissions.helper, name, what)
    if permissions.keyring and (found := _from_keyring(name)) is not None:
        return found
    raise NotFound(
        f"there is no secret {name}, which {what} refers to: keep it in {permissions.secret_folders[0]}/{name}"
    )


def read_file(path: str, *, private: bool) -> str | None:
    """The text of a small regular file without the line end after it; None where there is none.

    `private`: others must not be able to read it. Raises Refused for a file that others may change or see, for what is
    no regular file, and for one that is longer than LONGEST; none of these is waited for.
    """
    try:
        # A FIFO without a writer, and a device, would be waited for.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Refused(f"cannot read {path}: {error.strerror}") from None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise Refused(f"{path} is no regular file: no secret is read from it")
        if status.st_uid not in (os.geteuid(), 0):
            raise Refused(f"{path} belongs to another user: no secret is read from it")
        if status.st_mode & (0o027 if private else 0o022):
            may, remedy = ("read or change", "go-rwx") if private else ("change", "go-w")
            raise Refused(f"others may {may} {path} (chmod {remedy} {path})")
        content = file.read(LONGEST + 1)
    if len(content) > LONGEST:
        raise Refused(f"{path} is longer than {LONGEST} octets: no secret is")
    return _text(content, path)


def _from_helper(helper: tuple[str, ...], name: str, what: str) -> str:
    import subprocess

    argv = [argument.replace("{name}", name) for argument in helper]
    if argv == list(helper):
        argv.append(name)
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=_HELPER_SECONDS, check=False
        )
    except OSError as error:
        raise Refused(f"cannot run the helper for secrets {helper[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise Refused(f"the helper for secrets {helper[0]} was not done in {_HELPER_SECONDS:g} s") from None
    if done.returncode or not done.stdout:
        raise NotFound(f"{helper[0]} has no secret {name}, which {what} refers to (exit code {done.returncode})")
    if len(done.stdout) > LONGEST:
        raise Refused(f"{helper[0]} printed more than {LONGEST} octets for {name}: no secret is as long")
    return _text(done.stdout, helper[0])


def _from_keyring(name: str) -> str | None:
    """What the desktop's keyring has; None without the library, without a keyring, or without the entry."""
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        return keyring.get_password(KEYRING, name)
    except KeyringError:
        return None


def _text(content: bytes, where: str) -> str:
    try:
        return content.decode().rstrip("\r\n")
    except UnicodeDecodeError:
        raise Refused(f"what {where} holds is not text: no secret is read from it") from None

"""How a device, or the way to it, fails: what adapters raise. Messages say what the device said or did instead."""

from __future__ import annotations

_LONGEST = 2000


class DeviceError(Exception):
    """A device did not do what was asked; the message is one line that says what it said or did instead.

    Whatever the device put into it, `str` of it is printable, of a bounded length, and can be kept.
    """

    def __str__(self) -> str:
        said = super().__str__()
        if not said.isprintable():
            said = "".join(map(_printable, " ".join(said.split())))
        return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}..."

    def extend(self, outcome: str) -> None:
        """Adds what came of it to the message; the error stays of its kind, with all that it knows."""
        self.args = (f"{self}; {outcome}",)


def _printable(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


class Unusable(DeviceError):
    """Its settings cannot be used, so nothing was sent to it; the message names the setting."""


class Unreachable(DeviceError):
    """No answer within the time limit, or no route, or the connection was refused."""


class AuthenticationFailed(DeviceError):
    """The device answered and did not accept the credentials, or its host key is not the known one."""


NO_SESSION = (Unusable, Unreachable, AuthenticationFailed)
"""Failures after which nothing else needs to be asked of the device: it would fail in the same way."""


class Refused(DeviceError):
    """The device answered and will not do this: locked, read-only, not switchable, rejected by its command line."""


class NoSuchPort(DeviceError):
    """The device has no outlet, serial port or switch port of that number or name."""


class Busy(DeviceError):
    """Somebody else holds the port or the device's one session."""


class NotVerified(DeviceError):
    """The device acknowledged the change and, read back, does not show it."""


class LineLost(DeviceError):
    """An attached console ended without being asked to; `clean` when the other side ended it in good order."""

    def __init__(self, message: str, *, clean: bool = False) -> None:
        super().__init__(message)
        self.clean = clean

"""What a line needs of the way that it is reached by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from clusto_cli.backends.base import Attach
from clusto_cli.backends.console.profile import EscapeKey, Method, Profile
from clusto_cli.backends.console.values import Values
from clusto_cli.backends.reasons import Speaker


class Way(Protocol):
    """The way to one port: a profile's method, with the values that fill it. See `access.Access`."""

    @property
    def profile(self) -> Profile: ...

    @property
    def method(self) -> Method: ...

    @property
    def values(self) -> Values: ...

    @property
    def settings(self) -> Mapping[str, str]:
        """The attribute that each value is set by."""
        ...

    @property
    def where(self) -> str:
        """The address, for people."""
        ...

    @property
    def speaker(self) -> Speaker:
        """Whoever is in between, as one that says what went wrong."""
        ...

    @property
    def escape(self) -> EscapeKey | None:
        """What must be doubled for the program in between to pass it on."""
        ...

    @property
    def break_keys(self) -> bytes:
        """What is typed for a break; empty where it is not typed."""
        ...

    def arguments(self, argv: tuple[str | tuple[str, ...], ...], attach: Attach = Attach.NORMAL) -> list[str]:
        """A template of arguments, filled. Raises Refused."""
        ...

    def environment(self) -> dict[str, str]:
        """What the profile sets in the program's environment."""
        ...

    def run(self, argv: tuple[str | tuple[str, ...], ...]) -> str:
        """Runs one of the profile's short commands; what it printed."""
        ...

    def release(self) -> None:
        """Frees the port after a session that could not be left by typing."""
        ...

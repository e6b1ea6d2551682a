"""Programs that adapters run: argument lists, never shell lines."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import re
import shlex
import signal
from collections.abc import Mapping, Sequence

from clusto_cli import children
from clusto_cli.backends.errors import Refused, Unreachable
from clusto_cli.visible import one_line

MOST = 1024 * 1024
"""Octets of a program's output that are kept."""
_PIECE = 65536
_LONGEST = 400
"""Characters of a line in a message."""


def command_line(key: str, text: str) -> list[str]:
    """The arguments of a command that the setting `key` holds: a JSON list, or words quoted as for a shell (which
    never sees them). Raises ValueError.
    """
    if text.startswith("["):
        try:
            words = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f"{key} is no JSON list: {error}") from None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ValueError(f"{key} is not a list of texts")
        argv = [str(word) for word in words]
    else:
        argv = shlex.split(text)
    if not argv:
        raise ValueError(f"{key} is empty")
    return argv


def filled(argv: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """The arguments with `{NAME}` replaced by the value of that name; what has no value stays as it is. Raises Refused
    for a value that would become an option."""
    places = re.compile("|".join(re.escape(f"{{{name}}}") for name in values))
    found = []
    for argument in argv:
        text = places.sub(lambda place: values[place[0][1:-1]], argument)
        if text.startswith("-") and not argument.startswith("-"):
            raise Refused(f"{text[:60]!a} would be taken for an option of {argv[0]}")
        found.append(text)
    return found


class ProgramFailed(Refused):
    """A program ended with another exit code than 0: its `status`. `said` are the lines on standard error,
    and `printed` what it wrote to standard output."""

    def __init__(self, message: str, said: Sequence[str], status: int, printed: str) -> None:
        super().__init__(message)
        self.said, self.status, self.printed = said, status, printed


class ProgramSilent(Unreachable):
    """A program was not done in time. `said` are the lines that it wrote to standard error until then."""

    def __init__(self, message: str, said: Sequence[str]) -> None:
        super().__init__(message)
        self.said = said


async def run_program(
    argv: Sequence[str],
    timeout: float,
    environment: dict[str, str] | None = None,
    *,
    own: bool = False,
    most: int = MOST,
    said: bytes = b"",
) -> str:
    """What a program prints; it gets `said` on its standard input, and what is clusto's in the environment with `own`
    alone.

    Raises ProgramFailed, Refused when it cannot be run or prints more than anybody reads (`most` octets), ProgramSilent
    when it is not done in `timeout` seconds.
    """
    pipe = asyncio.subprocess.PIPE
    given = children.environment(environment or {}, own=own)
    stdin = pipe if said else asyncio.subprocess.DEVNULL
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=stdin, stdout=pipe, stderr=pipe, env=given, start_new_session=True
        )
    except OSError as error:
        raise Refused(f"cannot run {argv[0]}: {error.strerror}") from error
    assert process.stdout is not None
    assert process.stderr is not None
    out, err = bytearray(), bytearray()
    try:
        async with asyncio.timeout(timeout):
            await asyncio.gather(
                _tell(process.stdin, said), _read(process.stdout, out, most), _read(process.stderr, err, most)
            )
            await process.wait()
    except _TooMuch:
        raise Refused(f"{argv[0]} prints more than {most} octets") from None
    except TimeoutError:
        raise ProgramSilent(f"{argv[0]} was not done in {timeout:g} s", _lines(err)) from None
    finally:
        if process.returncode is None:
            _end(process)
            # Else we would wait for whoever else holds the other ends: ssh's shared connection is out of its group.
            process._transport.close()  # type: ignore[attr-defined]
            await process.wait()
    return outcome(argv[0], process.returncode or 0, bytes(out), bytes(err))


def outcome(name: str, status: int, out: bytes, err: bytes) -> str:
    """What a program that has ended printed. Raises ProgramFailed for another status than 0."""
    printed = out.decode(errors="replace")
    if status:
        lines = _lines(err)
        last = lines[-1][:_LONGEST] if lines else f"exit code {status}"
        raise ProgramFailed(f"{name}: {last}", lines, status, printed)
    return printed


class _TooMuch(Exception):
    """A program prints more than anybody reads."""


async def _tell(stream: asyncio.StreamWriter | None, said: bytes) -> None:
    """A program that reads no further says so by what it prints or by its status."""
    if stream is not None:
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            stream.write(said)
            await stream.drain()
        stream.close()


async def _read(stream: asyncio.StreamReader, into: bytearray, most: int) -> None:
    while data := await stream.read(_PIECE):
        into += data
        if len(into) > most:
            raise _TooMuch


def _end(process: asyncio.subprocess.Process) -> None:
    """Ends a program and what it has started: it is in a session of its own."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError):
        process.kill()


def _lines(said: bytes | bytearray) -> list[str]:
    return [line for line in map(one_line, bytes(said).splitlines()) if line]

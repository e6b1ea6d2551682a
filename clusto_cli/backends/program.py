"""Programs that adapters run: argument lists, never shell lines."""

from __future__ import annotations

import asyncio
import json
import re
import shlex
from collections.abc import Mapping, Sequence

from clusto_cli import children
from clusto_cli.backends.base import Refused, Unreachable


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
    """A program ended with another exit code than 0. `said` are the lines that it wrote to standard error."""

    def __init__(self, message: str, said: Sequence[str]) -> None:
        super().__init__(message)
        self.said = said


async def run_program(
    argv: Sequence[str], timeout: float, environment: dict[str, str] | None = None, *, own: bool = False
) -> str:
    """What a program prints; it gets what is clusto's in the environment with `own` alone.

    Raises ProgramFailed, Refused when it cannot be run, Unreachable when it is not done in `timeout` seconds.
    """
    pipe = asyncio.subprocess.PIPE
    given = children.environment(environment or {}, own=own)
    try:
        process = await asyncio.create_subprocess_exec(
            *argv, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=given, start_new_session=True
        )
    except OSError as error:
        raise Refused(f"cannot run {argv[0]}: {error.strerror}") from error
    try:
        out, err = await asyncio.wait_for(process.communicate(), timeout)
    except TimeoutError:
        raise Unreachable(f"{argv[0]} was not done in {timeout:g} s") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = [line.strip() for line in err.decode(errors="replace").splitlines() if line.strip()]
        raise ProgramFailed(f"{argv[0]}: {lines[-1] if lines else f'exit code {process.returncode}'}", lines)
    return out.decode(errors="replace")

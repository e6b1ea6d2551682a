"""What a switch says, made sense of or its failure: a switch may say anything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from clusto_cli.backends.errors import DeviceError

_Asked = ParamSpec("_Asked")
_Answer = TypeVar("_Answer")
_SHOWN = 200
"""Characters of an error that nobody foresaw."""


async def understood(ask: Callable[_Asked, _Answer], *given: _Asked.args, **named: _Asked.kwargs) -> _Answer:
    """An answer, asked for in a thread. Raises DeviceError, also for an answer that no rule foresees."""
    try:
        return await asyncio.to_thread(ask, *given, **named)
    except DeviceError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"[:_SHOWN]
        raise DeviceError(f"what it answered makes no sense ({said})") from error

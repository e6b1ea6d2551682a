"""Ports moved by an adapter, whole: read, planned, carried out and verified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from clusto_cli.backends.switch.change import Done, Prepared, carry_out, prepare
from clusto_cli.backends.switch.control import SwitchControl
from clusto_cli.backends.switch.refusal import Move


def moved(open_switch: Callable[[], SwitchControl], *moves: Move, **options: Any) -> tuple[Prepared, Done | None]:
    """What was planned on a switch, and what became of it; None where there was nothing to do."""

    async def whole() -> tuple[Prepared, Done | None]:
        switch = open_switch()
        try:
            prepared = await prepare(switch, moves, **options)
            return prepared, await carry_out(switch, prepared) if prepared.plan else None
        finally:
            await switch.close()

    return asyncio.run(whole())

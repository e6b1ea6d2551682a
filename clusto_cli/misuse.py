"""What click says of a command line that is wrong, as a line of ours: the same on a terminal and by way of a server."""

from __future__ import annotations

import click

from clusto_core.errors import did_you_mean
from clusto_core.spelling import suggest


def told(error: click.ClickException) -> str:
    """What is wrong, and which option or verb may have been meant."""
    possible = getattr(error, "possibilities", None)
    message = " ".join((error.message if possible else error.format_message()).split()).rstrip(".")
    message = message[:1].lower() + message[1:]
    if not possible:
        return message
    typed = str(getattr(error, "option_name", None) or getattr(error, "command_name", ""))
    return message + did_you_mean(suggest(typed, sorted(possible)))

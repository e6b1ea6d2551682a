"""Pages in Markdown as plain text, for a terminal and for pipes."""

from __future__ import annotations

import re
import sys

from rich.console import Console, ConsoleOptions, RenderResult
from rich.markdown import CodeBlock, Heading, Markdown
from rich.text import Text

from clusto_cli.colours import console as made

WIDEST = 110
"""Lines of text are no longer, however wide the terminal is."""

_LINK_BETWEEN_PAGES = re.compile(r"(?<!!)\[([^\]]+)\]\((?![a-z]+://)[^)]*\)")
_LINE_ENDS = re.compile(r"[ ]+\n")
_BLANK_LINES = re.compile(r"\n{3,}")


class _Heading(Heading):
    """On the left, whatever its level."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Text(self.text.plain, style="bold")


class _Code(CodeBlock):
    """As it stands, however wide it is: so it can be copied."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in str(self.text).rstrip().splitlines():
            yield Text(f"    {line}", no_wrap=True, overflow="ignore")


class _Page(Markdown):
    elements = {**Markdown.elements, "heading_open": _Heading, "fence": _Code, "code_block": _Code}  # noqa: RUF012


def show(text: str) -> None:
    """Prints Markdown as plain text. What links to other pages is its words: nobody can follow it here."""
    page = _Page(_LINK_BETWEEN_PAGES.sub(r"\1", text), hyperlinks=False)
    console = made()
    with console.capture() as captured:
        console.print(page, width=min(console.width, WIDEST), crop=False)
    sys.stdout.write(_BLANK_LINES.sub("\n\n", _LINE_ENDS.sub("\n", captured.get())).lstrip("\n"))

"""Explain a verb or a topic, or list them all."""

from __future__ import annotations

from collections.abc import Iterator

import click

from clusto_cli import completion
from clusto_cli.defaulting import DefaultGroup
from clusto_cli.grouping import Aliased
from clusto_cli.output import paged, write_lines
from clusto_core.errors import Malformed, NotFound, did_you_mean


@click.command("help")
@click.argument("words", metavar="[VERB... | TOPIC | keys PATTERN]", nargs=-1, shell_complete=completion.verbs)
@click.option("--search", metavar="WORD", help="List where WORD stands in the help of verbs and in topics.")
@click.pass_context
@paged
def command(ctx: click.Context, words: tuple[str, ...], search: str | None) -> None:
    """Explain VERB (as `clusto VERB --help` does) or TOPIC, or list all there are. A verb goes before a topic of its
    name.

    `clusto help keys PATTERN` tells of keys: what values they have and what they mean, those that the site declared
    included.

    \b
        clusto help attr set
        clusto help keys 'snmp.*'
        clusto help expressions
        clusto help --search cable
    """
    here = ctx.find_root()
    if search is not None:
        if words:
            raise click.UsageError("--search looks everywhere, and takes no VERB", ctx)
        return _search(here, search)
    if len(words) == 1 and _show_topic(here, words[0]):
        return None
    if len(words) == 2 and words[0] == "keys":
        return _show_keys(here, words[1])
    try:
        for word in words:
            here = _below(here, word)
    except Aliased as alias:
        return _tell_alias(alias)
    click.echo(here.get_help())
    if not words:
        click.echo(_topics())
    return None


def _tell_alias(alias: Aliased) -> None:
    import shlex

    from clusto_cli.aliases import said

    write_lines([said(alias.name, shlex.join(alias.words))])


def _below(here: click.Context, verb: str) -> click.Context:
    """The verb of that name below another one. Raises UsageError and Malformed when there is none."""
    if not isinstance(here.command, click.Group):
        raise click.UsageError(f"{here.command_path} has no verbs of its own", here)
    name, found, _ = here.command.resolve_command(here, [verb])
    if found is None:
        raise click.UsageError(f"no such verb: {verb}", here)
    return click.Context(found, info_name=name, parent=here)


def _show_topic(root: click.Context, name: str) -> bool:
    """Shows a topic, if there is one of that name and no verb. Raises Malformed for a name near to a topic's."""
    from clusto_cli import aliases
    from clusto_cli.topics import topics
    from clusto_core.spelling import suggest

    assert isinstance(root.command, click.Group)
    if root.command.get_command(root, name) is not None:
        return False
    known = topics()
    if name not in known:
        if name in aliases.lines():
            return False
        near = suggest(name, known)
        if near and not suggest(name, root.command.list_commands(root)):
            raise Malformed(f"no such verb or topic: {name[:60]}{did_you_mean(near)} (clusto help lists them)")
        return False
    from clusto_cli.markdown import show

    if name == "keys":
        from clusto_cli import settings

        show(settings.page(completion.known_keys(root)))
    else:
        show(known[name].text())
    return True


def _show_keys(root: click.Context, pattern: str) -> None:
    """Shows the keys that match a pattern. Raises NotFound."""
    from clusto_cli import settings
    from clusto_cli.markdown import show

    known = completion.known_keys(root)
    found = settings.matching(pattern, known)
    if not found:
        from clusto_core.spelling import suggest

        near = did_you_mean(suggest(pattern, map(str, known)))
        raise NotFound(f"no key that clusto reads or the site declared is called {pattern[:60]!r}{near}")
    show(found)


def _topics() -> str:
    from clusto_cli.topics import topics

    formatter = click.get_current_context().make_formatter()
    with formatter.section("Topics"):
        formatter.write_dl([(topic.name, topic.about) for topic in topics().values()])
    return "\n" + formatter.getvalue().rstrip("\n")


# --- searching -------------------------------------------------------------------------------------------------------


def _search(root: click.Context, word: str) -> None:
    """Each line that has the word, in whatever case, behind what `clusto help` shows it with."""
    wanted = word.casefold()
    hits = [
        f"{where}: {' '.join(line.split())}" for where, line in _lines(root) if wanted and wanted in line.casefold()
    ]
    if not hits:
        raise NotFound(f"nothing in the help has the word {word[:60]!r}")
    write_lines(dict.fromkeys(hits))


def _lines(root: click.Context) -> Iterator[tuple[str, str]]:
    from clusto_cli.topics import topics

    assert isinstance(root.command, click.Group)
    for verb in root.command.list_commands(root):
        yield from _verb_lines(_below(root, verb), verb)
    for topic in topics().values():
        for line in topic.text().splitlines():
            yield topic.name, line.strip("|# ")
    yield from _site_lines(root)


def _site_lines(root: click.Context) -> Iterator[tuple[str, str]]:
    """The keys of the site."""
    from clusto_cli import settings

    for key, each in completion.known_keys(root).items():
        if each.site:
            yield "keys", " | ".join(settings.row(key, each))


def _verb_lines(ctx: click.Context, path: str) -> Iterator[tuple[str, str]]:
    """What the help of a verb says, and of the verbs below it: an option, an example or a paragraph at once."""
    told = ctx.command.without_subcommand if isinstance(ctx.command, DefaultGroup) else ctx.command
    for paragraph in (told.help or "").split("\n\n"):
        first, *rest = paragraph.split("\n")
        yield from ((path, line) for line in (rest if first.strip() == "\b" else (paragraph,)))
    for param in told.get_params(ctx):
        if (record := param.get_help_record(ctx)) is not None:
            yield path, "  ".join(record)
    if isinstance(ctx.command, click.Group):
        for verb in ctx.command.list_commands(ctx):
            yield from _verb_lines(_below(ctx, verb), f"{path} {verb}")

"""Remove Things, with their parts, attributes and cables."""

from __future__ import annotations

import click

from clusto_cli.confirm import confirm, is_asked
from clusto_cli.context import App, pass_app
from clusto_cli.leftovers import say_left
from clusto_cli.options import change_options, force_option, yes_option
from clusto_cli.output import write_lines
from clusto_cli.targets import names_argument, targets
from clusto_core.answers.leftovers import left_behind


@click.command("remove")
@names_argument
@yes_option
@force_option
@change_options
@pass_app
def command(app: App, names: tuple[str, ...], yes: bool, force: bool, message: str | None, dry_run: bool) -> None:
    """Remove each NAME, all or none. What still has something in it, or is named by an attribute, is not removed, nor
    a part that is connected; what is protected only with --force. `clusto revert` brings it back.

    \b
        clusto remove server22 --dry-run
        clusto remove server22 -m sold
    """
    # Asked before the store is locked: nobody else waits for the answer. What is checked is checked again below.
    with app.reading() as reader:
        things = targets(reader, names)
        links = {thing.id: reader.links_of(thing) for thing in things}
    if is_asked(dry_run=dry_run, yes=yes):
        # What would be refused is refused before anybody is asked.
        app.try_out(lambda trial: trial.remove_all([thing.name for thing in things], force=force))
        confirm(_question([(thing.name, len(links[thing.id])) for thing in things]), yes)
    with app.changing(message, dry_run=dry_run) as change:
        removed = change.remove_all([thing.name for thing in things], force=force)
        left = left_behind(change.unit.reader, (link.other for thing in removed for link in links.get(thing.id, ())))
    for thing in removed:
        write_lines([f"{'would remove' if dry_run else 'removed'} {thing.driver} {thing.name}"])
        for link in links[thing.id] if dry_run else ():
            write_lines([f"would disconnect {(link.part or thing).name} from {link.other.name}"])
    say_left(app, left)


def _question(counted: list[tuple[str, int]]) -> str:
    shown = [f"{name} ({links} connection{'s' if links > 1 else ''})" if links else name for name, links in counted]
    rest = len(shown) - 5
    return f"remove {', '.join(shown[:5])}{f' and {rest} more' if rest > 0 else ''}?"

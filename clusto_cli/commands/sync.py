"""Keep the inventory in step with the sources that the configuration declares."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.context import App, pass_app
from clusto_cli.options import change_options, reads_elsewhere, source_options
from clusto_cli.output import output_option, write_lines, write_records

if TYPE_CHECKING:
    from clusto_core.records.sources import Remembered, Summary


@click.command("sync")
@click.argument("name", metavar="[NAME]", required=False, shell_complete=completion.sources)
@click.option("--list", "list_", is_flag=True, help="List the sources that the configuration declares.")
@click.option("--status", is_flag=True, help="Tell how each source stands, or all that is left of one.")
@source_options()
@click.option("--push", is_flag=True, help="Then write back what the source lacks, as its setting push allows.")
@output_option
@change_options
@reads_elsewhere
@click.pass_context
@pass_app
def command(
    app: App,
    ctx: click.Context,
    name: str | None,
    list_: bool,
    status: bool,
    prefer: str | None,
    prune: bool,
    push: bool,
    output: str,
    message: str | None,
    dry_run: bool,
) -> None:
    """Take in what changed in the source NAME since last time.

    What only the source changed is taken, and what it emptied is taken out; what only people here changed stays, and is
    told. Where both changed the same value, the Thing is held back until --prefer says who wins, or somebody makes them
    equal; so is one that would break a rule; all others go in. What the source has no more is marked, and goes with
    --prune. Exit code 4 says that something is left to decide.

    \b
        clusto sync netbox --dry-run
        clusto sync netbox --prefer source --prune
        clusto sync --status
    """
    from clusto_core.errors import Malformed

    if list_ and status:
        raise Malformed("--list and --status are two questions: ask one")
    if list_:
        _list(output)
    elif status:
        _status(app, name, output)
    elif name is None:
        raise Malformed("name the source to be in step with (clusto sync --list)")
    else:
        _sync(app, ctx, name, prefer, prune, message, dry_run, output, push=push)


def _sync(
    app: App,
    ctx: click.Context,
    name: str,
    prefer: str | None,
    prune: bool,
    message: str | None,
    dry_run: bool,
    output: str,
    *,
    push: bool,
) -> None:
    from clusto_cli import syncing
    from clusto_core.transfer.sources import declared

    known = declared.named(name)
    source = declared.opened(known)
    if push:
        syncing.check_push(known)
    options = syncing.options(prefer, prune)
    code = syncing.run(app, known, source, options, message=message, dry_run=dry_run, output=output)
    if push:
        syncing.push(app, known, dry_run=dry_run)
    ctx.exit(code)


# --- what there is ---------------------------------------------------------------------------------------------------


def _list(output: str) -> None:
    from clusto_core.transfer.sources.declared import every

    records = [
        {"name": each.name, "type": each.type, "where": each.where, "schedule": each.schedule or None}
        for each in every()
    ]
    if output == "text":
        write_lines("\t".join(str(each or "-") for each in record.values()) for record in records)
    else:
        write_records(output, records)


def _status(app: App, name: str | None, output: str) -> None:
    from clusto_core.errors import NotFound
    from clusto_core.records import sources

    with app.reading() as reader:
        known = [each for each in sources.summaries(reader.database) if name in (None, each.name)]
        if name is not None and not known:
            raise NotFound(f"{name[:60]} was never synced with this inventory")
        objects = {each.name: list(sources.every_object(reader, each)) for each in known}
    records = [_record(each, objects[each.name], whole=name is not None) for each in known]
    if output != "text":
        write_records(output, records)
        return
    for record in records:
        write_lines(_told(record))


def _record(summary: Summary, objects: list[Remembered], *, whole: bool) -> dict[str, Any]:
    """How a source stands; `whole` with every Thing that is not as it should be."""
    record: dict[str, Any] = {
        "name": summary.name,
        "outcome": summary.outcome,
        "time": _time(summary.ended),
        "who": summary.who,
        "message": summary.message or None,
        "in_step_since": _time(summary.taken),
        "counts": {
            "objects": sum(each.gone is None for each in objects),
            "held": sum(bool(each.held) for each in objects),
            "kept": sum(bool(each.kept) for each in objects),
            "gone": sum(each.gone is not None for each in objects),
        },
    }
    if whole:
        record["left"] = {
            "held": _texts((each.name, each.held) for each in objects),
            "kept": _texts((each.name, each.kept) for each in objects),
            "gone": sorted(each.name for each in objects if each.gone is not None),
        }
    return record


def _texts(every: Iterable[tuple[str, tuple[str, ...]]]) -> list[dict[str, str]]:
    return [{"name": name, "text": text} for name, texts in sorted(every) for text in texts]


def _told(record: dict[str, Any]) -> list[str]:
    message = f" ({record['message']})" if record["message"] else ""
    counts = ", ".join(
        f"{record['counts'][key]} {words}"
        for key, words in (("objects", "objects"), ("held", "held back"), ("kept", "kept"), ("gone", "gone"))
        if record["counts"][key] or key == "objects"
    )
    lines = [f"{record['name']}\t{record['outcome']}{message}\t{record['time']} by {record['who']}\t{counts}"]
    left = record.get("left", {"held": (), "kept": (), "gone": ()})
    for what, key in (("held back", "held"), ("kept", "kept")):
        lines += [f"{what}: {each['name']}: {each['text']}" for each in left[key]]
    return [*lines, *(f"gone: {name}" for name in left["gone"])]


def _time(seconds: float | None) -> str | None:
    from datetime import UTC, datetime

    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")

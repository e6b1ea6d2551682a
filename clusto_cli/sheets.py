"""The options of an import that are about spreadsheets, and the table of what was understood of one."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from clusto_cli import completion
from clusto_cli.output import write_lines

if TYPE_CHECKING:
    from clusto_cli.context import App
    from clusto_core.inventory import Transaction
    from clusto_core.transfer.sheets.how import How
    from clusto_core.transfer.sheets.table import Table

_WIDTH = 40
"""Characters of a title or an example that are shown."""


@dataclass
class SheetOptions:
    """What the command line says of spreadsheets."""

    guess: bool
    map: tuple[str, ...]
    save: str | None
    sheet: str | None
    create: bool | None
    dates: str | None
    decimal: str | None
    encoding: str | None

    def how(self, app: App, driver: str | None = None) -> How | None:
        """How spreadsheets are read, `driver` being that of rows that say none; None where nothing is said of them.
        Raises Malformed, NotFound."""
        from clusto_core.errors import Malformed
        from clusto_core.transfer.sheets.how import How

        named = [text for text in self.map if "=" not in text]
        said: dict[str, Any] = {}
        if named:
            if len(self.map) > 1:
                raise Malformed("a saved mapping stands alone: --map NAME, or --map COLUMN=WHAT,...")
            said = _saved(app, named[0])
        elif self.map:
            from clusto_core.transfer.sheets import mapping

            said = {"columns": mapping.parse(self.map)}
        for key in ("sheet", "dates", "decimal", "encoding"):
            if (given := getattr(self, key)) is not None:
                said[key] = given
        if driver is not None:
            from clusto_core.transfer.documents import driver_name

            said["driver"] = driver_name(driver)
        return How(**said) if said or self.save else None


def _saved(app: App, name: str) -> dict[str, Any]:
    from clusto_core.transfer.sheets import saved

    with app.reading() as reader:
        how = saved.named(reader, name)
    return {field.name: getattr(how, field.name) for field in fields(how)}


def sheet_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """The options about spreadsheets, which the verb gets as one: `sheet_options`."""

    @wraps(function)
    def collected(*args: Any, **given: Any) -> Any:
        ours = {field.name: given.pop(f"sheet_{field.name}") for field in fields(SheetOptions)}
        return function(*args, sheet_options=SheetOptions(**ours), **given)

    for option in reversed(_OPTIONS):
        collected = option(collected)
    return collected


_OPTIONS = (
    click.option(
        "--guess", "sheet_guess", is_flag=True, help="Show what the columns of spreadsheets are; write nothing."
    ),
    click.option(
        "--map",
        "sheet_map",
        metavar="MAP",
        multiple=True,
        shell_complete=completion.of_driver("SheetMap"),
        help="What columns are: Hostname=name,Rack=rack,U=unit,Switch+Port=connect.eth0; or a saved mapping.",
    ),
    click.option(
        "--save",
        "sheet_save",
        metavar="NAME",
        help="Keep what the columns are, for --map NAME.",
        shell_complete=completion.of_driver("SheetMap"),
    ),
    click.option("--sheet", "sheet_sheet", metavar="NAME", help="The sheet of a workbook, or its number."),
    click.option(
        "--create/--no-create",
        "sheet_create",
        default=None,
        help="Add racks, switches and PDUs that rows name; by default only those of a kind that the inventory has not.",
    ),
    click.option("--dates", "sheet_dates", type=click.Choice(("dmy", "mdy", "ymd")), help="The order in 03/04/2025."),
    click.option("--decimal", "sheet_decimal", type=click.Choice(("comma", "point")), help="What separates decimals."),
    click.option("--encoding", "sheet_encoding", metavar="NAME", help="Of text that is not Unicode or Windows-1252."),
)


# --- what was understood ---------------------------------------------------------------------------------------------


def tables(files: Iterable[str], format_name: str | None, how: How | None) -> Iterator[tuple[str, Table]]:
    """The tables of spreadsheets, by their files. Raises Malformed for files that are none."""
    from clusto_core.errors import Malformed
    from clusto_core.transfer import files as files_
    from clusto_core.transfer import formats
    from clusto_core.transfer.sheets import table, text
    from clusto_core.transfer.sheets.how import USUAL

    for path in files:
        name = "standard input" if path == files_.STDIN else path
        known = format_name or formats.of_extension(path.removesuffix(".gz"))
        with files_.opened(path) as file:
            if known is None:
                known, file = files_.guessed(file, name)
            formats.reader_of(known, how or USUAL)
            try:
                found = table.opened(file, how or USUAL, book=known != "csv")
            except text.NotATable as error:
                raise Malformed(f"{name}:{error.line}: {error}") from None
            yield name, found


def show(files: Iterable[str], format_name: str | None, how: How | None) -> None:
    """What the columns of spreadsheets are: a table with an example of each, and the mapping to correct."""
    for name, found in tables(files, format_name, how):
        write_lines(_described(name, found))


def _described(name: str, found: Table) -> Iterator[str]:
    from clusto_core.transfer.sheets import mapping

    rows = list(found.rows)
    if not (rows or found.titles):
        yield f"{name}: empty"
        return
    counted = f"{len(rows)} row{'s' if len(rows) != 1 else ''} below line {found.line}"
    if found.own:
        yield f"{name}: {counted}, in clusto's own columns: {', '.join(found.titles)}"
        return
    yield f"{name}: {counted}"
    used = {column for use in found.uses for column in use.columns}
    lines = [("COLUMN", "IS", "AS IN")]
    for use in found.uses:
        titles = "+".join(found.titles[column] for column in use.columns)
        example = next((row for _, row in rows if any(_cell(row, column) for column in use.columns)), [])
        lines.append((titles, use.target, ", ".join(_cell(example, column) for column in use.columns)))
    lines += [(title, "(left out)", "") for column, title in enumerate(found.titles) if title and column not in used]
    widths = [max(len(line[place][:_WIDTH]) for line in lines) for place in (0, 1)]
    for line in lines:
        yield f"{line[0][:_WIDTH]:{widths[0]}}  {line[1][:_WIDTH]:{widths[1]}}  {line[2][:_WIDTH]}".rstrip()
    yield f"--map {shlex.quote(mapping.as_text(mapping.spelled(found.uses, found.titles)))}"


def _cell(row: list[str], column: int) -> str:
    return row[column].replace("\n", " ") if column < len(row) else ""


def keep(change: Transaction, name: str, files: tuple[str, ...], format_name: str | None, how: How | None) -> None:
    """Keeps what the columns of a spreadsheet are under a name. Raises Malformed where files differ in that."""
    from dataclasses import replace

    from clusto_core.errors import Malformed
    from clusto_core.transfer import files as files_
    from clusto_core.transfer.sheets import mapping, saved
    from clusto_core.transfer.sheets.how import USUAL

    if files_.STDIN in files:
        raise Malformed("--save reads the columns once more: save the mapping of a file")
    found = [mapping.spelled(table.uses, table.titles) for _, table in tables(files, format_name, how)]
    if any(each != found[0] for each in found):
        raise Malformed("the files have different columns: save the mapping of one of them")
    if not found[0]:
        raise Malformed("the columns are clusto's own: there is no mapping to save")
    saved.save(change.unit, name, replace(how or USUAL, columns=found[0]))

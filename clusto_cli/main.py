"""The root of the command line: finds the verb, runs it, turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import click

from clusto_cli import streams
from clusto_cli.context import App
from clusto_cli.grouping import Aliased, Bare, Group

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from click.shell_completion import CompletionItem

from clusto_core.errors import ClustoError, Malformed, NotFound, Refused
from clusto_core.model.names import composed

EXIT_UNEXPECTED = 1
EXIT_USAGE = 2
EXIT_NOT_FOUND = 3
EXIT_REFUSED = 4
EXIT_DEVICE = 5
EXIT_INTERRUPTED = 130
EXIT_BROKEN_PIPE = 141
_CODES: tuple[tuple[type[ClustoError], int], ...] = (
    (Malformed, EXIT_USAGE),
    (NotFound, EXIT_NOT_FOUND),
    (Refused, EXIT_REFUSED),
)

_HABITS = {
    "rm": "remove",
    "delete": "remove",
    "del": "remove",
    "mv": "rename",
    "ls": "find",
    "list": "find",
    "cat": "show",
    "get": "show",
    "info": "show",
    "cfg": "config",
    "undo": "revert",
    "history": "log",
    "annotate": "blame",
    "praise": "blame",
    "status": "power status",
    "set": "attr set",
    "reboot": "power cycle",
    "reinstall": "rebuild",
    "where": "locate",
    "search": "find",
    "grep": "find",
    "ssh": "console",
    "create": "add",
    "new": "add",
    "link": "connect",
    "swap": "replace",
    "decommission": "retire",
    "release": "deallocate",
}
"""What hands type that know other programs, and the verb that does it here."""

HERE = ("alias", "completion", "config", "help", "shell")
"""Verbs that are of this machine, or know servers themselves."""

_COMMANDS = os.path.join(os.path.dirname(__file__), "commands")


class _Formatter(click.HelpFormatter):
    """As wide as the terminal. Click asks `shutil` how wide that is, whose import takes as long as all of the help."""

    def __init__(self, indent_increment: int = 2, width: int | None = None, max_width: int | None = None) -> None:
        super().__init__(indent_increment, width or max(min(_columns(), max_width or 80) - 2, 50), max_width)

    def write_dl(self, rows: Iterable[tuple[str, str]], col_max: int = 30, col_spacing: int = 2) -> None:
        """As click does. What fits its line is written as it is: wrapping takes longer than all else of a page."""
        rows = list(rows)
        column = min(max(len(term) for term, _ in rows), col_max)
        room = self.width - self.current_indent - column - col_spacing
        for term, text in rows:
            if text.isascii() and text.isprintable() and len(term) <= column and 0 < len(text) <= room:
                self.write(f"{'':{self.current_indent}}{term:{column + col_spacing}}{text}\n")
            else:
                super().write_dl([(term.ljust(column), text)], col_max, col_spacing)


def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(sys.stdout.fileno()).columns)
    except (ValueError, OSError):
        return 80


class _NoSuchOption(click.NoSuchOption):
    """Click takes each short option for an unknown long one first; what that may have meant, `misuse` finds out."""

    def __init__(
        self, option_name: str, message: str | None = None, possibilities: Any = None, ctx: Any = None
    ) -> None:
        super().__init__(option_name, message, None, ctx)
        self.possibilities = list(possibilities or ())  # type: ignore[misc]


click.Context.formatter_class = _Formatter  # of verbs, and of their verbs, too
vars(click.parser)["NoSuchOption"] = _NoSuchOption
for _name, _module in list(sys.modules.items()):
    # Nobody has translated click, and looking for that takes longer than parsing the command line.
    if _name.startswith("click."):
        vars(_module).update(_=str)


class Verbs(Group):
    """The verbs: modules in `commands/`, and the programs `clusto-NAME` on PATH. A verb is loaded when it is called."""

    def invoke(self, ctx: click.Context) -> Any:
        """As click does; with `--version` no verb."""
        if not ctx.params.pop("version"):
            if ctx.params.pop("output") is not None:
                raise click.UsageError("-o is said behind the verb, or with --version", ctx)
            if (words := self._of_server(ctx)) is None:
                return super().invoke(ctx)
            from clusto_cli.remote import run as run_there

            return run_there(App(**{name: ctx.params[name] for name in ("db", "config", "verbose", "debug")}), words)
        from clusto_cli import __version__

        output = ctx.params.pop("output")
        if output is None:
            click.echo(f"clusto {__version__}")
        if output is not None or ctx.params["verbose"]:
            from clusto_cli.parts import show

            show(output or "text")
        return 0

    def _of_server(self, ctx: click.Context) -> list[str] | None:
        """The words of a verb that a server is to do; None where the inventory is at hand, or the verb is not about
        it. Raises as `settings`."""
        words = rest_of(ctx)
        if not words or words[0] in HERE or _asks_for_help(words) or server_of(ctx) is None:
            return None
        return words if words[0] in self.list_commands(ctx) else None

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The built-in verbs. A module whose name Python keeps for itself ends in `_`: `import_.py` is `import`."""
        modules = (entry[:-3] for entry in os.listdir(_COMMANDS) if entry.endswith(".py") and entry[0] != "_")
        return sorted(module.rstrip("_").replace("_", "-") for module in modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, loaded; an outside program as a verb that passes on what follows it."""
        module = cmd_name.replace("-", "_")
        for name in (module, module + "_"):
            if name.isidentifier() and os.path.exists(os.path.join(_COMMANDS, name + ".py")):
                loaded = __import__(f"clusto_cli.commands.{name}", fromlist=["command"])
                command: click.Command = loaded.command
                return command
        if not cmd_name.startswith("-") and "/" not in cmd_name:
            from clusto_cli.children import find

            program = find(f"clusto-{cmd_name}")
            if program:
                from clusto_cli.external import command_for

                return command_for(cmd_name, program)
        return None

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does; an unknown verb gets a suggestion, and nothing to complete. Raises Aliased for an alias."""
        if not args or args[0].startswith("-") or self.get_command(ctx, args[0]) is not None:
            return super().resolve_command(ctx, args)
        from clusto_cli import aliases

        known = aliases.lines(ctx.params.get("config"))
        if args[0] in known:
            return aliases.resolved(args[0], known, args)
        if ctx.resilient_parsing:
            return args[0], click.Command(args[0], add_help_option=False), args[1:]
        from clusto_core.errors import did_you_mean
        from clusto_core.spelling import suggest

        guess = _HABITS.get(args[0]) or suggest(args[0], [*self.list_commands(ctx), *known])
        raise Malformed(f"no such verb: {args[0][:60]}{did_you_mean(guess)} (clusto help lists them)")

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The verbs, without loading any, the programs on PATH, and the aliases; or the options, as click does."""
        from click.shell_completion import CompletionItem

        from clusto_cli import aliases
        from clusto_cli.external import programs

        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        found = [CompletionItem(name, help=summary(name)) for name in self.list_commands(ctx)]
        known = {item.value for item in found}
        found += [CompletionItem(name, help=program) for name, program in programs().items() if name not in known]
        known = {item.value for item in found}
        with contextlib.suppress(ClustoError):
            lines = aliases.lines(ctx.params.get("config")).items()
            found += [CompletionItem(name, help=aliases.shown(line)) for name, line in lines if name not in known]
        return [item for item in found if item.value.startswith(incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The verbs with the first line of their modules, which needs none of them loaded."""
        rows = [(name, summary(name)) for name in self.list_commands(ctx)]
        with formatter.section("Verbs"):
            formatter.write_dl(rows)
        from clusto_cli.external import programs

        outside = [(name, program) for name, program in programs().items() if name not in dict(rows)]
        if outside:
            with formatter.section("Verbs from programs on PATH"):
                formatter.write_dl(outside)


def rest_of(ctx: click.Context) -> list[str]:
    """The words from the verb on. Click calls what is before the arguments of a group otherwise from 8.2 on."""
    known = vars(ctx)
    return [*known.get("_protected_args", known.get("protected_args", ())), *ctx.args]


def server_of(ctx: click.Context) -> str | None:
    """The URL of the server that has the inventory; None where it is at hand. What is wrong with the configuration is
    told where it is needed."""
    url = ctx.params.get("db") or os.environ.get("CLUSTO_DB")
    if url is None:
        from clusto_core.config import settings

        with contextlib.suppress(ClustoError):
            url = settings(None, ctx.params.get("config")).url
    return url if url is not None and url.startswith(("https://", "http://")) else None


def _asks_for_help(words: Sequence[str]) -> bool:
    options = words[: words.index("--")] if "--" in words else words
    return "-h" in options or "--help" in options


def summary(verb: str) -> str:
    """The first line of a verb's module, which says what the verb does."""
    module = verb.replace("-", "_")
    for name in (module, module + "_"):
        path = os.path.join(_COMMANDS, name + ".py")
        if os.path.exists(path):
            with open(path, encoding="utf-8") as file:
                return file.readline().strip().strip('"')
    return ""


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--db", metavar="URL", help="The inventory: sqlite:///PATH, postgresql://..., mariadb://..., https://...")
@click.option("--config", metavar="FILE", type=click.Path(), help="The configuration file.")
@click.option("-v", "--verbose", count=True, help="Say more.")
@click.option("--no-pager", is_flag=True, help="Print lists as they are, however long they are.")
@click.option("--debug", is_flag=True, help="Show where an error comes from.")
@click.option("--version", is_flag=True, help="Say which clusto; with -v also what it is made of and can use.")
@click.option(
    "-o",
    "--output",
    metavar="FORMAT",
    type=click.Choice(("text", "json", "jsonl", "yaml")),
    help="Of --version: json...",
)
@click.pass_context
def main(ctx: click.Context, db: str | None, config: str | None, verbose: int, no_pager: bool, debug: bool) -> None:
    """The command line for physical infrastructure: one inventory, and verbs that act through its wiring."""
    ctx.obj = App(db, config, verbose, debug)


def run() -> NoReturn:
    """Runs the command line of this process, and ends it."""
    streams.prepare()
    code = invoke(sys.argv[1:])
    from clusto_cli.ending import end

    end(code, interrupted=code == EXIT_INTERRUPTED)


def invoke(arguments: list[str]) -> int:
    """Runs one command and gives its exit code; errors are told on stderr, each in one line."""
    App.committed = None
    debug = "--debug" in arguments
    if debug:
        _show_failures()
    try:
        code = _told(list(map(composed, arguments)))
        sys.stdout.flush()
    except (KeyboardInterrupt, click.Abort):
        if sys.stderr.isatty():
            # The line has a question in it, or what was typed.
            print(file=sys.stderr)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        streams.abandon()
        return EXIT_BROKEN_PIPE
    except OSError as error:
        return _output_failed(error) if streams.failed(error) else _unexpected(error, debug)
    except click.ClickException as error:
        return _fail(usage(error), EXIT_USAGE, debug)
    except ClustoError as error:
        return _fail(str(error), code_of(error), debug, error.details)
    except Exception as error:
        return _unexpected(error, debug)
    return code


def code_of(error: ClustoError) -> int:
    """The exit code that says what the caller can do about it."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), EXIT_UNEXPECTED)


def _told(arguments: list[str]) -> int:
    """Runs one command; a page of help is its result, or says what is missing."""
    try:
        code = _run(arguments)
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except Bare as bare:
        return _page(bare)
    return code if isinstance(code, int) else 0


def _show_failures() -> None:
    """Shows where what adapters raised comes from."""
    import logging

    from clusto_cli.output import clean

    class Cleaned(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return "\n".join(map(clean, super().format(record).splitlines()))

    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Cleaned("clusto: debug: %(message)s"))
    logger = logging.getLogger("clusto_cli")
    logger.handlers = [handler]
    logger.setLevel(logging.DEBUG)


def _output_failed(error: OSError) -> int:
    """What cannot be written fails a command, unless it has changed the inventory: then its words go to stderr."""
    lost = streams.abandon()
    reason = f"{error.strerror}: {streams.NAME}"
    if App.committed is None:
        return _fail(reason, EXIT_UNEXPECTED, debug=False)
    print(f"clusto: {reason}; transaction {App.committed} is done, and said:", file=sys.stderr)
    sys.stderr.write(lost)
    return 0


def _run(arguments: list[str], aliases: Sequence[str] = ()) -> int | None:
    """Runs one command. What belongs before the verb (`--db URL`) is understood behind it, where the verb has no such
    option itself."""
    try:
        # Not `main.main`, which makes an exit code of its own of a pipe that nobody reads.
        with main.make_context("clusto", list(arguments)) as ctx:
            code: int | None = main.invoke(ctx)
    except click.NoSuchOption as error:
        moved = _moved_before_the_verb(arguments, error.option_name)
        if moved is None:
            raise
        return _run(moved, aliases)
    except Aliased as alias:
        return _run_alias(alias, arguments, aliases)
    return code


def _run_alias(alias: Aliased, arguments: list[str], aliases: Sequence[str]) -> int | None:
    from clusto_cli.aliases import follow

    aliases = follow(aliases, alias.name)
    # The history tells what was done, to those also who have no such alias.
    sys.argv[1:] = arguments = alias.within(arguments)
    return _run(arguments, aliases)


def _moved_before_the_verb(arguments: list[str], name: str) -> list[str] | None:
    """The arguments with the last such option, and its value, in front; None where it is none of clusto's own."""
    ours = (each for each in main.params if isinstance(each, click.Option) and each.name != "output")
    option = next((each for each in ours if name in each.opts), None)
    places = [place for place, word in enumerate(arguments) if word.partition("=")[0] == name]
    if option is None or not places or places[-1] == 0:
        return None
    start = places[-1]
    end = start + (1 if option.is_flag or option.count or "=" in arguments[start] else 2)
    if end > len(arguments):
        raise click.BadOptionUsage(name, f"option '{name}' requires an argument")
    return [*arguments[start:end], *arguments[:start], *arguments[end:]]


def _page(bare: Bare) -> int:
    """`clusto` alone asks what there is; a verb that needs another one and is called without is half a command."""
    asked = bare.ctx is not None and bare.ctx.parent is None
    print(bare.help, file=sys.stdout if asked else sys.stderr)
    return 0 if asked else EXIT_USAGE


def usage(error: click.ClickException) -> str:
    """Click's message as one line of ours."""
    from clusto_cli.misuse import told

    message, ctx = told(error), getattr(error, "ctx", None)
    # Of a verb that does something without a further one, Click's path ends with a blank.
    return f"{message} (see {ctx.command_path.strip()} --help)" if ctx else message


def _unexpected(error: Exception, debug: bool) -> int:
    from clusto_cli.backends.errors import DeviceError

    if isinstance(error, DeviceError):
        return _fail(str(error), EXIT_DEVICE, debug)
    if isinstance(error, OSError) and error.strerror:
        place = f": {error.filename}" if error.filename else ""
        return _fail(f"{error.strerror}{place}", EXIT_UNEXPECTED, debug)
    if _in_a_damaged_store():
        from clusto_core.store.database import DAMAGED

        return _fail(DAMAGED, EXIT_UNEXPECTED, debug)
    return _fail(f"unexpected {type(error).__name__}: {error} (--debug shows more)", EXIT_UNEXPECTED, debug)


def _in_a_damaged_store() -> bool:
    from clusto_core.store.damage import is_damaged_at

    return App.opened is not None and is_damaged_at(App.opened)


def _fail(message: str, code: int, debug: bool, details: tuple[str, ...] = ()) -> int:
    from clusto_cli.output import clean
    from clusto_core.secrecy import redacted

    if debug:
        import traceback

        for line in traceback.format_exc().splitlines():
            print(clean(line), file=sys.stderr)
    for line in (f"clusto: error: {message}", *details):
        print(clean(redacted(line)), file=sys.stderr)
    return code


if __name__ == "__main__":
    run()

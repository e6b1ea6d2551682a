"""The shell on IPython, where that is installed."""

from __future__ import annotations

from typing import Any

from clusto_cli.shell.completing import complete, typed
from clusto_cli.shell.session import HELP, Session
from clusto_core import ClustoError


def interact(session: Session) -> None:
    """Runs IPython until it is left. Raises ImportError where it is not installed."""
    from IPython.terminal.embed import InteractiveShellEmbed
    from IPython.terminal.prompts import Prompts, Token

    class _Prompts(Prompts):  # type: ignore[misc]
        def in_prompt_tokens(self) -> list[tuple[Any, str]]:
            return [(Token.Prompt, "clusto*> " if session.change is not None else "clusto> ")]

        def out_prompt_tokens(self) -> list[tuple[Any, str]]:
            return []

    from clusto_cli import colours

    names = session.names()
    plain = {"colors": "nocolor"} if colours.unwanted() else {}
    quiet = {"enable_tip": False} if "enable_tip" in InteractiveShellEmbed.class_trait_names() else {}
    shell = InteractiveShellEmbed(banner1=HELP + "\n", exit_msg="", user_ns=names, confirm_exit=False, **quiet, **plain)
    shell.prompts = _Prompts(shell)
    shell.set_custom_exc((ClustoError,), _told)
    _complete_by(shell, session)
    shell()


def _told(shell: Any, kind: type[BaseException], error: BaseException, trace: Any, tb_offset: Any = None) -> list[str]:
    """Tells what clusto refuses in one line."""
    from clusto_cli.output import clean

    lines = [f"error: {error}", *getattr(error, "details", ())]
    for line in lines:
        print(clean(line))
    return lines


def _complete_by(shell: Any, session: Session) -> None:
    from IPython.core.completer import SimpleCompletion

    def matcher(context: Any) -> dict[str, Any]:
        line = context.line_with_cursor[: context.cursor_position]
        quoted = typed(line)
        if quoted is None:
            return {"completions": []}
        found = complete(session.inventory, line, shell.user_ns)
        return {
            "completions": [SimpleCompletion(text=each, type="name") for each in found],
            "matched_fragment": quoted.text,
            "suppress": bool(found),
        }

    matcher.matcher_api_version = 2  # type: ignore[attr-defined]
    matcher.matcher_identifier = "clusto"  # type: ignore[attr-defined]
    shell.Completer.custom_matchers.insert(0, matcher)

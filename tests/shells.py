"""The real shells on a terminal, with clusto's completion loaded, and what they make of a half-typed line."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pexpect

READY = "READY "
_COLOURS = re.compile(r"\x1b(?:\[[0-9;?]*[a-zA-Z]|[>=]|\(B|\][^\x07\x1b]*(?:\x07|\x1b\\))")
_START = {
    "bash": [
        ("--norc", "--noprofile", "-i"),
        "bind 'set show-all-if-ambiguous on'; bind 'set completion-query-items 0'; bind 'set page-completions off'; "
        "bind 'set bell-style none'; bind 'set enable-bracketed-paste off'; source <(clusto completion bash); "
        'bind -x \'"\\C-x\\C-p": printf "LI""NE<%s>LINE\\n" "$READLINE_LINE"\'; '
        "PS1='REA''DY '",
    ],
    "zsh": [
        ("-f", "-i"),
        "autoload -Uz compinit; compinit -u -D; source <(clusto completion zsh); bindkey -e; LISTMAX=1000; "
        '_line() { zle -I; print -r -- "LI""NE<$BUFFER>LINE" }; zle -N _line; bindkey \'^X^P\' _line; '
        "setopt no_beep; unsetopt prompt_cr prompt_sp zle_bracketed_paste; PROMPT='REA''DY '",
    ],
    "fish": [
        ("--no-config", "-i"),
        "function fish_prompt; printf 'READY '; end; set -g fish_autosuggestion_enabled 0; "
        "function _line; printf 'LI''NE<%s>LINE\\n' (commandline | string collect); end; bind \\cx\\cp _line; "
        "clusto completion fish | source; echo LO''ADED",
    ],
}


class Shell:
    """An interactive shell."""

    def __init__(self, name: str, store: str, home: Path) -> None:
        arguments, setup = _START[name]
        self.name = name
        environment = {
            "PATH": os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"]),
            "HOME": str(home),
            "TERM": "xterm" if name == "fish" else "dumb",
            "LC_ALL": "C.UTF-8",
            "CLUSTO_DB": store,
        }
        program = shutil.which(name)
        assert program is not None
        self._child = pexpect.spawn(
            program, list(arguments), env=environment, encoding="utf-8", dimensions=(60, 200), timeout=30, cwd=str(home)
        )
        self._child.sendline(setup)
        if name == "fish":
            self._child.expect("LOADED\r\n")
        self._child.expect(READY)

    def words(self, typed: str) -> list[str]:
        """The words of the command line after `typed` and a tabulator, as the shell itself splits them."""
        self._child.send(typed + "\t")
        # What stands there is made the arguments of printf, and so is told by the shell, not read off the screen.
        self._child.send("\x01printf '<%s>' \x05" + " ; echo DO''NE\r")
        self._child.expect("DONE\r?\n")
        screen = _COLOURS.sub("", self._child.before or "")
        self._child.expect(READY)
        return re.findall(r"<([^<>]*)>", screen.rpartition("\n")[2])

    def line(self, typed: str, tabs: int = 1) -> str:
        """The command line after `typed` and so many tabulators, as the shell has it."""
        self._child.send(typed + "\t" * tabs + "\x18\x10")
        self._child.expect("LINE<(.*?)>LINE")
        line = _COLOURS.sub("", self._child.match[1])
        self._empty()
        return line

    def shown(self, typed: str, last: str) -> str:
        """What the shell lists for `typed` and two tabulators, up to the candidate `last`."""
        self._child.send(typed + "\t\t")
        self._child.expect_exact(last)
        screen = _COLOURS.sub("", (self._child.before or "") + last)
        self._empty()
        return screen

    def _empty(self) -> None:
        """Empties the line. The prompt may have been written anew before; so something is said behind it."""
        self._child.send("\x15echo DO''NE\r")
        self._child.expect("DONE\r?\n")
        self._child.expect(READY)

    def close(self) -> None:
        """Ends the shell."""
        self._child.close(force=True)

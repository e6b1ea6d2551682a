"""Say what machines have or are, by classes."""

from __future__ import annotations

from clusto_cli.categories import group
from clusto_core.drivers.categories import Class

command = group(
    Class,
    "Say what machines have or are: software, BigMem. A role can require classes; one that a role of a machine requires"
    " is not taken from it.",
)

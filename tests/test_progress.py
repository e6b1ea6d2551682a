"""The line that says how far the work is: on a terminal, of what takes longer than a second, and gone at its end."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pytest

from tests.terminals import open_terminal

WORK = """
import sys, time
from clusto_cli import progress
progress.PATIENCE = 0.05
with progress.progress("copying") as report:
    report("copying", 30, 120)
    {wait}
    {meanwhile}
    {wait}
print("over")
"""
WAIT = "sys.stdin.readline()"


def work(meanwhile: str = "pass", **environment: str) -> pexpect.spawn:
    code = WORK.format(wait=WAIT, meanwhile=meanwhile)
    return open_terminal(["-c", code], environment, program=sys.executable)


def test_the_line_comes_and_goes() -> None:
    child = work()
    child.setecho(False)
    child.expect(r"copying: 25% \(30/120\), \d s")
    child.sendline("")
    child.sendline("")
    child.expect_exact("\r\x1b[Kover\r\n")


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_what_is_written_meanwhile_goes_above_it(stream: str) -> None:
    child = work(f"print('a result', file=sys.{stream})")
    child.setecho(False)
    child.expect("copying: 25%")
    child.sendline("")
    child.expect_exact("\r\x1b[Ka result\r\n")
    child.expect("copying: 25%")
    child.sendline("")
    child.expect("over")


def test_a_question_is_not_written_over() -> None:
    child = work("print('sure? ', end='', file=sys.stderr); time.sleep(0.6)")
    child.setecho(False)
    child.expect("copying: 25%")
    child.sendline("")
    child.expect_exact("sure? ")
    child.sendline("")
    child.expect("over")
    assert "copying" not in child.before


def test_it_is_not_wider_than_the_terminal() -> None:
    code = WORK.format(wait=WAIT, meanwhile="pass").replace('report("copying"', 'report("c" * 300')
    child = open_terminal(["-c", code], {}, program=sys.executable, columns=40)
    child.expect(r"\x1b\[K(c+)")
    assert len(child.match[1]) == 39
    child.close(force=True)


def test_without_a_terminal_there_is_none() -> None:
    code = WORK.format(wait="time.sleep(0.3)", meanwhile="pass")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("over\n", "")
    child = work(TERM="dumb")
    child.sendline("")
    child.sendline("")
    child.expect(pexpect.EOF)
    assert "copying" not in child.before

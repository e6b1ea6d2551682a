"""Answers of devices, as a hostile or broken device would give them: real ones, changed here and there.

CLUSTO_FUZZ_CASES is how many cases each fuzzer tries: 1000 without more said, always the same ones; 20000 take about a
minute a protocol on an idle core, and are others each time.
"""

from __future__ import annotations

import itertools
import os
import resource
import struct
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

CASES = int(os.environ.get("CLUSTO_FUZZ_CASES", "1000"))
SECONDS = 5.0
"""What one case may take, most of which take a thousandth of it."""
MEMORY = 200 << 20

HOSTILE = (
    b"",
    b"\x1b]52;c;aGVsbG8=\x07",
    b"\x1b]0;root@server1\x07",
    b"\x1b[2J\x1b[H",
    b"\x1bP$q\x1b\\",
    b"\x9b31m",
    "\u202eevil\u2066".encode(),
    "\u0085\u2028".encode(),
    b"\r\nclusto: error: all is well\r\n",
    b"\x00" * 20,
    b"\xff\xfa\x18\x01",
    b"\xff\xf0",
    b"\xff" * 5,
    b"\r" * 50,
    b"\n" * 50,
    b"A" * 9000,
    b"\x1b" * 200,
    b"\x1b[" + b"9;" * 500,
    b"-1",
    b"99999999999999999999",
    b"{0} {host} %s %n",
    b"password: ",
    b"(yes/no)? ",
)
# A kind, two places, and what is put there: in one piece, because drawing each by itself takes most of a case's time.
_change = st.binary(min_size=7, max_size=7)


def mutated(answers: Sequence[bytes]) -> SearchStrategy[bytes]:
    """One of these, with up to six changes."""
    return st.builds(_apply, st.sampled_from(answers), st.lists(_change, max_size=6), st.sampled_from(answers))


def chunked(answers: Sequence[bytes]) -> SearchStrategy[list[bytes]]:
    """The same, in up to five pieces as they arrive."""
    return st.builds(_cut, mutated(answers), st.lists(st.integers(0, 0xFFFF), max_size=4))


def _apply(answer: bytes, changes: Sequence[bytes], other: bytes) -> bytes:
    said = answer
    for change in changes:
        kind, first, second, number, literal = struct.unpack("!BHHBB", change)
        piece = HOSTILE[number] if number < len(HOSTILE) else bytes((literal,))
        begin, end = sorted((first % (len(said) + 1), second % (len(said) + 1)))
        match kind % 7:
            case 0:
                said = said[:begin] + piece + said[begin:]
            case 1:
                said = said[:begin] + said[end:]
            case 2:
                said = said[:begin] + piece + said[begin + len(piece) :]
            case 3:
                said = said[:end] + said[begin:end] * (1 + first % 20) + said[end:]
            case 4:
                said = said[:begin]
            case 5:
                said = said[:begin] + other[: second % (len(other) + 1)] + said[begin:]
            case 6:
                lines = said.splitlines(keepends=True)
                said = b"".join(lines[first % (len(lines) + 1) :] + lines[: first % (len(lines) + 1)])
        said = said[:100_000]
    return said


def _cut(said: bytes, places: Sequence[int]) -> list[bytes]:
    cuts = [0, *sorted(place % (len(said) + 1) for place in places), len(said)]
    return [said[begin:end] for begin, end in itertools.pairwise(cuts)]


def fuzz(share: int = 1, cases: int = CASES) -> Any:
    """How a fuzzer is run that takes one in `share` of the cases; without more said, always the same ones."""
    return settings(
        max_examples=max(1, cases // share),
        deadline=None,
        database=None,
        derandomize="CLUSTO_FUZZ_CASES" not in os.environ,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate, Phase.shrink],
    )


@contextmanager
def bounded() -> Iterator[None]:
    """One case: it ends in time, and holds no memory to speak of."""
    began, before = time.monotonic(), _peak()
    yield
    assert time.monotonic() - began < SECONDS
    assert _peak() < max(MEMORY, before + (20 << 20))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def harmless(text: str) -> bool:
    """Whether a terminal does nothing of this but show it, on one line."""
    return all(character.isprintable() or character == "\t" for character in text)

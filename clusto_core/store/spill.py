"""Plain data that is more than memory should hold: in a file without a name, in batches, in the order it came in."""

from __future__ import annotations

import marshal
from collections.abc import Iterator
from typing import Any

from clusto_core.errors import StoreBroken


class Spill:
    """Batches of records, which are tuples of text, numbers, lists and mappings. What is in the file is of this process
    alone: nobody else can open it, and it is gone with the process."""

    def __init__(self) -> None:
        self._file: Any = None
        self._starts = [0]

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self._starts) - 1

    def append(self, batch: list[tuple[Any, ...]]) -> None:
        """Adds a batch. Raises StoreBroken where there is no room for it."""
        try:
            if self._file is None:
                import tempfile

                self._file = tempfile.TemporaryFile(prefix="clusto-")  # noqa: SIM115
            self._file.seek(self._starts[-1])
            self._file.write(marshal.dumps(batch))
            self._file.flush()
            self._starts.append(self._file.tell())
        except OSError as error:
            raise StoreBroken(
                f"no room for temporary files: {error.strerror or error} (TMPDIR says where they go)"
            ) from None

    def batch(self, number: int) -> list[tuple[Any, ...]]:
        """One batch, by its number from 0; the records are made anew."""
        start, end = self._starts[number : number + 2]
        self._file.seek(start)
        found: list[tuple[Any, ...]] = marshal.loads(self._file.read(end - start))
        return found

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        """All records, a batch in memory at a time."""
        for number in range(len(self)):
            yield from self.batch(number)

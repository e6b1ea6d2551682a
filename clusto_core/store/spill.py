"""Records that are more than memory should hold: kept in a file without a name, in batches, in the order in which they
came."""

from __future__ import annotations

import pickle
import tempfile
from array import array
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

from clusto_core.errors import StoreBroken

_Record = TypeVar("_Record")


class Spill(Generic[_Record]):
    """Batches of records. What is in the file is of this process alone: nobody else can open it, and it is gone with
    the process."""

    def __init__(self) -> None:
        self._file: Any = None
        self._starts = array("q")

    def __len__(self) -> int:
        """How many batches there are."""
        return len(self._starts)

    def append(self, batch: list[_Record]) -> None:
        """Adds a batch. Raises StoreBroken where there is no room for it."""
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile(prefix="clusto-")  # noqa: SIM115
            self._starts.append(self._file.seek(0, 2))
            pickle.dump(batch, self._file, pickle.HIGHEST_PROTOCOL)
            self._file.flush()
        except OSError as error:
            raise StoreBroken(
                f"no room for temporary files: {error.strerror or error} (TMPDIR says where they go)"
            ) from None

    def batch(self, number: int) -> list[_Record]:
        """One batch, by its number from 0; the records are made anew."""
        self._file.seek(self._starts[number])
        found: list[_Record] = pickle.load(self._file)
        return found

    def __iter__(self) -> Iterator[_Record]:
        """All records, a batch in memory at a time."""
        for number in range(len(self)):
            yield from self.batch(number)

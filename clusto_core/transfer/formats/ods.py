"""Workbooks of LibreOffice and other programs, OpenDocument spreadsheets; the columns are those of CSV."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from clusto_core.transfer.documents import Document
from clusto_core.transfer.sheets import reading
from clusto_core.transfer.sheets.how import USUAL, How

SHEET = True
"""What is read is told how (`sheets.how`)."""


def read(file: TextIO, name: str, how: How = USUAL) -> Iterator[Document]:
    """The Documents of one sheet of a workbook."""
    return reading.read(file, name, how, book=True)

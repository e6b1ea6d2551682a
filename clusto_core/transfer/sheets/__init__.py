"""Spreadsheets as people keep them: what their cells hold, what their columns mean, and the Things of their rows.

`text` and `workbook` read files, `table` finds the row that has the titles, `recognising` tells by the titles what the
columns are, `mapping` is that as text which people correct, `contents` reads dates and numbers as a country writes
them, `rows` makes Documents.
"""

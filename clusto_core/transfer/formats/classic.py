"""The database of the classic clusto (0.7): the path of its SQLite file, or the URL of one on a server; no text, and so
read by the source alone."""

SOURCE = "classic"

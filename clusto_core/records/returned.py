"""What was taken out of the inventory not long ago, as the history tells it: what is not to be given out again yet."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime

from clusto_core.model.things import Attribute
from clusto_core.records import moments
from clusto_core.store.net import last_transaction
from clusto_core.store.reader import Reader
from clusto_core.store.rows import remembered_attribute

_TAKEN_OUT = """
    SELECT c.before FROM changes c
    WHERE c.transaction_id > :after AND c.transaction_id <= :until AND c.before IS NOT NULL"""


def taken_out(reader: Reader, key: str, since: datetime) -> Iterator[Attribute]:
    """The values under a key, with whatever number and subkey, that were taken out since then; some may be there
    again. What it costs goes by how much was changed since."""
    known = {"after": moments.before(reader, since), "until": last_transaction(reader.database)}
    mark = f'"{key}'
    for (document,) in reader.database.iterate(_TAKEN_OUT, known):
        if mark in document:
            attributes = map(remembered_attribute, json.loads(document).get("attributes", ()))
            yield from (attribute for attribute in attributes if attribute.key.key == key)

"""What stands in a service's answers. Nothing of it is taken for what it should be: what is of another kind is
absent.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from clusto_cli.backends.errors import Refused

Document = Mapping[str, Any]
_WORDS = 300
_ENTRIES = 1000


def parsed(content: bytes, where: str) -> Document:
    """The resource in the body of an answer. Raises Refused for what is no JSON object."""
    try:
        document = json.loads(content)
    except RecursionError:
        raise Refused(f"{where}: its answer is nested too deeply") from None
    except ValueError:
        raise Refused(f"{where}: its answer is {'not JSON' if content.strip() else 'empty'}") from None
    if not isinstance(document, dict):
        raise Refused(f"{where}: its answer is no Redfish resource")
    return document


def mapping(value: object) -> Document:
    """An object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def text(value: object) -> str | None:
    """A text that is not empty."""
    return value if isinstance(value, str) and value else None


def texts(value: object) -> list[str]:
    """The texts in a list."""
    return [each for each in listing(value) if isinstance(each, str)]


def listing(value: object) -> list[Any]:
    """The first thousand of a list; one object counts as a list of itself."""
    return value[:_ENTRIES] if isinstance(value, list) else [value] if isinstance(value, dict) else []


def link(value: object) -> str | None:
    """Where a reference leads."""
    return text(mapping(value).get("@odata.id"))


def message_ids(document: Document) -> list[str]:
    """The ids of an error's messages without their registry: `ResourceInUse`, `SWC0700`."""
    ids = (text(each.get("MessageId")) or text(each.get("MessageID")) for each in _infos(document))
    return [each.rpartition(".")[2] for each in ids if each]


def message(document: Document) -> str | None:
    """Why the service refused, in its words (DSP0266, error responses; iLO 4 has ids and no words)."""
    error = document.get("error")
    said = [words for each in _infos(document) if (words := _words(each))]
    told = "; ".join(dict.fromkeys(said)) or text(mapping(error).get("message")) or text(error)
    return " ".join(told.split())[:_WORDS] if told else None


def _infos(document: Document) -> Iterator[Document]:
    error = mapping(document.get("error"))
    for each in listing(error.get("@Message.ExtendedInfo")) or listing(document.get("Messages")):
        yield mapping(each)


def _words(info: Document) -> str | None:
    words = text(info.get("Message"))
    if words:
        return words
    name = text(info.get("MessageId")) or text(info.get("MessageID"))
    arguments = ", ".join(texts(info.get("MessageArgs")))
    return f"{name} ({arguments})" if name and arguments else name

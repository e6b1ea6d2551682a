"""How to read a NetBox: pynetbox's Records, its requests alone, bare HTTP, and what GraphQL would send.

Against the tests' server, on loopback, in a process of its own; what is told is the processor time of this client,
the best of three, and the sizes of the answers. GraphQL is not served: its answers are made of the same objects in
its shape, and decoded. The site is a dump of NetBox's: python3 benchmarks/netbox_reading.py DUMP.json[.gz]
"""

from __future__ import annotations

import gzip
import json
import multiprocessing
import sys
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from clusto_core.transfer.netbox.client import Client
from clusto_core.transfer.netbox.models import MODELS, fields_of
from tests.netbox_server import NetBox

TOKEN = "0123456789abcdef"
ASKED = [model for model in MODELS.values() if not model.optional]


def serve(told: Connection, objects: list[Any]) -> None:
    with NetBox(objects) as netbox:
        told.send(netbox.url)
        told.recv()


def best(what: str, read: Callable[[], int]) -> None:
    took = []
    for _ in range(3):
        began = time.process_time()
        count = read()
        took.append(time.process_time() - began)
    print(f"{what:40} {min(took):6.2f} s for {count} objects")


def records(url: str) -> int:
    import pynetbox

    api = pynetbox.api(url, token=TOKEN)
    lists = (getattr(getattr(api, app), name) for app, name in (model.path.split("/") for model in ASKED))
    return sum(1 for each in lists for _ in each.all(limit=1000))


def requests_alone(url: str) -> int:
    client = Client(url, TOKEN)
    return sum(len(rows) for model in ASKED for rows, _ in client.pages(model.path, fields_of(model)))


def bare(url: str) -> int:
    import httpx

    count = 0
    with httpx.Client(headers={"Authorization": f"Token {TOKEN}"}) as client:
        for model in ASKED:
            asked = {"fields": ",".join(fields_of(model)), "ordering": "id", "limit": 1000, "id__gt": 0}
            while True:
                rows = client.get(f"{url}/api/{model.path}/", params=asked).json()["results"]
                count += len(rows)
                if len(rows) < 1000:
                    break
                asked["id__gt"] = rows[-1]["id"]
    return count


def sizes(objects: list[Any]) -> None:
    netbox = NetBox(objects)
    netbox.url = "https://netbox.example.com"
    every = [
        (model, netbox._object(model.name, pk, row))
        for model in ASKED
        for pk, row in netbox.tables.get(model.name, {}).items()
    ]
    chosen = [{name: each.get(name) for name in fields_of(model) if name in each} for model, each in every]
    for what, answers in (
        ("REST, all fields", [each for _, each in every]),
        ("REST, fields=", chosen),
        ("GraphQL", list(map(graph, chosen))),
    ):
        text = json.dumps(answers)
        took = []
        for _ in range(5):
            began = time.process_time()
            json.loads(text)
            took.append(time.process_time() - began)
        print(f"{what:40} {len(text) / 1e6:6.2f} MB, decoded in {1000 * min(took):.0f} ms")


def graph(value: Any) -> Any:
    """An object as GraphQL has it: what it names by number alone, choices by the names of their enumeration."""
    if isinstance(value, dict):
        if "value" in value and "label" in value:
            return str(value["value"]).upper()
        if "url" in value:
            return {"id": str(value["id"])}
        return {name: graph(each) for name, each in value.items()}
    return [graph(each) for each in value] if isinstance(value, list) else value


def main(path: str) -> None:
    content = Path(path).read_bytes()
    objects = json.loads(gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content)
    sizes(objects)
    near, far = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(far, objects), daemon=True)
    server.start()
    url = near.recv()
    best("pynetbox, Records", lambda: records(url))
    best("pynetbox, requests alone, fields=", lambda: requests_alone(url))
    best("httpx, fields=", lambda: bare(url))
    near.send("done")
    server.join()


if __name__ == "__main__":
    main(sys.argv[1])

"""What Prometheus asks a server, or reads of an export: targets and metrics, taken by Prometheus itself."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import Run
from tests.console.lab import until
from tests.controllers import free_port
from tests.web.ecosystem import peopled
from tests.web.site import Site, running

ASKED = "/sd/prometheus?where=driver:Server&port=9100&label=rack&label=state%3Dstatus"


def program(name: str, package: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed (Debian: {package})")
    return found


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    directory = tmp_path_factory.mktemp("prometheus")
    with running(peopled(directory), directory / "log") as site:
        yield site


def test_targets_have_their_address_and_labels(served: Site) -> None:
    answer = served.ask(ASKED)
    assert answer.headers["Content-Type"] == "application/json"
    assert "s4, s5, s6" in answer.headers["Clusto-Note"]
    first, second, third = answer.json()
    about = {"__meta_clusto_name": "s1", "__meta_clusto_driver": "Server", "rack": "rack2", "state": "spare"}
    assert first == {"targets": ["10.0.0.1:9100"], "labels": about}
    assert second["targets"] == ["10.0.0.2:9100"]
    assert third["targets"] == ["[2001:db8::3]:9100"]
    again = served.ask(ASKED, headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_all_that_has_an_address_is_a_target(served: Site) -> None:
    found = served.ask("/sd/prometheus").json()
    assert [each["targets"] for each in found] == [["10.0.0.1"], ["10.0.0.2"], ["[2001:db8::3]"], ["10.0.0.254"]]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("label=__address__%3Dname", 400),
        ("label=__scheme__%3Dstatus", 400),
        ("label=a-b%3Dname", 400),
        ("label=snmp.community", 400),
        ("label=no.such", 404),
        ("port=0", 400),
        ("where=name:nowhere", 404),
        ("cookie=1", 400),
    ],
)
def test_what_is_no_label_is_refused(served: Site, query: str, status: int) -> None:
    assert served.ask(f"/sd/prometheus?{query}").status_code == status


def test_a_token_has_the_targets_and_counts_of_what_it_sees(served: Site) -> None:
    token = served.token("ann", where="name:s1")
    assert [each["targets"] for each in served.ask(ASKED.partition("&label")[0], token=token).json()] == [
        ["10.0.0.1:9100"]
    ]
    assert 'clusto_things{driver="Server",status="spare"} 1\n' in served.ask("/metrics", token=token).text


def test_metrics_are_what_they_say(served: Site) -> None:
    text = served.ask("/metrics").text
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert values['clusto_things{driver="Server",status="spare"}'] == "5"
    assert values['clusto_things{driver="Server",status="q\\" } 1\\n\\\\ x"}'] == "1"
    assert values['clusto_rack_units{rack="rack1",state="used"}'] == "6"
    assert values['clusto_rack_units{rack="rack1",state="free"}'] == "36"
    assert values['clusto_policy_violations{policy="small",level="warning"}'] == "3"
    assert values["clusto_transaction"] == "2"


def test_what_is_exported_is_what_is_served(served: Site, clusto: Run) -> None:
    words = ["--port", "9100", "--label", "rack", "--label", "state=status", "driver:Server"]
    done = clusto("--db", served.store, "export", "--format", "prometheus", *words)
    assert json.loads(done.out) == served.ask(ASKED).json()
    assert "s4, s5, s6" in done.err
    assert clusto("--db", served.store, "export", "--format", "metrics").out == served.ask("/metrics").text
    some = clusto("--db", served.store, "export", "--format", "metrics", "s1").out
    assert 'clusto_things{driver="Server",status="spare"} 1\n' in some
    assert "clusto_rack_units{" not in some
    refused = clusto("--db", served.store, "export", "--port", "9100")
    assert refused.code == 2


def test_a_source_has_an_age(served: Site, clusto: Run, tmp_path: Path) -> None:
    store = peopled(tmp_path)
    (tmp_path / "hosts").write_text("10.0.0.77 s6\n")
    assert clusto("--db", store, "import", "--format", "hosts", str(tmp_path / "hosts")).code == 0
    text = clusto("--db", store, "export", "--format", "metrics").out
    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert 0 <= float(values['clusto_sync_age_seconds{source="hosts"}']) < 3600
    assert values['clusto_sync_failed{source="hosts"}'] == "0"
    assert 'clusto_sync_timestamp_seconds{source="hosts"}' in values


def test_promtool_finds_nothing_wrong(served: Site) -> None:
    tool = program("promtool", "prometheus")
    curl = program("curl", "curl")
    text = subprocess.run([curl, "-fsS", f"{served.url}/metrics"], capture_output=True, check=True, timeout=60).stdout
    done = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_prometheus_takes_targets_and_metrics(served: Site, tmp_path: Path) -> None:
    found = _asked_by_prometheus(served, tmp_path)
    known = {each["labels"]["instance"]: each for each in found if each["labels"]["job"] == "nodes"}
    assert set(known) == {"s1", "s2", "s3"}
    assert known["s1"]["discoveredLabels"]["__address__"] == "10.0.0.1:9100"
    assert known["s1"]["discoveredLabels"]["__meta_clusto_driver"] == "Server"
    assert known["s1"]["labels"]["rack"] == "rack2"
    assert known["s2"]["labels"]["state"] == 'q" } 1\n\\ x'
    (inventory,) = [each for each in found if each["labels"]["job"] == "inventory"]
    assert (inventory["health"], inventory["lastError"]) == ("up", "")


def _asked_by_prometheus(served: Site, tmp_path: Path) -> list[dict[str, Any]]:
    """The targets of a Prometheus that asks the server."""
    port = free_port(socket.SOCK_STREAM)
    config = tmp_path / "prometheus.yml"
    config.write_text(
        json.dumps(
            {
                "global": {"scrape_interval": "1s"},
                "scrape_configs": [
                    {
                        "job_name": "nodes",
                        "scrape_interval": "1h",
                        "http_sd_configs": [{"url": served.url + ASKED}],
                        "relabel_configs": [{"source_labels": ["__meta_clusto_name"], "target_label": "instance"}],
                    },
                    {"job_name": "inventory", "static_configs": [{"targets": [f"127.0.0.1:{served.port}"]}]},
                ],
            }
        )
    )
    words = [f"--config.file={config}", f"--storage.tsdb.path={tmp_path}", f"--web.listen-address=127.0.0.1:{port}"]
    server = subprocess.Popen(
        [program("prometheus", "prometheus"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )

    def targets() -> list[dict[str, Any]]:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}/api/v1/targets", params={"state": "active"}, timeout=5)
            active: list[dict[str, Any]] = answer.json()["data"]["activeTargets"]
        except (httpx.HTTPError, ValueError, KeyError):
            return []
        waiting = {each["labels"]["job"] for each in active} != {"nodes", "inventory"}
        waiting |= any(each["labels"]["job"] == "inventory" and each["health"] == "unknown" for each in active)
        return [] if waiting else active

    try:
        until(targets, "Prometheus has asked for its targets", 60)
        return targets()
    finally:
        server.kill()
        server.wait()

"""Files of other tools as sources, by the verbs."""

from __future__ import annotations

from pathlib import Path

import pytest

from clusto_core.transfer import formats, sources
from tests.conftest import Run


def test_every_format_of_mentions_is_a_type_of_source() -> None:
    assert {"file", *formats.sources()} <= set(sources.types())


@pytest.fixture
def powerman(tmp_path: Path, clusto: Run) -> Path:
    """A powerman.conf of one node that is there, and of one that is not."""
    clusto("add", "Server", "srv1")
    clusto("add", "PDU", "pdu1")
    path = tmp_path / "powerman.conf"
    path.write_text('device "pdu1" "x" "pdu1:23"\nnode "srv1" "pdu1" "5"\nnode "new" "pdu1" "6"\n')
    return path


def test_it_is_imported_by_its_format(powerman: Path, clusto: Run) -> None:
    dry = clusto("import", "--format", "powerman", str(powerman), "--dry-run")
    assert "+ srv1:psu1 -- pdu1:5" in dry.out.splitlines() or "+ pdu1:5 -- srv1:psu1" in dry.out.splitlines()
    done = clusto("import", "--format", "powerman", str(powerman))
    assert done.out.splitlines()[0] == "1 of powerman are not in the inventory, and are another source's to bring"
    assert clusto("trace", "srv1:psu1").out.splitlines()[-1].endswith("pdu1:5")


def test_it_is_declared_as_a_source(powerman: Path, clusto: Run, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[source.power]\ntype = "powerman"\nfile = ["{powerman}"]\n')
    env = {"CLUSTO_CONFIG": str(config)}
    assert clusto("sync", "power", env=env).code == 0
    assert clusto("trace", "srv1:psu1").out.splitlines()[-1].endswith("pdu1:5")
    powerman.write_text(powerman.read_text().replace('"5"', '"x\x07"'))
    held = clusto("sync", "power", env=env)
    assert (held.code, "\x07" in held.out) == (4, False)
    powerman.write_text("node")
    broken = clusto("sync", "power", env=env)
    assert (broken.code, broken.err.count("\n")) == (2, 1)

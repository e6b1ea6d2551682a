"""The verbs policy and check."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

from tests.conftest import Run

NEVER = "driver:Server and attr:status,allocated and count(connected to driver:PDU) < 2"


def site(clusto: Run) -> None:
    """Two PDUs, a server on both, one on none."""
    clusto("add", "PDU", "pdu[1-2]")
    clusto("add", "Server", "s[1-2]", "--attr", "status=allocated")
    clusto("connect", "s1:psu1", "pdu1:1")
    clusto("connect", "s1:psu2", "pdu2:1")


def test_a_policy_is_defined_told_and_forgotten(clusto: Run) -> None:
    site(clusto)
    result = clusto("policy", "define", "two-pdus", "--never", NEVER, "--say", "one PDU", "--enforce")
    assert (result.out, "1 Thing breaks" in result.err) == ("defined two-pdus\n", True)
    assert clusto("policy", "define", "two-pdus", "--never", NEVER, "--say", "one PDU", "--enforce").out.startswith(
        "already"
    )
    assert clusto("policy", "list").out.splitlines()[0] == f"two-pdus\terror, enforced\t{NEVER}"
    assert clusto("policy", "show", "two-pdus").out.splitlines() == [
        "level: error",
        "enforced: yes",
        f"never: {NEVER}",
        "say: one PDU",
    ]
    result = clusto("check")
    assert (result.code, result.out) == (4, "s2\ttwo-pdus\terror\tone PDU\n")
    assert clusto("check", "name:s1").code == 0
    result = clusto("disconnect", "s1:psu1")
    assert (result.code, result.err) == (4, "clusto: error: s1 would break the policy two-pdus: one PDU\n")
    assert clusto("policy", "delete", "two-pdus").out == "deleted two-pdus\n"
    assert "no policies" in clusto("check").err


def test_warnings_are_told_and_no_failure(clusto: Run) -> None:
    site(clusto)
    clusto("policy", "define", "two-pdus", "--never", NEVER, "--level", "warning")
    clusto("policy", "enable", "rack-units")
    assert (clusto("check").code, clusto("check", "--policy", "rack-units").out) == (0, "")
    (told,) = json.loads(clusto("check", "-o", "json").out)
    assert told == {
        "name": "s2", "driver": "Server", "policy": "two-pdus", "level": "warning", "message": NEVER, "known": True,
    }  # fmt: skip
    suite = ElementTree.fromstring(clusto("check", "-o", "junit").out)
    assert [case.get("name") for case in suite] == ["rack-units", "s2"]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "0")
    clusto("policy", "define", "two-pdus", "--never", NEVER)
    suite = ElementTree.fromstring(clusto("check", "-o", "junit").out)
    assert [failure.get("message") for failure in suite.iter("failure")] == [NEVER]


def test_only_what_is_new_since_a_transaction(clusto: Run) -> None:
    site(clusto)
    clusto("policy", "define", "two-pdus", "--never", NEVER)
    last = json.loads(clusto("log", "-o", "json").out)[0]
    number = last.get("id") or last["transaction"]
    assert (clusto("check", "--since", str(number)).code, clusto("check", "--since", "0").code) == (0, 4)
    clusto("disconnect", "s1:psu1")
    clusto("rename", "s2", "s3")
    assert clusto("check", "--since", str(number)).out.split("\t")[0] == "s1"
    assert clusto("check", "--since", "99").code == 3
    assert clusto("check", "--since", "soon").code == 2


def test_policies_are_exported_and_imported(clusto: Run, tmp_path: Path) -> None:
    site(clusto)
    clusto("policy", "define", "two-pdus", "--never", NEVER, "--enforce")
    clusto("policy", "enable", "two-feeds", "--among", "attr:status,spare", "--allow-unknown", "--level", "warning")
    exported = tmp_path / "site.yaml"
    exported.write_text(clusto("export").out)
    listed = clusto("policy", "list").out
    for name in ("two-pdus", "two-feeds"):
        clusto("policy", "delete", name)
    assert clusto("import", str(exported)).code == 0
    assert clusto("policy", "list").out == listed
    bad = tmp_path / "bad.yaml"
    bad.write_text("things:\n- name: '%x'\n  driver: Policy\n  attrs: {_policy: {json: {level: bad}}}\n")
    result = clusto("import", str(bad))
    assert result.code == 2, result
    file = tmp_path / "new.yaml"
    file.write_text("things:\n- name: s9\n  driver: Server\n  attrs: {status: allocated}\n")
    result = clusto("import", str(file))
    assert (result.code, "s9 would break the policy two-pdus" in result.err) == (4, True)


def test_pools_with_rules(clusto: Run) -> None:
    clusto("add", "Server", "s1")
    assert clusto("pool", "create", "--exclusive", "prod", "dev").out.splitlines() == [
        "created Pool prod",
        "created Pool dev",
        "defined the policy exclusive-prod-dev",
    ]
    clusto("pool", "add", "prod", "s1")
    assert clusto("pool", "add", "dev", "s1").code == 4
    assert clusto("pool", "create", "--everyone", "Server", "prod", "dev").code == 0
    assert clusto("add", "Server", "s2").code == 4

"""The description of the API is true: what is asked as it says is answered as it says, and what is not is refused."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, settings  # noqa: E402
from jsonschema import Draft202012Validator  # noqa: E402

from clusto_cli.web import api  # noqa: E402
from clusto_cli.web.api import describing  # noqa: E402
from tests.web.conftest import filled  # noqa: E402
from tests.web.site import API, Site, running, with_limits  # noqa: E402

EXAMPLES = 60 if os.environ.get("CLUSTO_LONG_TESTS") else 2
DOCUMENT = describing.document(api.operations())
described = schemathesis.openapi.from_dict(DOCUMENT)


CHECKS = schemathesis.checks
NOT_SAID = [
    CHECKS.positive_data_acceptance,  # a text is an expression, a name, a moment or none: no schema says which
    CHECKS.ignored_auth,  # who is on this machine reads without
    CHECKS.unsupported_method,  # HEAD is answered as GET is
]


@pytest.fixture(scope="module")
def described_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, str]]:
    directory = tmp_path_factory.mktemp("described")
    with running(filled(directory), directory / "log", setup=with_limits(rates="Rates(wait=0.1)")) as site:
        yield site, site.token("bob", "writer")


@described.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), database=None
)
def test_it_answers_as_it_says(case: schemathesis.Case, described_site: tuple[Site, str]) -> None:
    site, token = described_site
    headers = {"Authorization": f"Bearer {token}"}
    case.call_and_validate(base_url=site.url, headers=headers, excluded_checks=NOT_SAID)


def test_what_is_described_is_what_there_is(reading: Site) -> None:
    answer = reading.ask(f"{API}/openapi.json")
    assert answer.json() == DOCUMENT
    page = reading.ask(f"{API}/docs")
    written = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for path, methods in DOCUMENT["paths"].items():
        assert path in page.text
        for method in methods:
            assert f"| `{method.upper()} {path.removeprefix(API)}` |" in written


def test_every_schema_is_one() -> None:
    for path in DOCUMENT["paths"].values():
        for operation in path.values():
            contents = [each.get("content", {}) for each in operation["responses"].values()]
            contents.append(operation.get("requestBody", {}).get("content", {}))
            for content in contents:
                for media in content.values():
                    Draft202012Validator.check_schema(media["schema"])


def test_every_parameter_and_operation_is_told() -> None:
    operations = [operation for path in DOCUMENT["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    for operation in operations:
        assert operation["summary"]
        assert all(each["description"] for each in operation["parameters"])

"""Whatever the OpenAPI document allows, and much that it does not, is answered as the document says.

A longer run than the suite's: DAYLIGHT_EXAMPLES=300 .venv/bin/python -m pytest tests/test_openapi.py
"""

import json
import os
from collections.abc import Iterator

import hypothesis
import pytest
import schemathesis
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck
from schemathesis import Case
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import positive_data_acceptance

from dreaming.api import api
from memory.models import MemoryStore
from sessions.models import Agent
from sessions.services import issue_key
from sessions.shapes import SESSION
from sessions.streaming import open_session
from tests.factories import make_live_memory, make_session, make_store
from tests.sessions.samples import ADMIN

CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 7,
        "generation": {
            "max-examples": int(os.environ.get("DAYLIGHT_EXAMPLES", "40")),
            "deterministic": True,
            "with-security-parameters": False,  # the test's own key is sent; the checks try none and a wrong one
            "allow-x00": False,  # refused everywhere, which JSON Schema cannot say
            "allow-extra-parameters": False,  # reads of memory refuse unknown names, others ignore them; the document cannot say so
        },
        "parameters": {"path.agent": "support-bot", "path.store": "claims"},
    }
)
pytestmark = pytest.mark.django_db
schema = schemathesis.openapi.from_dict(json.loads(json.dumps(api.get_openapi_schema())), config=CONFIG)
schema.app = WSGIHandler()


@schemathesis.serializer("application/x-ndjson")
def as_lines(ctx: object, value: object) -> bytes:
    """What is generated is one text; bytes are sent as they are."""
    return value.encode("utf-8", "surrogatepass") if isinstance(value, str) else json.dumps(value).encode()


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """Requests through WSGI share the test's transaction."""
    ends = (request_started, request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


@pytest.fixture
def key(rita) -> str:
    agent = Agent.objects.create(slug="support-bot")
    store: MemoryStore = make_store("claims", [agent])
    make_session(agent, external_id="closed")
    open_session(agent=agent, head={"id": "open", "agent": agent.slug})
    for name in ("refunds", "orders"):
        make_live_memory(store, rita, path=f"/tools/{name}.md")
    key, text = issue_key(agent=agent, scopes=["ingest", "read", "propose"], issued_by=ADMIN)
    key.per_minute = 10**6
    key.save(update_fields=["per_minute"])
    return text


@schema.hook
def map_path_parameters(ctx: object, path_parameters: dict | None) -> dict | None:
    """Every other session is one that is there."""
    if path_parameters and "session_id" in path_parameters:
        number = len(str(path_parameters["session_id"])) % 4
        path_parameters["session_id"] = ("open", "closed", *[path_parameters["session_id"]] * 2)[number]
    return path_parameters


# What sessions and memories must be is more than JSON Schema says: no NUL, each seq once, a path that is free.
NO_SCHEMA_SAYS = {"POST": [positive_data_acceptance], "PUT": [positive_data_acceptance]}


@schema.parametrize()
@hypothesis.settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_the_api_does_as_its_document_says(case: Case, key):
    case.call_and_validate(
        headers={"Authorization": f"Bearer {key}"}, excluded_checks=NO_SCHEMA_SAYS.get(case.method, [])
    )


def test_the_document_has_the_format_of_sessions():
    published = json.loads((settings.BASE_DIR / "docs" / "session.schema.json").read_text())
    assert {name: published[name] for name in SESSION} == SESSION


def test_every_operation_has_an_example_of_what_is_sent_and_of_each_refusal():
    operations = [operation for path in schema.raw_schema["paths"].values() for operation in path.values()]
    assert len(operations) == 9
    for operation in operations:
        sent = operation.get("requestBody", {"content": {}})["content"].values()
        assert all("example" in body or "$ref" in body["schema"] for body in sent)
        named = [one for one in operation["parameters"] if one["in"] == "path"]
        assert all(one["schema"].get("examples") for one in named)
        refusals = {status: answer for status, answer in operation["responses"].items() if int(status) >= 400}
        assert {"400", "401", "403", "429"} <= refusals.keys()
        assert all("example" in answer["content"]["application/json"] for answer in refusals.values())

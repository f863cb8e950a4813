"""The readiness report of sessions in the database: read as a stream, one small row a session."""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.db.models import F, Func, JSONField

from dreaming.mining.readiness import SessionSignal, readiness
from dreaming.mining.values import DIGEST_VERSION
from sessions.models import SessionQuerySet


def report_on(sessions: SessionQuerySet) -> dict[str, Any]:
    """`mining.readiness.Readiness` as plain values. Of sessions without a digest the tools are not known."""
    return asdict(readiness(_signals(sessions)))


def _signals(sessions: SessionQuerySet) -> Iterator[SessionSignal]:
    names = ("agent__slug", "principal", "task_id", "outcome", "outcome_score", "outcome_source")
    tools = Func(
        F("digest__data"),
        template="jsonb_path_query_array(%(expressions)s, '$.tools[*].tool')",
        output_field=JSONField(),
    )
    rows = sessions.order_by().values_list(*names, "digest__version", tools, "digest__data__silent")
    for *plain, version, called, silent in rows.iterator(chunk_size=2_000):
        known = version == DIGEST_VERSION
        yield SessionSignal(*plain, frozenset(called) if known else None, frozenset(silent if known else ()))


def example_session(agent: str) -> dict[str, Any]:
    """A whole session with every field that a report may ask for."""
    return {
        "id": "run-0042",
        "agent": agent,
        "task": "Refund the order.",
        "task_id": "refund-0017",
        "principal": "north-desk",
        "outcome": {"status": "success", "score": 1.0, "source": "grader"},
        "events": [
            {"seq": 0, "type": "message", "role": "user", "text": "I want my money back."},
            {"seq": 1, "type": "tool_call", "tool": "get_order", "call_id": "c1", "input": {"order": "17"}},
            {"seq": 2, "type": "tool_result", "tool": "get_order", "call_id": "c1", "output": "none", "is_error": True},
        ],
    }

"""What a session of spans was about, and how it ended."""

from datetime import UTC, datetime
from typing import Any

from sessions.foreign import clean, clip, text_of
from sessions.otel.spans import MODEL, Part, Reading

MAX_TASK = 2_000
_PASSED = {"pass", "passed", "success", "true", "correct", "satisfied", "yes"}
_MISSED = {"fail", "failed", "failure", "false", "incorrect", "unsatisfied", "no"}


def about(readings: list[Reading], events: list[Part]) -> dict[str, Any]:
    """Everything of a session but its ids, its events and its outcome."""
    spans = [reading.span for reading in readings]
    asked = next((e["text"] for e in events if e["type"] == "message" and e["role"] == "user"), "")
    task = asked or next((reading.task for reading in readings if reading.task), "")
    metadata: dict[str, Any] = {"source": "opentelemetry", "traces": sorted({span.trace_id for span in spans})[:100]}
    for name, values in (
        ("agents", [reading.agent for reading in readings]),
        ("models", [reading.model for reading in readings if reading.kind == MODEL]),
        ("services", [span.service for span in spans]),
        ("instrumentation", [span.scope for span in spans]),
    ):
        if named := list(dict.fromkeys(clip(value, 200) for value in values if value))[:50]:
            metadata[name] = named
    for name in ("input_tokens", "output_tokens"):
        if total := sum(getattr(reading, name) for reading in readings if reading.kind == MODEL):
            metadata[name] = total
    times = {
        "started_at": time_text(min((span.start for span in spans if span.start), default=0)),
        "ended_at": time_text(max((span.end for span in spans), default=0)),
    }
    principal = next((reading.user for reading in readings if reading.user), "")
    return {
        "task": clip(task, MAX_TASK), "principal": clip(principal, 1_000), "metadata": metadata,
        **{name: time for name, time in times.items() if time},
    }  # fmt: skip


def outcome_of(readings: list[Reading]) -> dict[str, Any]:
    """What an evaluation says; else failure where the last root span failed; a span that went well proves nothing."""
    for reading in reversed(readings):
        for event in reversed(reading.span.events):
            if event.name == "gen_ai.evaluation.result":
                return _evaluated(event.attributes)
    roots = [reading.span for reading in readings if not reading.span.parent_id]
    if roots and roots[-1].failed:
        return {"status": "failure", "source": "root span", "detail": clean(roots[-1].error)}
    return {"status": "unknown"}


def _evaluated(attributes: dict[str, Any]) -> dict[str, Any]:
    label = text_of(attributes.get("gen_ai.evaluation.score.label")).lower()
    score = attributes.get("gen_ai.evaluation.score.value")
    status = "success" if label in _PASSED else "failure" if label in _MISSED else "unknown"
    return {
        "status": "partial" if label == "partial" else status,
        "score": score if isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1 else None,
        "source": f"evaluation {clip(text_of(attributes.get('gen_ai.evaluation.name')), 200)}".strip(),
        "detail": text_of(attributes.get("gen_ai.evaluation.explanation")),
    }


def time_text(nanoseconds: int) -> str:
    """ISO 8601, or '' for no time and for one that no calendar has."""
    if not nanoseconds:
        return ""
    try:
        return datetime.fromtimestamp(nanoseconds / 1e9, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return ""

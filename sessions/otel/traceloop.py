"""Traceloop's OpenLLMetry: workflows, tasks, agents and tools, and a model's messages as numbered attributes.

https://www.traceloop.com/docs/openllmetry/contributing/semantic-conventions
"""

from typing import Any

from sessions.otel.numbered import numbered
from sessions.otel.parts import parts_of
from sessions.otel.spans import AGENT, MODEL, TOOL, Dialect, Messages, Part, Span

_KINDS = {"tool": TOOL, "agent": AGENT, "workflow": AGENT, "task": AGENT}
_PROPERTIES = "traceloop.association.properties."


def kind(span: Span) -> str:
    named = span.attributes.get("traceloop.span.kind")
    if isinstance(named, str):
        return _KINDS.get(named, "")
    return MODEL if span.attributes.get("llm.request.type") in ("chat", "completion") else ""


def messages(span: Span) -> Messages:
    said = [part for one in numbered(span.attributes, "gen_ai.prompt") for part in _parts(one, "user")]
    return said, [part for one in numbered(span.attributes, "gen_ai.completion") for part in _parts(one, "agent")]


def _parts(flat: dict[str, Any], role: str) -> list[Part]:
    return parts_of({**flat, "tool_calls": numbered(flat, "tool_calls")}, role)


DIALECT = Dialect(
    prefixes=("traceloop.", "gen_ai.prompt.", "gen_ai.completion.", "llm.request.type"),
    kind=kind,
    messages=messages,
    conversation=tuple(
        _PROPERTIES + name for name in ("session_id", "conversation_id", "thread_id", "chat_id", "sessionId")
    ),
    user=(_PROPERTIES + "user_id", _PROPERTIES + "userId"),
    agent=("traceloop.workflow.name",),
    tool=("traceloop.entity.name",),
    arguments=("traceloop.entity.input",),
    result=("traceloop.entity.output",),
    task=("traceloop.entity.input",),
    answer=("traceloop.entity.output",),
)

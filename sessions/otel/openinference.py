"""OpenInference, as Arize Phoenix's instrumentations send it.

https://github.com/Arize-ai/openinference/blob/main/spec/semantic_conventions.md
"""

from typing import Any

from sessions.foreign import parsed
from sessions.otel.numbered import numbered
from sessions.otel.parts import messages_of, parts_of
from sessions.otel.spans import AGENT, MODEL, TOOL, Dialect, Messages, Part, Span

_KINDS = {"LLM": MODEL, "TOOL": TOOL, "AGENT": AGENT, "CHAIN": AGENT}


def kind(span: Span) -> str:
    named = span.attributes.get("openinference.span.kind")
    return _KINDS.get(named.upper(), "") if isinstance(named, str) else ""


def messages(span: Span) -> Messages:
    """Of a model's span; where none are listed, what its `input.value` and `output.value` say."""
    if kind(span) != MODEL:
        return [], []
    said = _listed(span.attributes, "llm.input_messages", "user")
    answered = _listed(span.attributes, "llm.output_messages", "agent")
    if not said and not answered:
        said = messages_of(span.attributes.get("input.value"), "user")
        answered = messages_of(span.attributes.get("output.value"), "agent")
    return said, answered


def _listed(attributes: dict[str, Any], prefix: str, role: str) -> list[Part]:
    return [part for one in numbered(attributes, prefix) for part in parts_of(_message(one), role)]


def _message(flat: dict[str, Any]) -> dict[str, Any]:
    """The message that the attributes of one number spell."""
    content: Any = flat.get("message.content")
    if content is None:
        content = [
            {"type": block.get("message_content.type", "text"), "text": block.get("message_content.text")}
            for block in numbered(flat, "message.contents")
        ]
    calls = [
        {
            "id": call.get("tool_call.id"),
            "name": call.get("tool_call.function.name"),
            "arguments": call.get("tool_call.function.arguments"),
        }
        for call in numbered(flat, "message.tool_calls")
    ]
    if name := flat.get("message.function_call_name"):
        calls.append({"name": name, "arguments": parsed(flat.get("message.function_call_arguments_json"))})
    return {
        "role": flat.get("message.role"), "content": content, "tool_calls": calls,
        "tool_call_id": flat.get("message.tool_call_id"), "name": flat.get("message.name"),
    }  # fmt: skip


DIALECT = Dialect(
    prefixes=("openinference.", "llm.input_messages", "llm.output_messages"),
    kind=kind,
    messages=messages,
    conversation=("session.id",),
    user=("user.id",),
    agent=("agent.name",),
    model=("llm.model_name",),
    tool=("tool.name",),
    call_id=("tool_call.id", "tool.id"),
    arguments=("input.value", "tool.parameters"),
    result=("output.value",),
    task=("input.value",),
    answer=("output.value",),
    input_tokens=("llm.token_count.prompt",),
    output_tokens=("llm.token_count.completion",),
)

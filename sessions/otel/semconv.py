"""OpenTelemetry's own conventions for generative AI, of 2025 and 2026 (messages as attributes) and before (as events).

https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from typing import Any

from sessions.foreign import parsed
from sessions.otel.parts import messages_of, parts_of
from sessions.otel.spans import AGENT, MODEL, TOOL, Dialect, Messages, Part, Span

_KINDS = {
    **dict.fromkeys(("chat", "text_completion", "generate_content", "completion", "message"), MODEL),
    "execute_tool": TOOL,
    **dict.fromkeys(("invoke_agent", "create_agent", "invoke_workflow", "agent"), AGENT),
}
_INPUT_EVENTS = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "agent",
    "gen_ai.tool.message": "tool",
}


def kind(span: Span) -> str:
    operation = span.attributes.get("gen_ai.operation.name")
    if isinstance(operation, str) and operation in _KINDS:
        return _KINDS[operation]
    word = span.name.split(" ")[0]
    if word in _KINDS:
        return _KINDS[word]
    if span.first(DIALECT.tool) is not None:
        return TOOL
    if operation is None and span.first(DIALECT.model) is not None:
        return MODEL
    return AGENT if span.first(DIALECT.agent) is not None else ""


def messages(span: Span) -> Messages:
    said, answered = _of_attributes(span.attributes)
    for event in span.events:
        before, after = _of_event(event.name, event.attributes)
        said += before
        answered += after
    listed = parsed(span.attributes.get("events"))  # a JSON list of the events, as Pydantic AI sends them
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and isinstance(one.get("event.name"), str):
            before, after = _of_event(one["event.name"], one)
            said += before
            answered += after
    return said, answered


def _of_attributes(attributes: dict[str, Any]) -> Messages:
    said: list[Part] = []
    if (system := attributes.get("gen_ai.system_instructions")) is not None:
        said += messages_of(system, "system")
    for name in ("gen_ai.input.messages", "gen_ai.prompt", "pydantic_ai.all_messages"):
        if (given := attributes.get(name)) is not None:
            said += messages_of(given, "user")
            break
    answered: list[Part] = []
    for name in ("gen_ai.output.messages", "gen_ai.completion"):
        if (given := attributes.get(name)) is not None:
            answered += messages_of(given, "agent")
            break
    return said, answered


def _of_event(name: str, attributes: dict[str, Any]) -> Messages:
    body = parsed(attributes.get("gen_ai.event.content"))
    if isinstance(body, dict):
        attributes = {**attributes, **body}
    if name in _INPUT_EVENTS:
        return parts_of({"role": _INPUT_EVENTS[name], **attributes}, "user"), []
    if name == "gen_ai.choice":
        message = parsed(attributes.get("message", attributes.get("content")))
        calls = attributes.get("tool_calls")
        return [], [*messages_of(message, "agent"), *(parts_of({"tool_calls": calls}, "agent") if calls else [])]
    if name in ("gen_ai.content.prompt", "gen_ai.content.completion", "gen_ai.client.inference.operation.details"):
        return _of_attributes(attributes)
    return [], []


DIALECT = Dialect(
    prefixes=("gen_ai.", "pydantic_ai."),
    kind=kind,
    messages=messages,
    conversation=("gen_ai.conversation.id", "gen_ai.thread.id"),
    user=("enduser.id", "user.id"),
    agent=("gen_ai.agent.name", "gen_ai.agent.id"),
    model=("gen_ai.response.model", "gen_ai.request.model"),
    tool=("gen_ai.tool.name",),
    call_id=("gen_ai.tool.call.id",),
    arguments=("gen_ai.tool.call.arguments", "gen_ai.tool.arguments", "tool_arguments"),
    result=("gen_ai.tool.call.result", "gen_ai.tool.message", "tool_response"),
    answer=("final_result",),
    input_tokens=("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens"),
    output_tokens=("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens"),
)

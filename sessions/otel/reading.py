"""A span, whatever dialects it speaks, as one `Reading`."""

from typing import Any

import msgspec

from sessions.foreign import parsed, text_of
from sessions.otel import openinference, semconv, traceloop
from sessions.otel.spans import TOOL, Dialect, Reading, Span

# Instrumentations mix them; where two say the same thing, the first that says anything counts.
DIALECTS: tuple[Dialect, ...] = (semconv.DIALECT, openinference.DIALECT, traceloop.DIALECT)
_PREFIXES = tuple(prefix for dialect in DIALECTS for prefix in dialect.prefixes)
_TEXTS = ("conversation", "user", "agent", "model", "tool", "call_id", "task", "answer")
# What the wrappers of Traceloop and LangChain put around what a tool was given, and what it gave.
_GIVEN, _GAVE = ("inputs", "kwargs", "input_str"), ("output", "outputs")


def is_known(span: Span) -> bool:
    """Whether any dialect has something to say about the span."""
    names = (*span.attributes, *(event.name for event in span.events))
    return any(name.startswith(_PREFIXES) for name in names)


def conversation_of(span: Span) -> str:
    return next((text_of(found) for one in DIALECTS if (found := span.first(one.conversation)) is not None), "")


def read(span: Span) -> Reading:
    reading = Reading(span)
    speaking = [dialect for dialect in DIALECTS if any(name.startswith(dialect.prefixes) for name in span.attributes)]
    reading.kind = _kind(span, speaking)
    for dialect in DIALECTS:
        for name in _TEXTS:
            if not getattr(reading, name) and (found := span.first(getattr(dialect, name))) is not None:
                setattr(reading, name, text_of(found))
        reading.input_tokens = reading.input_tokens or _count(span.first(dialect.input_tokens))
        reading.output_tokens = reading.output_tokens or _count(span.first(dialect.output_tokens))
        if reading.arguments is None:
            reading.arguments = span.first(dialect.arguments)
        if reading.result is None:
            reading.result = span.first(dialect.result)
        if not reading.said and not reading.answered:
            reading.said, reading.answered = dialect.messages(span)
    reading.task, reading.answer = (text_of(_inside(text, keys)) for text, keys in _around(reading))
    if reading.kind == TOOL:
        _as_tool(reading)
    return reading


def _kind(span: Span, speaking: list[Dialect]) -> str:
    """What a dialect that names kinds of spans calls it, before what the attributes of others suggest."""
    own = [dialect.kind(span) for dialect in reversed(speaking)]
    return next((kind for kind in own if kind), "")


def _around(reading: Reading) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (reading.task, _GIVEN), (reading.answer, _GAVE)


def _as_tool(reading: Reading) -> None:
    """What the tool was given and gave; some producers send these as messages."""
    if reading.arguments is None and reading.said:
        reading.arguments = reading.said[0].get("output") or reading.said[0].get("text")
    if reading.result is None and reading.answered:
        reading.result = reading.answered[0].get("text") or reading.answered[0].get("output")
    reading.arguments = _inside(reading.arguments, _GIVEN)
    reading.result = _inside(reading.result, _GAVE)
    reading.tool = reading.tool or reading.span.name.removeprefix("execute_tool ")
    reading.said, reading.answered = [], []


def _inside(value: Any, wrappers: tuple[str, ...]) -> Any:
    """What stands inside the wrapper, if there is one that holds something; of a quoted text, the text."""
    inner = parsed(value)
    if isinstance(inner, dict):
        return next((inner[name] for name in wrappers if inner.get(name)), inner)
    if isinstance(inner, str) and len(inner) > 1 and inner[0] == inner[-1] == '"':
        try:
            return msgspec.json.decode(inner, type=str)
        except (msgspec.MsgspecError, ValueError):
            return inner
    return value


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**53 else 0

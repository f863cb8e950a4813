"""What a dialect reads a span as."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

Part = dict[str, Any]
"""An event of format 1 without its number and time."""

MODEL, TOOL, AGENT = "model", "tool", "agent"


class SpanEvent(msgspec.Struct):
    name: str
    attributes: dict[str, Any] = {}


class Span(msgspec.Struct):
    """One span as it was sent. Times are nanoseconds since 1970, 0 where none was sent; ids are lower-case hex."""

    trace_id: str
    span_id: str
    parent_id: str = ""
    name: str = ""
    start: int = 0
    end: int = 0
    has_error: bool = False
    status_message: str = ""
    attributes: dict[str, Any] = {}
    events: list[SpanEvent] = []
    scope: str = ""
    service: str = ""

    @property
    def failed(self) -> bool:
        return self.has_error or bool(self.attributes.get("error.type"))

    @property
    def error(self) -> str:
        """What went wrong, in the words of the exception if there was one; '' for a span that did not fail."""
        if not self.failed:
            return ""
        for event in reversed(self.events):
            if event.name == "exception":
                said = [event.attributes.get("exception.type"), event.attributes.get("exception.message")]
                if text := ": ".join(str(part) for part in said if part):
                    return text
        return self.status_message or str(self.attributes.get("error.type") or "the span failed")

    def first(self, names: Sequence[str]) -> Any:
        """The first of these attributes that is there and not empty."""
        return next((value for name in names if (value := self.attributes.get(name)) not in (None, "", [], {})), None)


Messages = tuple[list[Part], list[Part]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """Where one convention puts what is looked for: names of attributes, in order of preference."""

    prefixes: tuple[str, ...]
    kind: Callable[[Span], str]
    messages: Callable[[Span], Messages]
    conversation: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    agent: tuple[str, ...] = ()
    model: tuple[str, ...] = ()
    tool: tuple[str, ...] = ()
    call_id: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    result: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    answer: tuple[str, ...] = ()
    input_tokens: tuple[str, ...] = ()
    output_tokens: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """`said` went into the model (or the agent) and `answered` came out. `kind` is '' for what is of no interest."""

    span: Span
    kind: str = ""
    conversation: str = ""
    user: str = ""
    agent: str = ""
    model: str = ""
    tool: str = ""
    call_id: str = ""
    arguments: Any = None
    result: Any = None
    task: str = ""
    answer: str = ""
    input_tokens: int = 0
    output_tokens: int = 0
    said: list[Part] = field(default_factory=list)
    answered: list[Part] = field(default_factory=list)

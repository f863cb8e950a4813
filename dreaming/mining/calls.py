"""A session's events as a list of calls, each with its result and, if it failed, its error."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from dreaming.mining.commands import command_of
from dreaming.mining.failures import failure_line, is_sentence, is_structured, locate, telling_line
from dreaming.mining.remarks import is_refusal
from dreaming.mining.requests import asked_for, given_in
from dreaming.mining.templates import Template, own_words, template_of, tool_family
from dreaming.mining.values import QUOTE_LIMIT, EventView, Quote

_JOIN_REACH = 50
_SOURCE_REACH = 60
_SOURCE_CLIP = 100_000
_MAX_WANTED = 8
_MUCH_DATA = 2
_MANY_WORDS = 3
_DEPTH = 4
_MOST_ARGUMENTS = 60


@dataclass(slots=True)
class Call:
    """One tool call with its result.

    `seq` is the call's, or the result's where no call was recorded. `message` is the error's line, None when the call
    worked or was never answered; `template` is that of the message, or of a short answer, as that may be an error;
    `marked` says that the tool or the words themselves call it one. `turn` counts the user's messages before it. Of a
    command, `shell` is the tool that it was given to and `ran` its program; `tool` names both.
    """

    seq: int
    tool: str
    input: str
    arguments: dict[str, Any]
    turn: int
    has_call: bool
    answered: bool = False
    output: str = ""
    result_seq: int = -1
    message: str | None = None
    template: Template = field(default_factory=lambda: Template("", ()))
    from_text: str = ""
    shell: str = ""
    ran: str = ""
    marked: bool = True

    @property
    def worked(self) -> bool:
        return self.answered and self.message is None

    @property
    def failed(self) -> bool:
        return self.message is not None

    def error_quote(self) -> Quote:
        return Quote(self.result_seq, locate(self.message or "", self.from_text, QUOTE_LIMIT))


@dataclass(slots=True)
class Story:
    """A session's calls in order, and what the user said: `said[n]` is the user's n-th message."""

    calls: list[Call]
    said: list[str]


def story_of(events: Iterable[EventView]) -> Story:
    """Join calls and results by call id, else by adjacency; errors without a call become calls themselves."""
    calls: list[Call] = []
    said: list[str] = []
    open_ids: dict[str, Call] = {}
    waiting: list[Call] = []
    for event in events:
        if event.type == "message" and event.role == "user":
            said.append(event.text)
        elif event.type == "tool_call":
            call = _called(event, len(said))
            calls.append(call)
            if event.call_id:
                open_ids[event.call_id] = call
            else:
                waiting = [*waiting[-_JOIN_REACH:], call]
        elif event.type == "tool_result":
            found = _take(event, open_ids, waiting)
            if found is None:
                found = Call(event.seq, event.tool, "", {}, len(said), has_call=False)
                calls.append(found)
            _answer(found, event)
        elif event.type == "error":
            found = _take(event, open_ids, waiting) if event.tool or event.call_id else None
            if found is None and not is_refusal(event.text or event.output):
                calls.append(_bare_error(event, len(said)))
            elif found is not None:
                _answer(found, replace(event, output=event.output or event.text, is_error=True))
    _mark_sentences(calls)
    return Story(calls, said)


def _mark_sentences(calls: list[Call]) -> None:
    """Take one sentence that says enough for a failure where all other answers of the session are data."""
    answers = [call for call in calls if call.answered and call.has_call and call.output]
    plain = [call for call in answers if is_sentence(call.output)]
    data = sum(is_structured(call.output) for call in answers)
    kinds = {(call.tool, template_of(call.output.strip(), call.shell or call.tool).text) for call in plain}
    if len(kinds) != 1 or data < _MUCH_DATA or data + len(plain) < len(answers):
        return
    if own_words(next(iter(kinds))[1]) < _MANY_WORDS:
        return
    for call in plain:
        if call.worked:
            call.message, call.marked = call.output.strip(), False
            call.template = template_of(call.message, call.shell or call.tool)


def _take(event: EventView, open_ids: dict[str, Call], waiting: list[Call]) -> Call | None:
    if event.call_id:
        return open_ids.pop(event.call_id, None)
    if event.type == "error" and event.tool:
        latest = next(reversed(open_ids), "")
        if latest and event.tool in {open_ids[latest].tool, open_ids[latest].shell}:
            return open_ids.pop(latest)
    for call in waiting:
        if not event.tool or event.tool in {call.tool, call.shell}:
            waiting.remove(call)
            return call
    return None


def _answer(call: Call, event: EventView) -> None:
    call.answered = True
    call.tool = call.tool or event.tool
    call.result_seq = event.seq
    call.output = call.from_text = event.output or event.text
    if is_refusal(call.output):
        call.answered = False
        return
    call.message = failure_line(call.output, event.is_error)
    if call.message is not None:
        call.template = template_of(call.message, call.shell or call.tool)


def _called(event: EventView, turn: int) -> Call:
    call = Call(event.seq, event.tool, event.input, arguments_of(event.input), turn, has_call=True)
    if command := command_of(event.tool, call.arguments):
        call.shell, call.ran = event.tool, command.name
        call.tool = f"{event.tool}: {command.name}" if command.name else event.tool
        call.arguments = call.arguments if command.arguments is None else command.arguments
    elif (asked := asked_for(call.arguments)).is_request:
        call.shell, call.ran, call.tool = event.tool, asked.text, f"{event.tool}: {asked.text}"
        call.arguments = given_in(call.arguments)
    return call


def _bare_error(event: EventView, turn: int) -> Call:
    text = event.text or event.output
    call = Call(event.seq, event.tool, "", {}, turn, has_call=False, answered=True, result_seq=event.seq)
    call.from_text = text
    call.message = telling_line(text) or "failed without a message"
    call.template = template_of(call.message, event.tool)
    return call


def arguments_of(text: str) -> dict[str, Any]:
    """Return the call's named arguments; a producer that sends JSON inside a string is unwrapped once."""
    try:
        value = json.loads(text) if text else {}
        if isinstance(value, str) and value.lstrip().startswith("{"):
            value = json.loads(value)
    except (ValueError, RecursionError):
        value = text
    if isinstance(value, dict):
        return dict(list(_leaves(value, 0))[:_MOST_ARGUMENTS])
    return {"input": value} if value not in (None, "") else {}


def _leaves(value: dict[Any, Any], depth: int) -> Iterator[tuple[str, Any]]:
    """Yield the arguments by name; those that stand inside an object are named by their own."""
    for name, item in value.items():
        if isinstance(item, dict) and item and depth < _DEPTH:
            yield from _leaves(item, depth + 1)
        else:
            yield str(name), item


def sources_of(values: list[Any], call: Call, story: Story) -> list[str]:
    """Say where the strings in `values` had stood before `call`: `user`, `tool:` and a family, or nothing
    known.
    """
    wanted = [item for value in values for item in _strings(value)][:_MAX_WANTED]
    if not wanted:
        return []
    found = ["user"] if any(item in text for item in wanted for text in story.said[: call.turn]) else []
    earlier = [other for other in story.calls if other.worked and other.result_seq < call.seq][-_SOURCE_REACH:]
    tools = {
        tool_family(other.tool)
        for other in earlier
        if other.tool != call.tool and any(item in other.output[:_SOURCE_CLIP] for item in wanted)
    }
    return found + [f"tool:{tool}" for tool in sorted(tools)]


def shows(step: Call, later: Call) -> bool:
    """Whether a step's answer holds a value that a later call was given."""
    return any(item in step.output[:_SOURCE_CLIP] for value in later.arguments.values() for item in _strings(value))


def _strings(value: Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [str(item) for item in items if isinstance(item, str | int) and 3 <= len(str(item)) <= 80]

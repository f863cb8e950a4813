"""The spans of one run to the events of one session.

A model is sent the whole conversation at every turn, so most of what stands in a span stood in an earlier one: a part
is new where it occurs more often in what a span was given than it was seen so far. What a tool was given and gave
stands in its own span, in the model's answer before it and in what the model was sent after it, and becomes one call
and one result.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from sessions.foreign import clean, clean_json, fitted, text_of
from sessions.otel.about import about, outcome_of, time_text
from sessions.otel.parts import call_part, result_part, said
from sessions.otel.reading import read
from sessions.otel.spans import AGENT, MODEL, TOOL, Part, Reading, Span


@dataclass(slots=True)
class Assembled:
    """`session` lacks its id and its agent. `seen`: short hashes of what was said, for what comes later of the same."""

    session: dict[str, Any]
    seen: list[str]


def assemble(spans: Iterable[Span], seen_before: Iterable[str] = ()) -> Assembled | None:
    """The session that these spans tell of, or None where they tell of no step."""
    readings = [read(span) for span in sorted(spans, key=lambda span: (span.start, span.end, span.span_id))]
    before = Counter(seen_before)
    story = _Story(emitted=before.copy())
    for at, reading, is_end in _moments(_relevant(readings)):
        story.at = at
        story.add(reading, is_end=is_end)
    if not any(event["type"] == "message" for event in story.events):
        _fall_back(readings, story)
    if not story.events:
        return None
    session = {
        **about(readings, story.events),
        "outcome": outcome_of(readings),
        "events": fitted(story.events),
    }
    return Assembled(session, list((story.emitted - before).elements()))


def _relevant(readings: list[Reading]) -> list[Reading]:
    """Without what two instrumentations tell twice: a model's span inside a model's, the same tool inside itself."""
    by_id = {reading.span.span_id: reading for reading in readings}
    return [reading for reading in readings if not _is_told_outside(reading, by_id)]


def _is_told_outside(reading: Reading, by_id: dict[str, Reading]) -> bool:
    outer, steps = by_id.get(reading.span.parent_id), 0
    while outer is not None and reading.kind in (MODEL, TOOL) and steps < 50:
        # Some send spans that are their own parents.
        is_around = _is_around(outer.span, reading.span)
        if is_around and outer.kind == reading.kind and outer.tool == reading.tool:
            return reading.kind == TOOL or bool(outer.answered)
        outer, steps = by_id.get(outer.span.parent_id), steps + 1
    return False


def _is_around(outer: Span, inner: Span) -> bool:
    """Whether it took its time; of two that took the same, one is around the other."""
    same = (outer.start, outer.end) == (inner.start, inner.end)
    return outer.span_id < inner.span_id if same else outer.start <= inner.start and inner.end <= outer.end


def _moments(readings: list[Reading]) -> Iterator[tuple[int, Reading, bool]]:
    """Beginnings and ends in the order of time: what ends comes before what begins then, and after its own beginning."""
    moments = []
    for number, reading in enumerate(readings):
        start, end = reading.span.start, max(reading.span.start, reading.span.end)
        moments += [(start, 1, number), (end, 0 if end > start else 2, number)]
    for at, order, number in sorted(moments):
        yield at, readings[number], order != 1


@dataclass(slots=True)
class _Story:
    """The events so far. `calls` and `results` by id of the call; `open_calls` waits for the spans of the tools."""

    emitted: Counter[str]
    events: list[Part] = field(default_factory=list)
    at: int = 0
    calls: dict[str, Part] = field(default_factory=dict)
    results: dict[str, Part] = field(default_factory=dict)
    open_calls: list[Part] = field(default_factory=list)
    of_span: dict[str, Part] = field(default_factory=dict)
    errors: set[str] = field(default_factory=set)

    def add(self, reading: Reading, *, is_end: bool) -> None:
        if reading.kind == TOOL:
            self._end_tool(reading) if is_end else self._begin_tool(reading)
        elif reading.kind == MODEL:
            self.hear(reading.answered) if is_end else self.recall(reading.said)
        if is_end and reading.kind != TOOL:
            self._fail(reading.span)

    def recall(self, parts: list[Part]) -> None:
        """What a model was sent: new is what occurs more often than before."""
        here: Counter[str] = Counter()
        for part in parts:
            mark = _mark(part)
            here[mark] += 1
            if here[mark] > self.emitted[mark]:
                self._emit(part, mark)
            else:
                self._merge(part)

    def hear(self, parts: list[Part]) -> None:
        """What a model answered: always new, but for a call whose tool began before the answer ended."""
        for part in parts:
            self._emit(part, _mark(part))

    def _emit(self, part: Part, mark: str) -> None:
        self.emitted[mark] += 1
        if part["type"] == "tool_call":
            self._call(part)
        elif part["type"] != "tool_result":
            self._event(part)
        elif not self._merge(part):
            self._name_tool(self._result(part))

    def _call(self, part: Part) -> None:
        """A call that waits for its result under this id is the same; some give the ids of one turn again in the next."""
        known = self.calls.get(part["call_id"]) if part["call_id"] not in self.results else None
        if known is not None and _may_be_same(known, part):
            known.update({"input": part["input"]} if "input" in part else {})
        else:
            self.open_calls.append(self._new_call(part))

    def _new_call(self, part: Part) -> Part:
        call = self._event(part)
        if part["call_id"]:
            self.calls[part["call_id"]] = call
            self.results.pop(part["call_id"], None)
        return call

    def _result(self, part: Part) -> Part:
        result = self._event(part)
        if part["call_id"]:
            self.results[part["call_id"]] = result
        return result

    def _event(self, part: Part) -> Part:
        event = {**part, **({"at": when} if (when := time_text(self.at)) else {})}
        self.events.append(event)
        return event

    def _merge(self, part: Part) -> bool:
        """Fill in what was not known of a result that is there already."""
        known = self.results.get(part.get("call_id", ""))
        if known is None or part["type"] != "tool_result":
            return False
        if not known.get("output"):
            known["output"] = part["output"]
        if "is_error" in part:
            known["is_error"] = known.get("is_error", False) or part["is_error"]
        return True

    def _name_tool(self, result: Part) -> None:
        call = self.calls.get(result.get("call_id", ""))
        if not result.get("tool") and call is not None:
            result["tool"] = call.get("tool", "")

    def _begin_tool(self, reading: Reading) -> None:
        call = self._call_of(reading)
        if call is None:
            part = call_part(reading.call_id or reading.span.span_id, reading.tool, reading.arguments)
            self.emitted[_mark(part)] += 1
            call = self._new_call(part)
        elif "input" not in call and reading.arguments is not None:
            call["input"] = clean_json(reading.arguments)
        self.of_span[reading.span.span_id] = call

    def _call_of(self, reading: Reading) -> Part | None:
        """The model's call that this tool's span carries out: by its id, else the first of the tool that waits."""
        if reading.call_id:
            found = self.calls.get(reading.call_id) if reading.call_id not in self.results else None
        else:
            found = next((call for call in self.open_calls if call["tool"] == reading.tool), None)
        # By identity: two calls may say the same.
        self.open_calls = [call for call in self.open_calls if call is not found]
        return found

    def _end_tool(self, reading: Reading) -> None:
        span, call = reading.span, self.of_span[reading.span.span_id]
        output = said(reading.result) or span.error
        part = result_part(call.get("call_id", ""), reading.tool, output, span.failed)
        if span.error:
            self.errors.add(span.error)
        if span.start and span.end >= span.start:
            part["duration_ms"] = (span.end - span.start) / 1e6
        self.emitted[_mark(part)] += 1
        if not self._merge(part):
            self._result(part)

    def _fail(self, span: Span) -> None:
        """An error once, however many spans it went up through."""
        error = span.error
        if error and error not in self.errors:
            self.errors.add(error)
            self._event({"type": "error", "role": "agent", "text": clean(error)})


def _may_be_same(call: Part, other: Part) -> bool:
    """Whether two calls with one id are one, as far as their arguments are known."""
    either_unknown = "input" not in call or "input" not in other
    return call["tool"] == other["tool"] and (either_unknown or call["input"] == other["input"])


def _mark(part: Part) -> str:
    """The same for what says the same."""
    what = [part["type"], part.get("call_id", ""), part.get("text", ""), part.get("output", "")]
    if part["type"] == "message":
        what.append(part["role"])
    elif part["type"] == "tool_call":
        what += [part["tool"], text_of(part.get("input"))]
    return hashlib.sha256(msgspec.json.encode(what)).hexdigest()[:16]


def _fall_back(readings: list[Reading], story: _Story) -> None:
    """Where no model's span says anything: what the outermost agent was given and gave, around what tools did."""
    outer = next(
        (one for one in readings if one.kind == AGENT and (one.said or one.answered or one.task or one.answer)), None
    )
    if outer is None:
        return
    between, story.events = story.events, []
    given = outer.said or _message("user", outer.task)
    gave = outer.answered or _message("agent", outer.answer)
    if any(event["type"] == "tool_call" for event in between):
        given, gave = ([part for part in parts if part["type"] == "message"] for parts in (given, gave))
    story.at = outer.span.start
    story.recall(given)
    story.events += between
    story.at = outer.span.end
    story.recall(gave)


def _message(role: str, text: str) -> list[Part]:
    return [{"type": "message", "role": role, "text": text}] if text.strip() else []

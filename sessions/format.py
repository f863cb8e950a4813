"""Format 1: one session, as JSON, checked against `session.schema.json` before anything is kept.

Pure: bytes in, a `ParsedSession` or a `FormatError` out. The messages are written for the producer of the
session: which field, what is wrong with it, and what to send instead.
"""

import json
import re
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, NoReturn

import msgspec

from sessions.malformed import MAX_DEPTH, NUL, TOO_DEEP, find, why_not_json

MAX_SESSION_BYTES = 32 * 1024 * 1024
MAX_EVENTS = 100_000
MAX_ID_LENGTH = 255
MAX_SEQ = 2**63 - 1

AGENT = re.compile(r"[a-z0-9][a-z0-9._-]{0,99}")
AGENT_RULE = "1 to 100 of a-z, 0-9, dot, dash and underscore, beginning with a letter or digit"
STATUSES = ("success", "failure", "partial", "unknown")
EVENT_TYPES = ("message", "tool_call", "tool_result", "correction", "error", "note")
A_TIME = "a date and time such as 2026-03-03T09:30:00Z"
ROLES = ("user", "agent", "system", "tool")
SESSION_KEYS = frozenset(
    (
        "id",
        "agent",
        "task",
        "task_id",
        "principal",
        "started_at",
        "ended_at",
        "outcome",
        "metadata",
        "events",
    )
)
OUTCOME_KEYS = frozenset(("status", "score", "source", "detail"))
EVENT_KEYS = frozenset(
    (
        "seq",
        "type",
        "role",
        "text",
        "tool",
        "call_id",
        "input",
        "output",
        "is_error",
        "at",
        "duration_ms",
    )
)

PLAIN_SESSION_KEYS = tuple(sorted(SESSION_KEYS - {"events"}))
NUL_ESCAPED = b"\\u0000"

_ABSENT: Any = object()
_decode = msgspec.json.decode
_UNSET: Any = msgspec.UNSET
_serialise = json.JSONEncoder(ensure_ascii=False).encode
_to_datetime = msgspec.convert


class FormatError(ValueError):
    """The session cannot be kept as it is. `session_id` is set once the id itself was read."""

    def __init__(self, reason: str, session_id: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.session_id = session_id


class ParsedEvent(msgspec.Struct):
    """Texts are "" where nothing was sent. `input` is serialised; `output` the string, or serialised."""

    seq: int
    type: str
    role: str = ""
    text: str = ""
    tool: str = ""
    call_id: str = ""
    input: str = ""
    output: str = ""
    output_is_json: bool = False
    is_error: bool | None = None
    at: datetime | None = None
    duration_ms: float | None = None
    extra: dict[str, Any] = {}


class ParsedSession(msgspec.Struct):
    """One checked session. Times carry a zone (UTC when the producer named none)."""

    id: str
    agent: str
    events: list[ParsedEvent]
    task: str = ""
    task_id: str = ""
    principal: str = ""
    started_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: str = "unknown"
    outcome_score: float | None = None
    outcome_source: str = ""
    outcome_detail: str = ""
    metadata: dict[str, Any] = {}
    extra: dict[str, Any] = {}


class _PlainEvent(msgspec.Struct, forbid_unknown_fields=True):
    """An event without anything unusual, as it is sent. What is none is read by `_event`, which says why."""

    seq: Annotated[int, msgspec.Meta(ge=0, le=MAX_SEQ)]
    type: Literal["message", "tool_call", "tool_result", "correction", "error", "note"]
    role: Literal["user", "agent", "system", "tool"] = ""  # type: ignore[assignment]  # what was not sent
    text: str = ""
    tool: str = ""
    call_id: str = ""
    input: Any = msgspec.UNSET
    output: Any = msgspec.UNSET
    is_error: bool = None  # type: ignore[assignment]
    at: Any = msgspec.UNSET
    duration_ms: Any = msgspec.UNSET


class _PlainSession(msgspec.Struct, forbid_unknown_fields=True):
    """A session whose events are plain. The rest is checked by `_session`."""

    events: list[_PlainEvent]
    id: Any = msgspec.UNSET
    agent: Any = msgspec.UNSET
    task: Any = msgspec.UNSET
    task_id: Any = msgspec.UNSET
    principal: Any = msgspec.UNSET
    started_at: Any = msgspec.UNSET
    ended_at: Any = msgspec.UNSET
    outcome: Any = msgspec.UNSET
    metadata: Any = msgspec.UNSET


_decode_plain = msgspec.json.Decoder(_PlainSession).decode


def parse_session(line: bytes) -> ParsedSession:
    """Read and check one session (UTF-8 JSON, an object). Raises `FormatError`, and nothing else."""
    if len(line) > MAX_SESSION_BYTES:
        raise FormatError(too_large())
    if NUL_ESCAPED not in line:
        try:
            return _plain_session(_decode_plain(line))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            pass  # what is wrong with it is found and said below
    try:
        value = _decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FormatError(why_not_json(line, error)) from None
    return _session(value)


def parse_event(line: bytes) -> dict[str, Any]:
    """Read and check one event (UTF-8 JSON, an object), and return it as it was sent. Raises `FormatError`."""
    try:
        value: dict[str, Any] = _decode(line)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise FormatError(why_not_json(line, error)) from None
    _event(value)
    return value


def too_large() -> str:
    limit = MAX_SESSION_BYTES // 2**20
    return f"larger than {limit} MiB, the most that one session may have; split it or clip its outputs"


def serialise(value: Any) -> str:
    """The one text form of JSON values in events, which quotes of evidence are taken from."""
    return _serialise(value)


def _plain_session(sent: _PlainSession) -> ParsedSession:
    if len(sent.events) > MAX_EVENTS:
        raise FormatError("too many events")
    events = [_parsed(event) for event in sent.events]
    if len({event.seq for event in events}) != len(events):
        _refuse_repeated_seq(events)
    value = {name: kept for name in PLAIN_SESSION_KEYS if (kept := getattr(sent, name)) is not _UNSET}
    session = _session(value | {"events": []})
    session.events = events
    return session


def _parsed(sent: _PlainEvent) -> ParsedEvent:
    event = ParsedEvent(sent.seq, sent.type, sent.role, sent.text, sent.tool, sent.call_id, is_error=sent.is_error)
    if sent.input is not _UNSET:
        event.input = _plain_json_text(sent.input)
    if sent.output is not _UNSET:
        if type(sent.output) is str:
            event.output = sent.output
        else:
            event.output, event.output_is_json = _plain_json_text(sent.output), True
    if sent.at is not _UNSET:
        event.at = _time({"at": sent.at}, "at")
    if sent.duration_ms is not _UNSET:
        event.duration_ms = _duration(sent.duration_ms)
    return event


def _plain_json_text(value: Any) -> str:
    """As `_json_text`, where no NUL can be: levels are counted only where there are brackets enough."""
    text = _serialise(value)
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _check_depth("", value)
    return text


def _session(value: Any) -> ParsedSession:
    if type(value) is not dict:
        raise FormatError(f"expected a JSON object, got {_show(value)}; send one session a line")
    session_id = ""
    try:
        session_id = _session_id(value)
        session = ParsedSession(
            id=session_id,
            agent=_agent(value),
            events=_events(value.get("events", _ABSENT)),
            task=_text(value, "task"),
            task_id=_text(value, "task_id"),
            principal=_text(value, "principal"),
            started_at=_time(value, "started_at"),
            ended_at=_time(value, "ended_at"),
            metadata=_object(value, "metadata"),
        )
        _read_outcome(value, session)
        if not value.keys() <= SESSION_KEYS:
            session.extra |= _extra(value, SESSION_KEYS)
    except FormatError as error:
        raise FormatError(error.reason, session_id) from None
    return session


def _session_id(value: dict[str, Any]) -> str:
    session_id = value.get("id", _ABSENT)
    if type(session_id) is not str or not session_id:
        _expected("id", "a string of 1 to 255 characters", session_id)
    if len(session_id) > MAX_ID_LENGTH:
        raise FormatError(f"id: {len(session_id)} characters, and at most {MAX_ID_LENGTH} can be kept")
    return _clean("id", session_id)


def _agent(value: dict[str, Any]) -> str:
    agent = value.get("agent", _ABSENT)
    if type(agent) is not str or not AGENT.fullmatch(agent):
        _expected("agent", AGENT_RULE, agent)
    return str(agent)


def _read_outcome(value: dict[str, Any], session: ParsedSession) -> None:
    if "outcome" not in value:
        return
    outcome = _object(value, "outcome")
    status, score = outcome.get("status", _ABSENT), outcome.get("score")
    if type(status) is not str or status not in STATUSES:
        _expected("outcome.status", "one of " + ", ".join(STATUSES), status)
    if score is not None and (type(score) not in (int, float) or not 0 <= score <= 1):
        _expected("outcome.score", "a number from 0 to 1, or null", score)
    session.outcome = status
    session.outcome_score = None if score is None else float(score)
    session.outcome_source = _text(outcome, "source", "outcome.")
    session.outcome_detail = _text(outcome, "detail", "outcome.")
    if not outcome.keys() <= OUTCOME_KEYS:
        session.extra = {"outcome": _extra(outcome, OUTCOME_KEYS, "outcome.")}


def _events(values: Any) -> list[ParsedEvent]:
    if type(values) is not list:
        _expected("events", "an array of events", values)
    if len(values) > MAX_EVENTS:
        raise FormatError(f"events: {len(values)} of them, and a session may have at most {MAX_EVENTS}; split it")
    events: list[ParsedEvent] = []
    for index, value in enumerate(values):
        try:
            events.append(_event(value))
        except FormatError as error:
            joint = "." if type(value) is dict else ": "
            raise FormatError(f"events[{index}]{joint}{error.reason}") from None
    if len({event.seq for event in events}) != len(events):
        _refuse_repeated_seq(events)
    return events


def _refuse_repeated_seq(events: list[ParsedEvent]) -> NoReturn:
    seen: dict[int, int] = {}
    for index, event in enumerate(events):
        if (first := seen.setdefault(event.seq, index)) != index:
            reason = f"{event.seq} stands at events[{first}] already; number each event once"
            raise FormatError(f"events[{index}].seq: {reason}")
    raise AssertionError("no seq is repeated")


def _event(value: Any) -> ParsedEvent:
    if type(value) is not dict:
        raise FormatError(f"expected an event (a JSON object), got {_show(value)}")
    get = value.get
    kind, role = get("type", _ABSENT), get("role", "")
    if type(kind) is not str or kind not in EVENT_TYPES:
        _expected("type", "one of " + ", ".join(EVENT_TYPES), kind)
    if type(role) is not str or (role not in ROLES and "role" in value):
        _expected("role", "one of " + ", ".join(ROLES), role)
    event = ParsedEvent(_seq(value), kind, role, _text(value, "text"), _text(value, "tool"), _text(value, "call_id"))
    if "input" in value:
        event.input = _json_text("input", value["input"])
    if "output" in value:
        _read_output(value["output"], event)
    if "is_error" in value:
        if type(value["is_error"]) is not bool:
            _expected("is_error", "true or false", value["is_error"])
        event.is_error = value["is_error"]
    if "at" in value:
        event.at = _time(value, "at")
    if "duration_ms" in value:
        event.duration_ms = _duration(value["duration_ms"])
    if not value.keys() <= EVENT_KEYS:
        event.extra = _extra(value, EVENT_KEYS)
    return event


def _seq(value: dict[str, Any]) -> int:
    seq = value.get("seq", _ABSENT)
    if type(seq) is float and seq.is_integer():  # JSON Schema counts 3.0 as an integer
        seq = int(seq)
    if type(seq) is not int or not 0 <= seq <= MAX_SEQ:
        too_big = type(seq) is int and seq > MAX_SEQ
        _expected("seq", "an integer below 2**63" if too_big else "an integer ≥ 0", seq)
    return int(seq)


def _read_output(output: Any, event: ParsedEvent) -> None:
    if type(output) is str:
        event.output = _clean("output", output)
    else:
        event.output, event.output_is_json = _json_text("output", output), True


def _duration(duration: Any) -> float:
    if type(duration) not in (int, float) or duration < 0:
        _expected("duration_ms", "a number of milliseconds ≥ 0", duration)
    try:
        return float(duration)
    except OverflowError:
        _expected("duration_ms", "a number that a 64-bit float can hold", duration)


def _text(value: dict[str, Any], name: str, prefix: str = "") -> str:
    text = value.get(name, "")
    if type(text) is not str:
        _expected(prefix + name, "a string", text)
    return _clean(prefix + name, text)


def _clean(name: str, text: str) -> str:
    if "\0" in text:
        _refuse_nul(name)
    return text


def _refuse_nul(name: str) -> NoReturn:
    raise FormatError(
        f"{name}: holds the character U+0000 (NUL), which PostgreSQL cannot keep; replace it and send the session again"
    )


def _object(value: dict[str, Any], name: str) -> dict[str, Any]:
    found = value.get(name, _ABSENT)
    if found is _ABSENT:
        return {}
    if type(found) is not dict:
        _expected(name, "a JSON object", found)
    _json_text(name, found)
    return dict(found)


def _extra(value: dict[str, Any], known: frozenset[str], prefix: str = "") -> dict[str, Any]:
    extra = {key: kept for key, kept in value.items() if key not in known}
    for key, kept in extra.items():
        _json_text(prefix + _clean(prefix + "a key", key), kept)
    return extra


def _json_text(name: str, value: Any) -> str:
    """`value` serialised, after the checks that its text form alone would not show."""
    if type(value) in (dict, list):
        _check_depth(name, value)
    text = _serialise(value)
    if "\\u0000" in text and (path := find(value, name, NUL)):
        _refuse_nul(path)
    return text


def _check_depth(name: str, value: Any) -> None:
    level, depth = [value], 0
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            raise FormatError(f"{name}: {TOO_DEEP}")
        children = (item.values() if type(item) is dict else item for item in level)
        level = [child for group in children for child in group if type(child) in (dict, list)]


def _time(value: dict[str, Any], name: str) -> datetime | None:
    if name not in value:
        return None
    text = value[name]
    if type(text) is not str:
        _expected(name, A_TIME, text)
    try:
        time = _to_datetime(text, datetime)
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError):
        _expected(name, A_TIME, text)


def _expected(name: str, rule: str, value: Any) -> NoReturn:
    if value is _ABSENT:
        raise FormatError(f"{name}: is missing; expected {rule}")
    raise FormatError(f"{name}: expected {rule}, got {_show(value)}")


def _show(value: Any) -> str:
    """A few characters of `value`, enough to find it by."""
    if type(value) in (dict, list):
        return "an object" if type(value) is dict else "an array"
    if type(value) is int and abs(value) >= 10**20:
        return f"an integer of {len(str(abs(value)))} digits"
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}…"

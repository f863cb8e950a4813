"""From the bytes of one session to what is written to the database: checked, redacted, ready for COPY.

Pure and picklable, so that it may run in another process.
"""

import hashlib
from collections import Counter
from datetime import datetime
from typing import Any

import msgspec

from sessions.format import FormatError, ParsedEvent, ParsedSession, parse_session, serialise
from sessions.redaction import Rules, redact, redact_json, redact_value, suspected

# Stands for the session's id in `copy_rows`. No text holds NUL: `sessions.format` refuses it.
ID_MARK = b"\0"
# The columns of `copy_rows`, in order.
EVENT_COLUMNS = ("session_id", *ParsedEvent.__struct_fields__)


class PreparedSession(msgspec.Struct):
    """`size`: bytes as sent. `copy_rows`: COPY's text format, `ID_MARK` standing for the session's id."""

    external_id: str
    agent: str
    task: str
    task_id: str
    principal: str
    started_at: datetime | None
    ended_at: datetime | None
    outcome: str
    outcome_score: float | None
    outcome_source: str
    outcome_detail: str
    metadata: str
    extra: str
    redactions: dict[str, int]
    event_count: int
    sha256: str
    size: int
    copy_rows: bytes


def prepare(line: bytes) -> PreparedSession:
    """Check one session and take its secrets out. Raises `FormatError`."""
    line = line.strip()
    session = parse_session(line)
    redactions = redact_session(session)
    return PreparedSession(
        external_id=session.id,
        agent=session.agent,
        task=session.task,
        task_id=session.task_id,
        principal=session.principal,
        started_at=session.started_at,
        ended_at=session.ended_at,
        outcome=session.outcome,
        outcome_score=session.outcome_score,
        outcome_source=session.outcome_source,
        outcome_detail=session.outcome_detail,
        metadata=serialise(session.metadata),
        extra=serialise(session.extra),
        redactions=redactions,
        event_count=len(session.events),
        sha256=hashlib.sha256(line).hexdigest(),
        size=len(line),
        copy_rows="".join(map(_copy_row, session.events)).encode(),
    )


def prepare_lines(lines: list[bytes]) -> list[PreparedSession | FormatError]:
    """`prepare` each; a refusal takes the place of its session."""
    results: list[PreparedSession | FormatError] = []
    for line in lines:
        try:
            results.append(prepare(line))
        except FormatError as error:
            results.append(error)
    return results


def redact_session(session: ParsedSession) -> dict[str, int]:
    """Redact the texts of `session` in place (its id is none), and count what was taken out."""
    counts: Counter[str] = Counter()
    rules = suspected(b"\n".join([text.encode() for text in _texts(session)]))
    if not rules:
        return {}
    for name in ("task", "task_id", "principal", "outcome_source", "outcome_detail"):
        _replace(session, name, rules, counts)
    for kept in (session.metadata, session.extra):
        _replace_values(kept, rules, counts)
    for event in session.events:
        if event.text:
            _replace(event, "text", rules, counts)
        if event.output:
            _replace(event, "output", rules, counts, is_json=event.output_is_json)
        if event.input:
            _replace(event, "input", rules, counts, is_json=True)
        if event.extra:
            _replace_values(event.extra, rules, counts)
        if event.tool:
            _replace(event, "tool", rules, counts)
    _replace_call_ids(session.events, rules, counts)
    return dict(counts)


def _texts(session: ParsedSession) -> list[str]:
    texts = [session.task, session.task_id, session.principal, session.outcome_source, session.outcome_detail]
    texts += [serialise(kept) for kept in (session.metadata, session.extra) if kept]
    # Short and many: one text of them costs less than each on its own.
    texts.append("\n".join({event.tool for event in session.events}))
    texts.append("\n".join([event.call_id for event in session.events]))
    for event in session.events:
        texts += event.text, event.output, event.input
        if event.extra:
            texts.append(serialise(event.extra))
    return texts


def _replace(
    holder: ParsedSession | ParsedEvent,
    name: str,
    rules: Rules,
    counts: Counter[str],
    *,
    is_json: bool = False,
) -> None:
    redacted, found = (redact_json if is_json else redact)(getattr(holder, name), rules)
    if found:
        counts.update(found)
        setattr(holder, name, redacted)


def _replace_call_ids(events: list[ParsedEvent], rules: Rules, counts: Counter[str]) -> None:
    """Each id gets one name of its own, so that results still find their calls."""
    names: dict[str, str] = {}
    for event in events:
        sent = event.call_id
        if not sent:
            continue
        if sent not in names:
            _replace(event, "call_id", rules, counts)
            while event.call_id != sent and event.call_id in names.values():
                event.call_id += "′"
            names[sent] = event.call_id
        event.call_id = names[sent]


def _replace_values(kept: dict[str, Any], rules: Rules, counts: Counter[str]) -> None:
    if suspected(serialise(kept).encode(), rules):
        redacted = redact_value(kept, counts)
        kept.clear()
        kept.update(redacted)


def _copy_row(event: ParsedEvent) -> str:
    extra = _escape(serialise(event.extra)) if event.extra else "{}"
    return (
        f"\0\t{event.seq}\t{event.type}\t{event.role}\t{event.text and _escape(event.text)}"
        f"\t{event.tool and _escape(event.tool)}\t{event.call_id and _escape(event.call_id)}"
        f"\t{event.input and _escape(event.input)}\t{event.output and _escape(event.output)}"
        f"\t{event.output_is_json:d}\t{_or_null(event.is_error)}\t{_or_null(event.at)}"
        f"\t{_or_null(event.duration_ms)}\t{extra}\n"
    )


def _escape(text: str) -> str:
    """COPY's escapes. Looking first is faster: few texts hold any of them."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\n" in text:
        text = text.replace("\n", "\\n")
    if "\r" in text:
        text = text.replace("\r", "\\r")
    if "\t" in text:
        text = text.replace("\t", "\\t")
    return text


def _or_null(value: Any) -> str:
    return "\\N" if value is None else str(value)

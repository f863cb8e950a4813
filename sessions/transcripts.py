"""Files of Claude Code's transcripts to lines of format 1. Pure: lines in, lines out.

A transcript grows for as long as somebody goes on in it, and a session that was taken in is never changed. So a
transcript is cut where nothing was said for `PAUSE`, and a part that may still grow is left for the next import:
whatever is added later makes a part of its own. Cuts depend on what stands before them alone, so that importing a
longer file again gives the same parts, which are known then.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec

from sessions.claude_code import Event, Talk, is_record
from sessions.foreign import clean, clip, id_of, session_line, time_of
from sessions.malformed import why_not_json
from sessions.sources import Line

PAUSE = timedelta(hours=1)
# A part that has so much is cut, so that no session is too large to be kept.
MAX_PART_EVENTS = 20_000
MAX_PART_SIZE = 8 * 1024 * 1024
MAX_TASK = 2_000
_PEEKED = 20


@dataclass(frozen=True, slots=True)
class Reading:
    """How transcripts are read. `include_open` takes what may still grow: what is added to it later is lost."""

    agent: str
    now: datetime
    principal: str = ""
    include_open: bool = False


@dataclass(slots=True)
class Open:
    """What was left for later, as ids of sessions."""

    ids: list[str] = field(default_factory=list)


def with_transcripts(lines: Iterable[Line], reading: Reading, left_open: Open) -> Iterator[Line]:
    """The lines of one file, those of a transcript as sessions; anything else passes as it is."""
    lines = iter(lines)
    peeked: list[Line] = []
    answer = None
    for line in lines:
        peeked.append(line)
        answer = is_record(line.data) if line.data else None
        if answer is not None or len(peeked) >= _PEEKED:
            break
    whole = chain(peeked, lines)
    return _sessions(whole, reading, left_open) if answer else whole


@dataclass(slots=True)
class Part:
    """A stretch of one run without a long pause."""

    first_line: int
    events: list[Event] = field(default_factory=list)
    size: int = 0
    started_at: datetime | None = None
    ended_at: datetime | None = None
    about: dict[str, Any] = field(default_factory=dict)

    def is_over(self, at: datetime | None) -> bool:
        if len(self.events) >= MAX_PART_EVENTS or self.size >= MAX_PART_SIZE:
            return True
        return at is not None and self.ended_at is not None and at - self.ended_at > PAUSE


@dataclass(slots=True)
class Run:
    """A session, or one subagent's work for it."""

    session: str
    subagent: str
    file: str
    talk: Talk = field(default_factory=Talk)
    part: Part | None = None
    parts: int = 0

    @property
    def id(self) -> str:
        own = f"/agent-{self.subagent}" if self.subagent else ""
        return id_of(self.session, own + (f"/{self.parts}" if self.parts > 1 else ""))

    def add(self, number: int, record: dict[str, Any], reading: Reading) -> Iterator[Line]:
        """Take in a record; gives the part before it, if that ended."""
        at = time_of(record.get("timestamp"))
        if self.part is not None and self.part.is_over(at):
            yield from self.close(reading)
        events = [event | ({"at": at.isoformat()} if at else {}) for event in self.talk.events_of(record)]
        if not events:
            return
        if self.part is None:
            self.part = Part(number)
            self.parts += 1
        part = self.part
        part.events += events
        part.size += sum(len(msgspec.json.encode(event)) for event in events)
        if at is not None:
            part.started_at = part.started_at or at
            part.ended_at = max(part.ended_at or at, at)
        for name, key in (("cwd", "cwd"), ("git_branch", "gitBranch"), ("version", "version")):
            if isinstance(record.get(key), str):
                part.about[name] = clip(clean(record[key]), 1_000)

    def may_grow(self, now: datetime) -> bool:
        return self.part is not None and self.part.ended_at is not None and not self.part.is_over(now)

    def close(self, reading: Reading) -> Iterator[Line]:
        part, self.part = self.part, None
        if part is None:
            return
        if all(event["type"] == "note" for event in part.events):  # a command of the program, and nothing else
            self.parts -= 1
        else:
            yield Line(self.file, part.first_line, session_line(self._session(part, reading)))

    def _session(self, part: Part, reading: Reading) -> dict[str, Any]:
        metadata = {"source": "claude-code", **part.about}
        if self.talk.models:
            metadata["models"] = list(self.talk.models)
        if self.subagent:
            metadata |= {"session": self.session, "subagent": self.subagent}
        if self.parts > 1:
            metadata |= {"session": self.session, "part": self.parts}
        session: dict[str, Any] = {
            "id": self.id, "agent": reading.agent, "task": _task(part.events), "principal": reading.principal,
            "metadata": metadata, "events": part.events,
        }  # fmt: skip
        if part.started_at and part.ended_at:
            session |= {"started_at": part.started_at.isoformat(), "ended_at": part.ended_at.isoformat()}
        return session


def _task(events: list[Event]) -> str:
    asked = (
        event["text"] for event in events if event["type"] in ("message", "correction") and event["role"] == "user"
    )
    return clip(next(asked, ""), MAX_TASK)


@dataclass(slots=True)
class _Runs:
    """The runs of one file, and which record belongs to which."""

    runs: dict[tuple[str, str], Run] = field(default_factory=dict)
    roots: dict[str, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def of(self, line: Line, record: dict[str, Any]) -> Run | None:
        """None for a record that was there before, or was copied from another session."""
        uuid = _name(record.get("uuid"))
        if uuid in self.seen or record.get("forkedFrom"):
            return None
        if uuid:
            self.seen.add(uuid)
        session = _name(record.get("sessionId")) or Path(line.file).stem
        subagent = _name(record.get("agentId")) if record.get("isSidechain") else ""
        if record.get("isSidechain") and not subagent:
            subagent = self.roots.get(_name(record.get("parentUuid")), uuid)
            self.roots[uuid] = subagent
        return self.runs.setdefault((session, subagent), Run(session, subagent, line.file))


def _name(value: Any) -> str:
    return clean(value)[:100] if isinstance(value, str) else ""


def _sessions(lines: Iterable[Line], reading: Reading, left_open: Open) -> Iterator[Line]:
    runs = _Runs()
    broken: Line | None = None
    for line in lines:
        if broken is not None:
            yield broken
            broken = None
        record = _record(line)
        if isinstance(record, Line):
            broken = record
        elif (run := runs.of(line, record)) is not None:
            yield from run.add(line.number, record, reading)
    if broken is not None and not any(run.may_grow(reading.now) for run in runs.runs.values()):
        yield broken  # else it is being written just now
    for run in runs.runs.values():
        if reading.include_open or not run.may_grow(reading.now):
            yield from run.close(reading)
        else:
            left_open.ids.append(run.id)


def _record(line: Line) -> dict[str, Any] | Line:
    if not line.data:
        return line
    try:
        record = msgspec.json.decode(line.data)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        return Line(line.file, line.number, reason=why_not_json(line.data, error))
    if not isinstance(record, dict):
        return Line(line.file, line.number, reason="expected a JSON object: a record of a transcript")
    return record

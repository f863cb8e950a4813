"""A tool's output as a log writes it: records with their levels, and the lines below them that go on with them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dreaming.mining.templates import own_words

_LEVEL = re.compile(r"^(?P<stamp>[\d\[(][\d:.,TZ/\-\])+ ]*)?\[?(?P<level>[A-Z]{4,8})\]?:?\s+(?P<said>\S.*)$")
_ERROR_LEVELS = frozenset({"ERROR", "FATAL", "CRITICAL", "SEVERE"})
_ROUTINE_LEVELS = frozenset({"TRACE", "DEBUG", "INFO", "NOTICE", "VERBOSE"})
_WARNING_LEVELS = frozenset({"WARN", "WARNING"})
_THREAD = re.compile(r"^\[[^\]\s]{1,60}\]\s+")
_FRAME = re.compile(
    r"^\s*(?:[=\-_*+!#]{3}|(?:at|in|from)\s|File \"|\.{3}|\^|~|\||#?\d+:?\s+(?:0x|at\s|in\s)|[^\s:]+:\d+)"
)
_NEXT = re.compile(r"^(?:[^\s:]{1,20}:\s+)?[-*•]\s")
_MARK = re.compile(r"[\s\-*•]+")
_FEW_WORDS = 3
_SAYS_MUCH = 2


@dataclass(slots=True)
class Record:
    """A line as written, and the lines set in below it."""

    line: str
    below: list[str]

    @property
    def level(self) -> str:
        found = _LEVEL.match(self.line)
        return found["level"] if found else ""

    @property
    def said(self) -> str:
        """What the line says besides its time, level and thread."""
        found = _LEVEL.match(self.line)
        return _THREAD.sub("", found["said"]) if found else self.line.strip()

    @property
    def routine(self) -> bool:
        """Whether a log says that the line is about its usual work."""
        found = _LEVEL.match(self.line)
        if not found:
            return False
        return found["level"] in _ROUTINE_LEVELS or bool(found["stamp"] and found["level"] in _WARNING_LEVELS)


def is_record(line: str) -> bool:
    """Whether a line begins as a log's record does."""
    return bool(_LEVEL.match(line))


def records_of(lines: Iterable[str]) -> list[Record]:
    """Return the lines that are not empty as records; a line that is set in belongs to the one above."""
    found: list[Record] = []
    above = False
    for line in lines:
        if not line.strip():
            above = False
        elif above and line[:1].isspace():
            found[-1].below.append(line)
        else:
            found.append(Record(line, []))
            above = True
    return found


def marked_record(records: Sequence[Record]) -> Record | None:
    """Return the last record that a log marks as an error, among records that it marks otherwise."""
    levels = [record for record in records if record.level]
    errors = [record for record in levels if record.level in _ERROR_LEVELS]
    return errors[-1] if errors and len(levels) * 2 > len(records) > len(errors) else None


def after_routine(records: Sequence[Record]) -> list[Record]:
    """Return what stands after a log's last line of routine, else its lines that are no routine."""
    last = max((at for at, record in enumerate(records) if record.routine), default=-1)
    return [*records[last + 1 :]] or [record for record in records if not record.routine]


def with_detail(said: str, records: Sequence[Record]) -> str:
    """Join what a record says with the line that goes on with it: the first one set in below that is no stack frame, or an
    entry of the list after it; after what only says that something failed, the next line.
    """
    at = next((at for at, record in enumerate(records) if said in record.line), -1)
    if at < 0:
        return said
    ahead = records[at + 1 : at + 2]
    follows = [record.line for record in ahead if _NEXT.match(record.line) or own_words(said.lower()) < _SAYS_MUCH]
    for line in (*records[at].below, *follows):
        if len(_MARK.sub(" ", line).split()) >= _FEW_WORDS and not _FRAME.match(line):
            return f"{said}\n{line}"
    return said

"""Files of sessions into the database: what `import_sessions` does."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit.actors import Actor
from sessions import services
from sessions.format import FormatError
from sessions.pipeline import Prepared, prepared, workers_for
from sessions.preparing import PreparedSession
from sessions.sources import STDIN, Line, chunked, read_lines
from sessions.transcripts import Open, Reading, with_transcripts

# Errors beyond this many are counted, not kept: memory stays flat when every line of a long file is bad.
MAX_ERRORS_KEPT = 1000


@dataclass(slots=True)
class ImportReport:
    """What one import did. `errors` name file, line, reason and, where it could be read, the session's id.

    `left_open` counts the transcripts' sessions that may still grow, and wait for a later import.
    """

    files: int = 0
    sessions_imported: int = 0
    duplicates: int = 0
    differing: int = 0
    refused: int = 0
    left_open: int = 0
    events: int = 0
    redactions: Counter[str] = field(default_factory=Counter)
    agents_created: list[str] = field(default_factory=list)
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "files": self.files,
            "sessions_imported": self.sessions_imported,
            "duplicates": self.duplicates,
            "differing": self.differing,
            "refused": self.refused,
            "left_open": self.left_open,
            "events": self.events,
            "redactions": dict(self.redactions),
            "agents_created": self.agents_created,
            "errors": self.errors,
            "warnings": self.warnings,
            "seconds": round(self.seconds, 3),
            "events_per_second": round(self.events / self.seconds) if self.seconds else 0,
        }

    def refuse(self, line: Line, reason: str, session_id: str = "") -> None:
        self.refused += 1
        if len(self.errors) < MAX_ERRORS_KEPT:
            error = {"file": line.file, "line": line.number, "reason": reason}
            self.errors.append(error | ({"id": session_id} if session_id else {}))

    def warn(self, warning: str) -> None:
        if warning not in self.warnings and len(self.warnings) < MAX_ERRORS_KEPT:
            self.warnings.append(warning)

    def add(self, result: services.IngestResult) -> None:
        counts = Counter(result.statuses)
        self.sessions_imported += counts[services.CREATED]
        self.duplicates += counts[services.DUPLICATE]
        self.differing += counts[services.DIFFERS]
        self.events += result.events
        self.redactions.update(result.redactions)
        self.agents_created += result.agents_created
        for warning in result.warnings:
            self.warn(warning)


def import_files(
    *,
    files: list[Path],
    store: str,
    actor: Actor,
    transcripts: Reading | None = None,
    workers: int | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> ImportReport:
    """Import every session of `files`; a bad line is refused and reported, and the rest goes in.

    With `transcripts`, files of Claude Code are read too: what stands in a file tells which it is.
    Each chunk is one transaction, so an import that is cut short may be run again. `progress` is told how
    many more bytes were read. Raises `sessions.pipeline.WorkerDiedError`.
    """
    report = ImportReport(files=len(files))
    left_open = Open()
    began = time.monotonic()
    act = uuid.uuid4()
    if workers is None:
        workers = workers_for(sum(_unpacked_size(path) for path in files if path != STDIN))
    for lines, results in prepared(chunked(_lines(files, transcripts, left_open, progress)), workers=workers):
        good = _sorted_out(lines, results, report)
        if good:
            report.add(services.ingest(sessions=good, actor=actor, store=store, act=act, durable=False))
    services.make_durable()
    report.left_open = len(left_open.ids)
    report.seconds = time.monotonic() - began
    return report


# How much larger sessions are than their gzip: seven times at the ordinary level, for the real ones at hand.
GZIP_RATIO = 5


def _unpacked_size(path: Path) -> int:
    """About how many bytes there will be to read."""
    size = path.stat().st_size
    return size * GZIP_RATIO if path.suffix == ".gz" else size


def _lines(files: list[Path], transcripts: Reading, left_open: Open, progress: Callable[[int], None]) -> Iterator[Line]:
    for path in files:
        position = 0

        def advance(to: int) -> None:
            nonlocal position
            if to > position:
                progress(to - position)
                position = to

        lines = read_lines(path, progress=advance)
        yield from with_transcripts(lines, transcripts, left_open) if transcripts else lines


def _sorted_out(lines: list[Line], results: Prepared, report: ImportReport) -> list[PreparedSession]:
    good = []
    for line, result in zip(lines, results, strict=True):
        if not line.number:
            report.warn(f"{line.file}: is empty")
        elif line.reason:
            report.refuse(line, line.reason)
        elif isinstance(result, FormatError):
            report.refuse(line, result.reason, result.session_id)
        else:
            good.append(result)
    return good

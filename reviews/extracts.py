"""What is shown of the record, to take away: the entries of a filter, as CSV or JSON lines."""

import csv
import json
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from io import StringIO

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.exporting import entry_line
from audit.models import Entry
from audit.services import record
from reviews.record import Filters, by_index, matching

# Whoever needs more takes the whole record, with `manage.py export_audit`.
MAX_ROWS = 1_000_000
BATCH = 1_000
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/x-ndjson"}
COLUMNS = (
    *("seq", "at", "act", "action", "actor_kind", "actor_id", "actor_name", "store", "subject"),
    *("data", "prev_hash", "hash"),
)
# A spreadsheet takes a cell that begins so for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


@dataclass(frozen=True, slots=True)
class Extract:
    """`lines` are read from the database as they are sent; `newest` names the file."""

    newest: int
    rows: int
    lines: Iterator[str]


@transaction.atomic
def export_extract(*, filters: Filters, viewer: User, format: str) -> Extract:
    """The matching entries that `viewer` may see, newest first, at most `MAX_ROWS`. The record keeps who took which.

    `format` is one of `TYPES`. Entries never change, so those that were counted here are the ones that are sent.
    """
    rows = matching(filters, viewer).order_by("-seq").values_list("seq", flat=True)[: MAX_ROWS + 1]
    if filters.needs_words:
        with by_index():
            seqs = array("q", rows.iterator())
    else:
        seqs = array("q", rows.iterator())
    is_cut = len(seqs) > MAX_ROWS
    seqs = seqs[:MAX_ROWS]
    ends = {"newest": seqs[0], "oldest": seqs[-1]} if seqs else {}
    record(
        action="record.extract_exported",
        actor=Actor.user(viewer),
        subject="record:extract",
        data={"format": format, "filter": filters.given, "rows": len(seqs), "cut": is_cut, **ends},
    )
    return Extract(ends.get("newest", 0), len(seqs), _LINES[format](_entries(seqs)))


def _entries(seqs: array) -> Iterator[Entry]:
    for start in range(0, len(seqs), BATCH):
        wanted = seqs[start : start + BATCH]
        found = Entry.objects.in_bulk(list(wanted))
        yield from (found[seq] for seq in wanted)


def _json_lines(entries: Iterator[Entry]) -> Iterator[str]:
    """Each with its canonical bytes, as in the export of the whole record."""
    for entry in entries:
        yield json.dumps(entry_line(entry), ensure_ascii=False) + "\n"


def _csv_lines(entries: Iterator[Entry]) -> Iterator[str]:
    out = StringIO()
    write = csv.writer(out).writerow
    write(COLUMNS)
    for entry in entries:
        yield _taken(out)
        line = entry_line(entry) | {f"actor_{name}": value for name, value in entry_line(entry)["actor"].items()}
        line["data"] = json.dumps(entry.data, ensure_ascii=False, sort_keys=True)
        write(plain_cell(str(line[name])) for name in COLUMNS)
    yield _taken(out)


def _taken(out: StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def plain_cell(text: str) -> str:
    """A text that no spreadsheet computes: an apostrophe goes before what looks like a formula."""
    return f"'{text}" if text.startswith(_FORMULA) else text


_LINES = {"csv": _csv_lines, "jsonl": _json_lines}

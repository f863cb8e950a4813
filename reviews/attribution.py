"""Blame as pages show it: stretches of lines with the decision, the proposer and the evidence behind each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, takewhile
from operator import itemgetter

from memory.models import Evidence, Memory, MemoryVersion
from reviews.blame import blame
from reviews.texts import text_of

# Of a longer history the newest: what is older than all of them is said to be as old as the oldest, or older.
MAX_VERSIONS = 1_000
BATCH = 50


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring lines that came with one version.

    `by_editor`: whoever decided wrote them, not whoever proposed; `or_older`: they stood in the oldest version
    looked at, and what was before is too long ago, or erased.
    """

    version: MemoryVersion
    lines: list[str]
    first: int
    by_editor: bool
    or_older: bool
    quotes: list[Evidence] = field(default_factory=list)


def attributed(memory: Memory, revision: int) -> list[Stretch]:
    """The text of the newest version up to `revision`, by where its lines came from; of a deleted memory, its last.

    Nothing where that one is erased; no line is followed back beyond a version that is.
    """
    upto = memory.versions.filter(revision__lte=revision).exclude(operation=MemoryVersion.Operation.DELETED)
    hashes = list(upto.order_by("-revision").values_list("pk", "sha256")[: MAX_VERSIONS + 1])
    readable = list(takewhile(lambda row: row[1], hashes[:MAX_VERSIONS]))
    is_cut, ids = len(readable) < len(hashes), [pk for pk, _ in readable]
    lines = blame((version.pk, text_of(version)) for version in _in_order(ids))
    since = {line.since for line in lines}
    rows = MemoryVersion.objects.defer("content").select_related("decision__proposal").in_bulk(list(since))
    quotes = _quotes([row.decision.proposal_id for row in rows.values()])
    proposed = {pk: set(row.decision.proposal.content.splitlines()) for pk, row in rows.items() if _is_edited(row)}
    origins = [(line.since, line.since in proposed and line.text not in proposed[line.since]) for line in lines]
    stretches = []
    for (pk, by_editor), group in groupby(enumerate(origins), key=itemgetter(1)):
        numbers = [number for number, _ in group]
        stretches.append(
            Stretch(
                version=rows[pk],
                lines=[lines[number].text for number in numbers],
                first=numbers[0] + 1,
                by_editor=by_editor,
                or_older=is_cut and pk == ids[-1],
                quotes=quotes.get(rows[pk].decision.proposal_id, []),
            )
        )
    return stretches


def _in_order(newest_first: Sequence[int]) -> Iterator[MemoryVersion]:
    """Oldest first, some at a time: hundreds of the longest texts are tens of megabytes."""
    ids = newest_first[::-1]
    for start in range(0, len(ids), BATCH):
        some = ids[start : start + BATCH]
        found = MemoryVersion.objects.in_bulk(list(some))
        yield from (found[pk] for pk in some)


def _is_edited(version: MemoryVersion) -> bool:
    return version.decision.verdict == "approve_with_edits"


def _quotes(proposal_ids: list[int]) -> dict[int, list[Evidence]]:
    quotes: dict[int, list[Evidence]] = {}
    for quote in Evidence.objects.filter(proposal_id__in=proposal_ids).select_related("session").order_by("id"):
        quotes.setdefault(quote.proposal_id, []).append(quote)
    return quotes

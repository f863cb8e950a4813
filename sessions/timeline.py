"""A session's events as a readable timeline, a page at a time. What it shows is hostile text: nothing is marked safe."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from django.db.models import F, Q, QuerySet, TextField
from django.db.models.functions import Cast, Left, Length

from sessions.models import Event, Session

PAGE_SIZE = 200
LEAD_IN = 20
CLIP = 4_000
# A browser that is given tens of megabytes of one event helps nobody.
WHOLE = 1_000_000
TEXTS = ("text", "input", "output")
# Errors are counted and walked through up to so many.
MAX_ERRORS = 10_000


@dataclass(slots=True)
class Step:
    """One entry of the timeline: an event, with the results of a call folded under it."""

    event: Event
    results: list[Event] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return any(event.failed for event in (self.event, *self.results))


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for in the session, and the events that hold it."""

    asked: str
    pattern: re.Pattern[str] | None
    found: list[int]


@dataclass(frozen=True, slots=True)
class Walk:
    """Events to walk through: errors, or what was found.

    `at`: the number of the one that is looked at, from 1. `previous` and `next` are seqs about that one;
    `before` and `beyond` those about the page.
    """

    count: int
    at: int | None
    previous: int | None
    next: int | None
    before: int | None
    beyond: int | None

    @classmethod
    def through(cls, seqs: list[int], events: list[Event], at: int | None) -> "Walk":
        """From `at`, or from the start of the page."""
        first, last = (events[0].seq, events[-1].seq) if events else (0, 0)
        here = first - 0.5 if at is None else at
        return cls(
            count=len(seqs),
            at=seqs.index(at) + 1 if at in seqs else None,
            previous=_last_below(seqs, here),
            next=_first_above(seqs, here),
            before=_last_below(seqs, first),
            beyond=_first_above(seqs, last),
        )


def _last_below(seqs: list[int], place: float) -> int | None:
    return next((seq for seq in reversed(seqs) if seq < place), None)


def _first_above(seqs: list[int], place: float) -> int | None:
    return next((seq for seq in seqs if seq > place), None)


def errors_of(agent_session: Session) -> list[int]:
    failed = agent_session.events.filter(Q(type=Event.Type.ERROR) | Q(is_error=True))
    return list(failed.order_by("seq").values_list("seq", flat=True)[:MAX_ERRORS])


def page_of(agent_session: Session, at: int | None, after: int | None, before: int | None) -> list[Event]:
    """By keyset: after or before a seq, or around `at`, or from the start."""
    events = clipped(agent_session.events.all(), CLIP)
    if before is not None:
        return list(events.filter(seq__lt=before).order_by("-seq")[:PAGE_SIZE])[::-1]
    if at is not None:
        lead_in = list(events.filter(seq__lt=at).order_by("-seq")[:LEAD_IN])[::-1]
        return lead_in + list(events.filter(seq__gte=at).order_by("seq")[: PAGE_SIZE - len(lead_in)])
    if after is not None:
        events = events.filter(seq__gt=after)
    return list(events.order_by("seq")[:PAGE_SIZE])


def clipped(events: QuerySet[Event], limit: int) -> QuerySet[Event]:
    """Only the beginning of each text, cut by the database, with its full length beside it."""
    for name in TEXTS:
        cut = Cast(Left(F(name), limit), TextField())
        events = events.annotate(**{f"{name}_shown": cut, f"{name}_length": Length(name)})
    return events.defer(*TEXTS, "extra")


def mark(events: list[Event], at: int | None, *, quotes: Iterable, quoted: str, search: Search) -> None:
    """Give the events the proposals that cite them, and what to mark in them: the quote that led here, or what is
    looked for. Of a long text, the part is shown that holds the quote, or at `at` what is looked for."""
    among = set(search.found)
    cited: dict[int, dict] = {}
    marked: dict[int, str] = {}
    for row in quotes:
        cited.setdefault(row.seq, {})[row.proposal_id] = row.proposal
        if str(row.pk) == quoted:
            marked[row.seq] = row.quote
    for event in events:
        event.cited_by = list(cited.get(event.seq, {}).values())
        event.is_found = event.seq in among
        event.quote = marked.get(event.seq) or (search.pattern if event.is_found else None)
        event.is_clipped = any(getattr(event, f"{name}_length") > CLIP for name in TEXTS)
        if event.is_clipped and event.seq in marked:
            _show_around(event, re.compile(re.escape(marked[event.seq])))
        elif event.is_clipped and event.seq == at and search.pattern:
            _show_around(event, search.pattern)


def _show_around(event: Event, pattern: re.Pattern[str]) -> None:
    """Move the window of a long text so that the match is in it."""
    whole = Event.objects.get(session_id=event.session_id, seq=event.seq)
    for name in TEXTS:
        text = getattr(whole, name)
        if match := pattern.search(text):
            begin = max(0, match.start() - CLIP // 4)
            shown = text[begin : max(begin + CLIP, match.end())]
            setattr(event, f"{name}_shown", ("…" if begin else "") + shown)
            return


def steps_of(events: list[Event], at: int | None, found: Collection[int]) -> list[Step]:
    """Calls with their results folded under them: by call id, or by standing right behind a call of the same tool.

    The steps that hold the event `at`, or one that was found, are unfolded.
    """
    wanted = set(found)
    steps: list[Step] = []
    calls: dict[str, Step] = {}
    for event in events:
        owner = None
        if event.type == Event.Type.TOOL_RESULT:
            last = steps[-1] if steps else None
            follows = last and last.event.type == Event.Type.TOOL_CALL and not last.results and not event.call_id
            owner = (
                calls.get(event.call_id)
                if event.call_id
                else last
                if follows and last.event.tool == event.tool
                else None
            )
        if owner:
            owner.results.append(event)
            continue
        steps.append(Step(event))
        if event.type == Event.Type.TOOL_CALL and event.call_id:
            calls[event.call_id] = steps[-1]
    for step in steps:
        seqs = [event.seq for event in (step.event, *step.results)]
        step.event.is_here = at in seqs
        step.event.is_open = step.event.is_here or not wanted.isdisjoint(seqs)
    return steps

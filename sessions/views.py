"""One session as a readable timeline. What it shows is hostile text: the templates escape, nothing here marks it safe."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import F, QuerySet, TextField
from django.db.models.functions import Cast, Left, Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from audit.roles import ROLES, role_required
from sessions.models import Event, Session

PAGE_SIZE = 200
LEAD_IN = 20
CLIP = 4_000
# A browser that is given tens of megabytes of one event helps nobody.
WHOLE = 1_000_000
MAX_SEQ = 2**63 - 1
TEXTS = ("text", "input", "output")


@dataclass(slots=True)
class Step:
    """One entry of the timeline: an event, with the results of a call folded under it."""

    event: Event
    results: list[Event] = field(default_factory=list)

    @property
    def failed(self) -> bool:
        return self.event.type == Event.Type.ERROR or any(event.is_error for event in (self.event, *self.results))


@require_GET
@role_required(*ROLES)
def session_detail(request: HttpRequest, pk: int) -> HttpResponse:
    agent_session = get_object_or_404(Session.objects.select_related("agent"), pk=pk)
    at = _number(request.GET.get("at"))
    events = _page(agent_session, at, _number(request.GET.get("after")), _number(request.GET.get("before")))
    quotes = agent_session.cited_by.select_related("proposal").order_by("seq", "id")
    marked = {row.seq: row.quote for row in quotes if str(row.pk) == request.GET.get("quote")}
    _mark(agent_session, events, marked, quotes)
    context = {
        "agent_session": agent_session,
        "steps": _steps(events, at),
        "at": at,
        "first": events[0].seq if events else None,
        "last": events[-1].seq if events else None,
        "has_earlier": bool(events) and agent_session.events.filter(seq__lt=events[0].seq).exists(),
        "has_later": bool(events) and agent_session.events.filter(seq__gt=events[-1].seq).exists(),
        "proposals": list({row.proposal_id: row.proposal for row in quotes}.values()),
        "reads": agent_session.agent.memory_reads.filter(session_external_id=agent_session.external_id).select_related(
            "store"
        ),
    }
    return render(request, "sessions/session_detail.html", context)


@require_GET
@role_required(*ROLES)
@vary_on_headers("HX-Request")
def session_event(request: HttpRequest, pk: int, seq: int) -> HttpResponse:
    """One event with its whole texts, as a fragment or as a page of its own."""
    event = get_object_or_404(_clipped(Event.objects.select_related("session__agent"), WHOLE), session_id=pk, seq=seq)
    event.quote, event.cited_by = "", []
    event.is_cut = any(getattr(event, f"{name}_length") > WHOLE for name in TEXTS)
    name = "_event_texts" if request.htmx else "event_detail"
    return render(request, f"sessions/{name}.html", {"event": event, "agent_session": event.session, "whole": True})


def _number(text: str | None) -> int | None:
    if not text or len(text) > 19 or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= MAX_SEQ else None


def _page(agent_session: Session, at: int | None, after: int | None, before: int | None) -> list[Event]:
    """By keyset: after or before a seq, or around `at`, or from the start."""
    events = _clipped(agent_session.events.all(), CLIP)
    if before is not None:
        return list(events.filter(seq__lt=before).order_by("-seq")[:PAGE_SIZE])[::-1]
    if at is not None:
        lead_in = list(events.filter(seq__lt=at).order_by("-seq")[:LEAD_IN])[::-1]
        return lead_in + list(events.filter(seq__gte=at).order_by("seq")[: PAGE_SIZE - len(lead_in)])
    if after is not None:
        events = events.filter(seq__gt=after)
    return list(events.order_by("seq")[:PAGE_SIZE])


def _clipped(events: QuerySet[Event], limit: int) -> QuerySet[Event]:
    """Only the beginning of each text, cut by the database, with its full length beside it."""
    for name in TEXTS:
        cut = Cast(Left(F(name), limit), TextField())
        events = events.annotate(**{f"{name}_shown": cut, f"{name}_length": Length(name)})
    return events.defer(*TEXTS, "extra")


def _mark(agent_session: Session, events: list[Event], marked: dict[int, str], quotes: Iterable) -> None:
    """Give the events their citing proposals, and the quoted one the text around its quote."""
    cited: dict[int, dict] = {}
    for row in quotes:
        cited.setdefault(row.seq, {})[row.proposal_id] = row.proposal
    for event in events:
        event.cited_by = list(cited.get(event.seq, {}).values())
        event.quote = marked.get(event.seq, "")
        event.is_clipped = any(getattr(event, f"{name}_length") > CLIP for name in TEXTS)
        if event.quote and event.is_clipped:
            _show_around(event, agent_session.events.get(seq=event.seq))


def _show_around(event: Event, whole: Event) -> None:
    """Move the window of a long text so that the quote is in it."""
    for name in TEXTS:
        text, start = getattr(whole, name), getattr(whole, name).find(event.quote)
        if start >= 0:
            begin = max(0, start - CLIP // 4)
            setattr(
                event,
                f"{name}_shown",
                ("…" if begin else "") + text[begin : max(begin + CLIP, start + len(event.quote))],
            )
            return


def _steps(events: list[Event], at: int | None) -> list[Step]:
    """Calls with their results folded under them: by call id, or by standing right behind a call of the same tool."""
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
        step.event.is_open = at in (step.event.seq, *(result.seq for result in step.results))
    return steps

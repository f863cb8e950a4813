"""Sessions: the list that is searched, and one of them as a timeline. What they show is hostile text: templates escape."""

from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_GET
from django.views.decorators.vary import vary_on_headers

from audit.roles import ADMIN, REVIEWER, ROLES, has_role, role_required
from sessions import lookup, timeline
from sessions.filters import MAX_LENGTH, Filters
from sessions.finding import MAX_FOUND, found_in, hits
from sessions.format import MAX_SEQ
from sessions.lookup import COUNT_LIMIT
from sessions.models import Agent, Event, Poisoning, Session
from sessions.words import Query

# Quotes that are shown beside the timeline; each event says by itself who cites it.
MAX_CITED = 50


@require_GET
@role_required(*ROLES)
@vary_on_headers("HX-Request")
def session_list(request: HttpRequest) -> HttpResponse:
    """All sessions, or those that the address asks for, each with the event that matched."""
    filters = Filters.read(request.GET)
    page = lookup.page(filters, after=request.GET.get("after", ""), before=request.GET.get("before", ""))
    sessions = _sessions(page.ids)
    found = hits(filters, sessions)
    context = {
        "filters": filters,
        "rows": [(agent_session, found.get(agent_session.pk)) for agent_session in sessions],
        "page": page,
        "mark": (filters.words or filters.error_words).pattern,
        "has_any": bool(sessions) or Session.objects.exists(),
        "unindexed": lookup.unindexed_count(),
        "many": COUNT_LIMIT,
        "agents": Agent.objects.values_list("slug", flat=True),
        "swapped": request.htmx and request.htmx.target == "sessions",
        "outcomes": Session.Outcome.values,
        "tools": lookup.known_tools(),
    }
    return render(
        request, "sessions/_session_list.html" if context["swapped"] else "sessions/session_list.html", context
    )


def _sessions(ids: list[int]) -> list[Session]:
    """With what a row shows, in the order of the ids."""
    rows = Session.objects.select_related("agent", "index").defer("metadata", "extra", "index__about").in_bulk(ids)
    return [rows[pk] for pk in ids if pk in rows]


@require_GET
@role_required(*ROLES)
def session_detail(request: HttpRequest, pk: int) -> HttpResponse:
    agent_session = get_object_or_404(Session.objects.select_related("agent"), pk=pk)
    at = _number(request.GET.get("at"))
    events = timeline.page_of(agent_session, at, _number(request.GET.get("after")), _number(request.GET.get("before")))
    search = _search(agent_session, request.GET.get("q", ""))
    quotes = list(agent_session.cited_by.select_related("proposal").order_by("seq", "id"))
    timeline.mark(events, at, quotes=quotes, quoted=request.GET.get("quote", ""), search=search)
    context = {
        "agent_session": agent_session,
        "steps": timeline.steps_of(events, at, search.found),
        "at": at,
        "first": events[0].seq if events else None,
        "last": events[-1].seq if events else None,
        "has_earlier": bool(events) and agent_session.events.filter(seq__lt=events[0].seq).exists(),
        "has_later": bool(events) and agent_session.events.filter(seq__gt=events[-1].seq).exists(),
        "asked": search.asked,
        "carry": f"&{urlencode({'q': search.asked})}" if search.asked else "",
        "found": timeline.Walk.through(search.found, events, at),
        "many": MAX_FOUND,
        "errors": timeline.Walk.through(timeline.errors_of(agent_session), events, at),
        "cited": _by_proposal(quotes[:MAX_CITED]),
        "more_quotes": len(quotes) - MAX_CITED,
        "reads": _reads(agent_session),
        **_withdrawal(agent_session, request.user),
    }
    return render(request, "sessions/session_detail.html", context)


def _search(agent_session: Session, text: str) -> timeline.Search:
    asked = text.replace("\x00", "").strip()[:MAX_LENGTH]
    query = Query.read(asked)
    return timeline.Search(asked, query.pattern, found_in(agent_session, query))


def _by_proposal(quotes: list) -> list[list]:
    """The quotes of each proposal together."""
    together: dict[int, list] = {}
    for quote in quotes:
        together.setdefault(quote.proposal_id, []).append(quote)
    return list(together.values())


def _withdrawal(agent_session: Session, user: User) -> dict[str, object]:
    """What became of it after it came in, and what this user may do about it."""
    return {
        "erasure": agent_session.erasure if agent_session.is_erased else None,
        "poisoning": Poisoning.objects.filter(session=agent_session).first(),
        "corrections": agent_session.corrections.all(),
        "may_correct": has_role(user, ADMIN),
        "may_poison": has_role(user, ADMIN, REVIEWER),
        "outcomes": Session.Outcome.values,
    }


def _reads(agent_session: Session) -> QuerySet:
    """Which memory it was served, in order."""
    reads = agent_session.agent.memory_reads.filter(session_external_id=agent_session.external_id)
    return reads.select_related("store").order_by("at", "id")


@require_GET
@role_required(*ROLES)
@vary_on_headers("HX-Request")
def session_event(request: HttpRequest, pk: int, seq: int) -> HttpResponse:
    """One event with its whole texts, as a fragment or as a page of its own."""
    events = timeline.clipped(Event.objects.select_related("session__agent"), timeline.WHOLE)
    event = get_object_or_404(events, session_id=pk, seq=seq)
    event.quote, event.cited_by = Query.read(request.GET.get("q", "")[:MAX_LENGTH]).pattern, []
    event.is_cut = any(getattr(event, f"{name}_length") > timeline.WHOLE for name in timeline.TEXTS)
    name = "_event_texts" if request.htmx else "event_detail"
    return render(request, f"sessions/{name}.html", {"event": event, "agent_session": event.session, "whole": True})


def _number(text: str | None) -> int | None:
    if not text or len(text) > 19 or not (text.isascii() and text.isdigit()):
        return None
    number = int(text)
    return number if number <= MAX_SEQ else None

"""Spans that agents export: kept until a run is over, then one session of it.

Spans of one run come in many requests, in any order, the root last. A trace is over when its root came and nothing
more did for a while, or when nothing came for long; a conversation, which may have many traces, when nothing came for
a few minutes. What comes after that in a new trace becomes a session of its own; a span of a trace that was over is
kept, counted and reported, as late.
"""

import logging
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import accumulate, islice

import msgspec
from django.db import transaction
from django.db.models import Count, F, Sum
from django.db.models.functions import Now
from django.utils import timezone

from audit.actors import Actor
from sessions.foreign import id_of, session_line
from sessions.format import FormatError
from sessions.models import Agent, Session, Trace, TraceSpan
from sessions.otel.assembling import assemble
from sessions.otel.reading import conversation_of, is_known
from sessions.otel.spans import Span
from sessions.preparing import PreparedSession, prepare
from sessions.redaction import redact_value, suspected
from sessions.services import ingest

logger = logging.getLogger(__name__)

ROOT_QUIET = timedelta(seconds=10)
CONVERSATION_QUIET = timedelta(minutes=5)
IDLE = timedelta(minutes=10)
KEPT = timedelta(days=30)
MAX_TRACE_SPANS = 5_000
MAX_TRACE_SIZE = 64 * 1024 * 1024
# What may wait of one agent, before it is asked to come back later.
MAX_WAITING_SPANS = 100_000
MAX_WAITING_SIZE = 512 * 1024 * 1024
MAX_AT_ONCE = 500
_MARK = re.compile(r"\[redacted:([a-z_]+)\]")


class Backlog(Exception):
    """Too much of this agent waits already; nothing was kept."""


@dataclass(slots=True)
class Kept:
    """What became of the spans of a request. `rejected` are over the limits of their trace."""

    new: int = 0
    known: int = 0
    late: int = 0
    unknown: int = 0
    rejected: int = 0


def keep_spans(*, agent: Agent, spans: Iterable[Span]) -> Kept:
    """Keep the spans that some dialect knows, each once. Raises `Backlog`."""
    spans = list(spans)
    by_trace: dict[str, dict[str, Span]] = defaultdict(dict)
    strange: Counter[str] = Counter()
    for span in spans:
        if is_known(span):
            by_trace[span.trace_id][span.span_id] = _redacted(span)
        else:
            strange[span.trace_id] += 1
    kept = Kept(unknown=strange.total())
    if by_trace:
        _refuse_backlog(agent)
        _keep(agent, by_trace, kept)
    _note_strangers(agent, spans, strange)
    return kept


def _refuse_backlog(agent: Agent) -> None:
    waiting = Trace.objects.waiting().filter(agent=agent).aggregate(spans=Sum("spans"), size=Sum("size"))
    if (waiting["spans"] or 0) >= MAX_WAITING_SPANS or (waiting["size"] or 0) >= MAX_WAITING_SIZE:
        raise Backlog


@transaction.atomic
def _keep(agent: Agent, by_trace: dict[str, dict[str, Span]], kept: Kept) -> None:
    """Traces are locked in order, so that two requests cannot deadlock."""
    names = sorted(by_trace)
    Trace.objects.bulk_create([Trace(agent=agent, trace_id=name) for name in names], ignore_conflicts=True)
    traces = Trace.objects.filter(agent=agent, trace_id__in=names).order_by("trace_id").select_for_update()
    for trace in traces:
        sent = by_trace[trace.trace_id]
        known = set(TraceSpan.objects.filter(trace=trace, span_id__in=sent).values_list("span_id", flat=True))
        fresh = [span for span_id, span in sent.items() if span_id not in known]
        kept.known += len(sent) - len(fresh)
        _add(trace, fresh, kept)


def _add(trace: Trace, spans: list[Span], kept: Kept) -> None:
    is_late = trace.assembled_at is not None
    rows = []
    for span in spans:
        body = msgspec.to_builtins(span)
        size = len(msgspec.json.encode(body))
        if trace.spans >= MAX_TRACE_SPANS or trace.size + size > MAX_TRACE_SIZE:
            kept.rejected += 1
            continue
        rows.append(TraceSpan(trace=trace, span_id=span.span_id, body=body, is_late=is_late))
        trace.spans += 1
        trace.size += size
        trace.has_root = trace.has_root or not span.parent_id
        trace.conversation = trace.conversation or conversation_of(span)[:1_000]
    if not rows:
        return
    TraceSpan.objects.bulk_create(rows)
    if is_late:
        trace.late += len(rows)
        kept.late += len(rows)
        logger.warning("%s: %s spans of trace %s came after its session was made", trace.agent_id, len(rows), trace)
    kept.new += len(rows)
    trace.received_at = Now()
    trace.save()


def _note_strangers(agent: Agent, spans: list[Span], strange: Counter[str]) -> None:
    """Spans that no dialect knows are counted; one that is the root says that its trace is over."""
    roots = {span.trace_id for span in spans if not span.parent_id} & strange.keys()
    if roots:
        Trace.objects.filter(agent=agent, trace_id__in=roots, has_root=False).update(has_root=True, received_at=Now())
    known = Trace.objects.filter(agent=agent, trace_id__in=strange).values_list("pk", "trace_id")
    for pk, trace_id in sorted(known):
        Trace.objects.filter(pk=pk).update(unknown=F("unknown") + strange[trace_id])


def _redacted(span: Span) -> Span:
    """Without its secrets: what waits is in the database, and may stay there when it comes late."""
    texts = {
        "name": span.name,
        "status_message": span.status_message,
        "attributes": span.attributes,
        "events": [[event.name, event.attributes] for event in span.events],
    }
    if not suspected(msgspec.json.encode(texts)):
        return span
    clean = redact_value(texts, Counter())
    span.name, span.status_message, span.attributes = clean["name"], clean["status_message"], clean["attributes"]
    for event, (name, attributes) in zip(span.events, clean["events"], strict=True):
        event.name, event.attributes = name, attributes
    return span


@dataclass(slots=True)
class _Run:
    """Traces that become one session, in the order of their last span."""

    is_conversation: bool
    traces: list[Trace] = field(default_factory=list)

    def due(self, now: datetime) -> list[Trace]:
        """What of it to make a session of now: nothing, or all, or of one that never ends what is whole."""
        quiet = CONVERSATION_QUIET if self.is_conversation else ROOT_QUIET if self.traces[0].has_root else IDLE
        due = self.traces if self.traces[-1].received_at < now - quiet else []
        if not due and self._is_large():
            due = [trace for trace in self.traces if trace.has_root and trace.received_at < now - ROOT_QUIET]
        sizes = accumulate(trace.size for trace in due)
        return [trace for trace, size in zip(due, sizes, strict=True) if size <= MAX_TRACE_SIZE]

    def _is_large(self) -> bool:
        spans, size = sum(trace.spans for trace in self.traces), sum(trace.size for trace in self.traces)
        return spans >= MAX_TRACE_SPANS or size >= MAX_TRACE_SIZE // 2


def assemble_traces(*, now: datetime | None = None) -> int:
    """Make sessions of what is over; how many. Two at once share the work, and one that fails leaves the others."""
    now = now or timezone.now()
    runs: dict[tuple[int, str, str], _Run] = {}
    for trace in Trace.objects.waiting().order_by("received_at")[: 20 * MAX_AT_ONCE]:
        conversation = trace.conversation
        name = (trace.agent_id, conversation, "" if conversation else trace.trace_id)
        runs.setdefault(name, _Run(bool(conversation))).traces.append(trace)
    made = 0
    for due in islice(filter(None, (run.due(now) for run in runs.values())), MAX_AT_ONCE):
        try:
            made += _assemble(due)
        except Exception:
            logger.exception("traces %s cannot be made a session", [trace.trace_id for trace in due[:20]])
    return made


@transaction.atomic
def _assemble(due: list[Trace]) -> int:
    as_seen = {trace.pk: trace.received_at for trace in due}
    waiting = Trace.objects.waiting().filter(pk__in=as_seen).order_by("pk")
    traces = list(waiting.select_for_update(skip_locked=True))
    if {trace.pk: trace.received_at for trace in traces} != as_seen:
        return 0  # something came just now, or somebody else is at it: next time
    agent = Agent.objects.get(pk=traces[0].agent_id)
    prepared, seen = _session_of(agent, traces)
    # Before ingest, which takes the record's lock and should come last.
    TraceSpan.objects.filter(trace__in=traces).update(body={})
    for trace in traces:
        trace.assembled_at = Now()
        trace.size = 0
        trace.external_id = prepared.external_id if prepared else ""
        trace.seen = seen if trace is traces[-1] else []
        trace.save(update_fields=["assembled_at", "size", "external_id", "seen"])
    if prepared is None:
        return 0
    ingest(sessions=[prepared], actor=Actor.agent(agent.slug))
    return 1


def _session_of(agent: Agent, traces: list[Trace]) -> tuple[PreparedSession | None, list[str]]:
    rows = TraceSpan.objects.filter(trace__in=traces).order_by("pk").values_list("body", flat=True)
    spans = [msgspec.convert(body, Span) for body in rows.iterator()]
    conversation = traces[0].conversation
    assembled = assemble(spans, _seen_before(agent, conversation))
    if assembled is None:
        return None, []
    metadata = assembled.session["metadata"]
    if strangers := sum(trace.unknown for trace in traces):
        metadata["unknown_spans"] = strangers
    session = {
        "id": _free_id(agent, conversation or traces[0].trace_id),
        "agent": agent.slug,
        **assembled.session,
    }
    line = session_line(session)
    try:
        prepared = prepare(line)
    except FormatError as error:
        logger.error("traces %s: %s", [trace.trace_id for trace in traces[:20]], error.reason)
        return None, []
    # They were taken out before the spans were kept; each counts where it is seen.
    prepared.redactions = dict(Counter(prepared.redactions) + Counter(_MARK.findall(line.decode())))
    return prepared, assembled.seen


def _seen_before(agent: Agent, conversation: str) -> list[str]:
    if not conversation:
        return []
    earlier = Trace.objects.filter(agent=agent, conversation=conversation, assembled_at__isnull=False)
    return [mark for seen in earlier.values_list("seen", flat=True) for mark in seen]


def _free_id(agent: Agent, name: str) -> str:
    """The conversation's id, or the trace's; with a number where a session of that id is there."""
    number, external_id = 1, id_of(name)
    while Session.objects.filter(agent=agent, external_id=external_id).exists():
        number += 1
        external_id = id_of(name, f"/{number}")
    return external_id


def forget_traces() -> None:
    """Delete what is known of traces that were assembled long ago, late spans with it; how many is logged."""
    old = Trace.objects.filter(assembled_at__lt=timezone.now() - KEPT)
    if late := old.aggregate(late=Sum("late"), traces=Count("pk"))["late"]:
        logger.warning("%s late spans are deleted, %s after their sessions were made", late, KEPT)
    old.delete()

"""What the pages show of a proposal, read from the rows that the digest covers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, timedelta
from functools import cache
from typing import Any

from django.db.models import Case, Count, Exists, F, JSONField, OuterRef, QuerySet, Subquery, TextField, Value, When
from django.db.models.functions import Coalesce, Greatest, JSONObject, Length, Now, StrIndex, Substr

from audit.canonical import digest_of
from audit.models import Entry
from dreaming.charts import Bar
from dreaming.plots import Plot, Series, Span, stacked
from dreaming.supports import bars_of, count_in, is_number, part_of, words_of
from memory.digests import SeenEvidence
from memory.models import Evidence, Proposal
from memory.services import digest_over
from reviews.diffs import Piece, diff_lines
from reviews.visible import hidden_count
from sessions.models import Agent, Event, OutcomeCorrection, Session

CONTEXT_CHARACTERS = 240
NEAR_LIMIT = 12
READERS_SHOWN = 24


@dataclass(frozen=True, slots=True)
class Tile:
    """One number with its denominator, and what it counts."""

    number: str
    label: str


@dataclass(frozen=True, slots=True)
class Numbers:
    """A proposal's `support`, as far as it was given."""

    tiles: list[Tile]
    bars: list[Bar]
    notes: list[str]

    def __bool__(self) -> bool:
        return bool(self.tiles or self.bars or self.notes)


def numbers_of(support: dict[str, Any]) -> Numbers:
    return Numbers(tiles=_tiles(support), bars=bars_of(support), notes=_notes(support))


def _tiles(support: dict[str, Any]) -> list[Tile]:
    sessions, eligible = count_in(support, "sessions"), count_in(support, "eligible")
    words = words_of(support)
    scope = words.scope if eligible else words.met
    tiles = (
        [Tile(f"{sessions} of {eligible}" if eligible else _counted(sessions, "session"), scope)] if sessions else []
    )
    if agents := count_in(support, "agents"):
        spread = [
            _counted(count_in(support, key), word)
            for key, word in (("principals", "principal"), ("tasks", "task"))
            if count_in(support, key)
        ]
        tiles.append(Tile(_counted(agents, "agent"), f"found it, for {' on '.join(spread)}" if spread else "found it"))
    remedy = part_of(support, "remedy")
    if adopted := count_in(remedy, "adopted"):
        tiles.append(Tile(f"{count_in(remedy, 'helped')} of {adopted}", "sessions that made this change got past it"))
    elif words.occurrences and (occurrences := count_in(support, "occurrences")):
        tiles.append(Tile(str(occurrences), words.occurrences))
    return tiles


def _notes(support: dict[str, Any]) -> list[str]:
    notes = _comparison(support) if count_in(support, "met_total") and count_in(support, "other_total") else []
    if recovered := count_in(support, "recovered"):
        notes.append(f"{_counted(recovered, 'session')} recovered from it later.")
    return notes


def _comparison(support: dict[str, Any]) -> list[str]:
    """How sessions that met it end, against the others that could have."""
    notes = []
    low, high = support.get("effect_low"), support.get("effect_high")
    if is_number(effect := support.get("effect")):
        interval = f" (95 %: {low * 100:+.0f} to {high * 100:+.0f})" if is_number(low) and is_number(high) else ""
        within = ", runs of the same task compared" if support.get("within_task") else ""
        points = f"{effect * 100:+.0f} points{interval}".replace("-", "−")
        notes.append(f"Against the sessions without it, success differs by {points}{within}.")
    if is_number(support.get("p_adjusted")):
        notes.append(f"p = {support['p_adjusted']:.2g}, adjusted for the patterns that were tried.")
    elif is_number(support.get("p_value")):
        notes.append(f"p = {support['p_value']:.2g}, not adjusted.")
    return notes


def weeks_of(support: dict[str, Any], evidence: Sequence[Evidence]) -> Plot | None:
    """Sessions by week, those that met it and the others; of proposals that do not know them, the quoted sessions."""
    words, weeks = words_of(support), support.get("weeks")
    if isinstance(weeks, list) and weeks:
        rows = {date.fromisoformat(week): (met, could) for week, met, could in weeks}
        span = Span.weeks(min(rows), max(rows))
        met = span.values((week, met) for week, (met, _) in rows.items())
        rest = span.values((week, could - met) for week, (met, could) in rows.items())
        series = [Series(words.met, "sun", met), Series(words.other, "none", rest)]
        return _by_week("By week", span, series, "sessions that could have") if len(span.starts) > 1 else None
    quoted = {row.session_id: (row.session.occurred_at.astimezone(UTC).date(), row.stance) for row in evidence}
    days = [day for day, _ in quoted.values()]
    span = Span.weeks(min(days), max(days)) if days else None
    if span is None or len(span.starts) < 2:
        return None
    series = [
        Series(
            f"quoted {word}",
            tone,
            span.values((span.start_of(day), 1) for day, told in quoted.values() if told == stance),
        )
        for stance, word, tone in (("supports", "for it", "sun"), ("contradicts", "against it", "info"))
    ]
    return _by_week("Quoted sessions by week", span, series, "sessions are quoted; how many there were is not known")


def _by_week(title: str, span: Span, series: list[Series], note: str) -> Plot:
    return stacked(title, span.labels, series, number=f"{sum(one.total for one in series):,}", note=note)


def _counted(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"


def evidence_of(proposal: Proposal) -> list[Evidence]:
    """Every quote with its session, agent and the text around it, cut out by the database: an event may hold megabytes."""
    return list(_quotes().filter(proposal=proposal))


@cache
def _quotes() -> QuerySet[Evidence]:
    """Built once: putting it together takes longer than asking."""
    at = StrIndex("body", "quote")
    event = (
        Event.objects.filter(session_id=OuterRef("session_id"), seq=OuterRef("seq"))
        .order_by()
        .annotate(quote=OuterRef("quote"))
        .annotate(body=_text_with_quote())
        .annotate(start=Greatest(at - CONTEXT_CHARACTERS, Value(1)), end=at + Length("quote"))
        .values(
            found=JSONObject(
                type="type",
                tool="tool",
                is_error="is_error",
                before=Substr("body", F("start"), Greatest(at - F("start"), Value(0))),
                after=Substr("body", F("end"), CONTEXT_CHARACTERS),
                clipped=Length("body") - F("end") - CONTEXT_CHARACTERS + 1,
            )
        )
    )
    corrected = OutcomeCorrection.objects.filter(
        session=OuterRef("session_id"), at__gt=OuterRef("proposal__created_at")
    )
    rows = Evidence.objects.select_related("session__agent", "session__poisoning").defer(
        "session__metadata", "session__extra", "session__task"
    )
    return rows.annotate(event=Subquery(event, output_field=JSONField()), relabelled=Exists(corrected))


def _text_with_quote() -> Case:
    """The field of the event that holds the quote, as `Event.says()` looks for it."""
    fields = ("text", "output", "input")
    return Case(
        *[When(**{f"{name}__contains": F("quote")}, then=F(name)) for name in fields],
        default=Value(""),
        output_field=TextField(),
    )


def seen_digest(proposal: Proposal, evidence: Iterable[Evidence]) -> str:
    """The digest of exactly what a page shows: the reviewer's decision is bound to these rows, not to a stored value."""
    return digest_over(
        proposal,
        [
            SeenEvidence(row.session.external_id, row.session.agent.slug, row.seq, row.quote, row.stance)
            for row in evidence
        ],
    )


@dataclass(frozen=True, slots=True)
class Change:
    """What approving does to memory."""

    pieces: list[Piece]
    path: list[Piece]
    text_changes: bool
    hidden: int


def change_of(proposal: Proposal) -> Change:
    base = proposal.base_version.content if proposal.base_version else ""
    return change_between(proposal.path, base, proposal.new_path or proposal.path, proposed_text(proposal))


def change_between(old_path: str, old: str, new_path: str, new: str) -> Change:
    return Change(
        pieces=diff_lines(old, new),
        path=[Piece("same", new_path)] if old_path == new_path else [Piece("del", old_path), Piece("ins", new_path)],
        text_changes=old != new,
        hidden=hidden_count(new),
    )


def proposed_text(proposal: Proposal) -> str:
    """As `decide()` would publish it."""
    if proposal.operation == Proposal.Operation.DELETE:
        return ""
    return proposal.content or (proposal.base_version.content if proposal.base_version else "")


def published_change(proposal: Proposal) -> Change | None:
    """What a reviewer's edit did to the proposed text; none when it went live as it was proposed."""
    decision = getattr(proposal, "decision", None)
    if decision is None or decision.verdict != "approve_with_edits":
        return None
    proposed_path = proposal.new_path or proposal.path
    return change_between(proposed_path, proposed_text(proposal), decision.path, decision.version.content)


@dataclass(frozen=True, slots=True)
class Near:
    """Other proposals at the same path or of the same memory."""

    waiting: list[Proposal]
    rejected: list[Proposal]
    earlier: list[Proposal]


def near(proposal: Proposal) -> Near:
    paths = {proposal.path, proposal.new_path} - {""}
    memory = proposal.base_version.memory_id if proposal.base_version else None
    others = Proposal.objects.touching(store_id=proposal.store_id, paths=paths, memory_id=memory).exclude(
        pk=proposal.pk
    )
    rows = list(others.select_related("decision__version").defer("content", "rationale").order_by("-id")[:NEAR_LIMIT])
    status = Proposal.Status
    return Near(
        waiting=[row for row in rows if row.status in (status.OPEN, status.STALE)],
        rejected=[row for row in rows if row.status == status.REJECTED],
        earlier=[row for row in rows if row.status == status.APPROVED],
    )


def readers_of(proposal: Proposal) -> QuerySet[Agent]:
    """The agents that read the store, with the sessions they ran in the last seven days."""
    recent = Session.objects.filter(agent=OuterRef("pk"), occurred_at__gte=Now() - timedelta(days=7)).order_by()
    lately = Coalesce(Subquery(recent.values("agent").annotate(number=Count("pk")).values("number")), 0)
    return Agent.objects.filter(stores=proposal.store_id).annotate(lately=lately).order_by("slug")[:READERS_SHOWN]


def history_of(proposal: Proposal) -> QuerySet[Entry]:
    return Entry.objects.about(f"proposal:{proposal.pk}").defer("body").order_by("seq")


def by_stance(evidence: Sequence[Evidence]) -> dict[str, list[Evidence]]:
    stances = Evidence.Stance
    return {
        stance.value: [row for row in evidence if row.stance == stance]
        for stance in (stances.SUPPORTS, stances.CONTRADICTS)
    }


_PARTS = {
    "claim": "the claim",
    "why": "the rationale",
    "where": "the path, the operation or the base",
    "text": "the text",
    "evidence": "the evidence",
}


def fingerprint(proposal: Proposal, evidence: Sequence[Evidence]) -> str:
    """A short hash of each part of the page, so that a refused decision can name what changed since."""
    return " ".join(f"{name}:{digest_of(part)[:12]}" for name, part in _seen_parts(proposal, evidence).items())


def changed_parts(seen: str, proposal: Proposal, evidence: Sequence[Evidence]) -> list[str]:
    """The parts whose hash is not the one that was seen; empty when the page sent none."""
    then = dict(part.split(":", 1) for part in seen.split(" ") if ":" in part)
    now = dict(part.split(":", 1) for part in fingerprint(proposal, evidence).split(" "))
    return [_PARTS[name] for name in now if name in then and then[name] != now[name]]


def _seen_parts(proposal: Proposal, evidence: Sequence[Evidence]) -> dict[str, list[Any]]:
    return {
        "claim": [proposal.title],
        "why": [proposal.rationale],
        "where": [proposal.store_id, proposal.operation, proposal.path, proposal.new_path, proposal.base_version_id],
        "text": [proposal.content],
        "evidence": sorted([row.session_id, row.seq, row.quote, row.stance] for row in evidence),
    }


def moved_base(proposal: Proposal) -> Change | None:
    """From the text that the proposal was made against to the one that is live now."""
    base = proposal.base_version
    if base is None or base.memory.head is None:
        return None
    head = base.memory.head
    return change_between(base.path, base.content, head.path, head.content)

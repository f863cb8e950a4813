"""What an erasure would take: the rows that were asked for, and every copy that hangs on them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Exists, OuterRef, Q

from audit.canonical import digest_of
from audit.models import Entry, LegalHold
from dreaming.mirror_models import MirroredMemory
from dreaming.models import Dream, Finding, ModelAnswer, SessionDigest, SessionNotes
from memory.models import Evidence, MemoryRead, MemoryStore, MemoryVersion, PolicyChange, Proposal
from reviews.erasure_places import CLEARED, DELETED, EVENTS, LEFT, OPEN_EVENTS, STRUCK, found_in, variants
from reviews.models import (
    Comment,
    Decision,
    Escalation,
    EvidenceReview,
    HeldBallot,
    ReReview,
    Seed,
    SeedAnswer,
    SeedDraft,
    Signature,
    Vote,
    Waiver,
)
from sessions.models import OpenSession, OutcomeCorrection, Poisoning, Session, Trace

NAMES = {
    "memory.MemoryVersion": ("path",),
    "memory.Proposal": ("path", "new_path"),
    "reviews.Decision": ("path",),
    "reviews.Signature": ("path",),
    "agent_sessions.Session": ("external_id",),
}
MIN_LENGTH = 3
# What is written about a proposal, and how it leads there.
PROPOSAL_OF = {
    Decision: "proposal",
    Vote: "proposal",
    Signature: "proposal",
    Comment: "proposal",
    Escalation: "proposal",
    HeldBallot: "proposal",
    Seed: "proposal",
    SeedAnswer: "seed__proposal",
    Waiver: "decision__proposal",
    ReReview: "waiver__decision__proposal",
}


class NothingToErase(ValueError):
    """What was asked for is not there, or cannot be searched; the message says why."""


@dataclass
class Hits:
    """Row ids by model; `named` are those whose path or producer's id goes too, `left` what stays, with why."""

    rows: dict[str, set[int]] = field(default_factory=dict)
    named: set[tuple[str, int]] = field(default_factory=set)
    left: dict[str, tuple[int, str]] = field(default_factory=dict)

    def add(self, model: type, ids: Iterable[int]) -> None:
        if found := set(ids):
            self.rows.setdefault(model._meta.label, set()).update(found)

    def of(self, model: type) -> set[int]:
        return self.rows.get(model._meta.label, set())

    @property
    def counts(self) -> dict[str, int]:
        """Kind of row → how many, in the words of the page."""
        counted: Counter[str] = Counter()
        for place in [*STRUCK, *CLEARED, *DELETED]:
            counted[place.label] += len(self.rows.get(place.model, ()))
        return {label: number for label, number in counted.items() if number}

    @property
    def token(self) -> str:
        """What was previewed, in a word."""
        rows = {model: sorted(ids) for model, ids in self.rows.items()}
        return digest_of({"rows": rows, "named": sorted(f"{model}:{pk}" for model, pk in self.named)})


def of_version(pk: int) -> Hits:
    """A version, and every other that says the same."""
    version = MemoryVersion.objects.filter(pk=pk).first()
    if version is None or version.is_erased:
        raise NothingToErase("There is no such version, or its text is erased already.")
    hits = Hits()
    hits.add(MemoryVersion, _same_text(version))
    return _with_copies(hits)


def of_sessions(ids: Iterable[int]) -> Hits:
    hits = Hits()
    hits.add(Session, Session.objects.filter(pk__in=list(ids)).exclude(sha256="").values_list("pk", flat=True))
    if not hits.rows:
        raise NothingToErase("There is no such session, or its content is erased already.")
    return _with_copies(hits)


def of_principal(principal: str) -> Hits:
    """All sessions of exactly this principal."""
    if not principal.strip():
        raise NothingToErase("Say whose sessions.")
    hits = Hits()
    sessions = Session.objects.filter(principal=principal).exclude(sha256="")
    hits.add(Session, sessions.values_list("pk", flat=True))
    hits.add(OpenSession, OpenSession.objects.filter(head__principal=principal).values_list("pk", flat=True))
    if not hits.rows:
        raise NothingToErase("There is no session of this principal, or their content is erased already.")
    hits = _with_copies(hits)
    lifted = LegalHold.objects.filter(kind="principal", subject=principal).exclude(lifted_at=None)
    hits.add(LegalHold, lifted.values_list("pk", flat=True))
    return hits


def of_text(text: str) -> Hits:
    """Every row that holds exactly this text; a session goes as a whole."""
    if len(text.strip()) < MIN_LENGTH or "\0" in text:
        raise NothingToErase(f"Give at least {MIN_LENGTH} characters: a shorter text stands everywhere.")
    hits = Hits()
    for place in [*STRUCK, *CLEARED, *DELETED]:
        hits.add(place.table, found_in(place, text))
        if names := NAMES.get(place.model):
            hits.named.update((place.model, pk) for pk in found_in(place, text, names))
    hits.add(Session, found_in(EVENTS, text))
    hits.add(OpenSession, found_in(OPEN_EVENTS, text))
    holds = next(place for place in LEFT if place.table is LegalHold)
    lifted = LegalHold.objects.exclude(lifted_at=None).filter(pk__in=set(found_in(holds, text)))
    hits.add(LegalHold, lifted.values_list("pk", flat=True))
    for place in LEFT:
        if place.table is Entry:
            number = _entries_with(text)
        elif place is holds:
            number = LegalHold.objects.standing().filter(pk__in=set(found_in(place, text))).count()
        else:
            number = len(set(found_in(place, text)))
        if number:
            hits.left[place.label] = (number, place.why)
    if not hits.rows and not hits.left:
        raise NothingToErase("Nothing here holds that text, written exactly so.")
    return _with_copies(hits)


def _entries_with(text: str) -> int:
    """How many entries of the record hold the text: names of those who acted, and paths in entries of old."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM audit_entry WHERE EXISTS ("
            "SELECT FROM unnest(%s::text[]) AS text WHERE position(convert_to(text, 'UTF8') IN body) > 0)",
            [variants(text)],
        )
        return int(cursor.fetchone()[0])


def _same_text(version: MemoryVersion) -> Iterable[int]:
    if not version.content:
        return [version.pk]
    return MemoryVersion.objects.filter(sha256=version.sha256).values_list("pk", flat=True)


def _with_copies(hits: Hits) -> Hits:
    _copies_of_sessions(hits)
    _copies_of_versions(hits)
    _copies_of_proposals(hits)
    _hashes_of_reasons(hits)
    _copies_in_mirrors(hits)
    return hits


def _copies_of_sessions(hits: Hits) -> None:
    ids = hits.of(Session)
    if not ids:
        return
    hits.add(Evidence, _not_struck(Evidence.objects.filter(session__in=ids)))
    for model in (SessionDigest, SessionNotes, OutcomeCorrection, Poisoning):
        hits.add(model, model.objects.filter(session__in=ids).values_list("pk", flat=True))
    same = Session.objects.filter(pk__in=ids, agent=OuterRef("agent"), external_id=OuterRef("external_id"))
    hits.add(OpenSession, OpenSession.objects.filter(Exists(same)).values_list("pk", flat=True))
    hits.add(Trace, Trace.objects.filter(Exists(same)).values_list("pk", flat=True))
    names = Session.objects.filter(pk__in=[pk for model, pk in hits.named if model == Session._meta.label])
    for agent, external_id in names.values_list("agent", "external_id"):
        reads = MemoryRead.objects.filter(agent=agent, session_external_id=external_id)
        hits.add(MemoryRead, reads.values_list("pk", flat=True))
    ordered = SeedDraft.objects.exclude(draft={}).values_list("pk", "draft")
    hits.add(SeedDraft, (pk for pk, draft in ordered if _cites(draft, ids)))
    # Answers are kept for a pass that is taken up; of one that has ended nobody needs them.
    stores = MemoryStore.objects.filter(agents__sessions__in=ids)
    ended = Dream.objects.filter(store__in=stores).exclude(ended_at=None)
    hits.add(ModelAnswer, ModelAnswer.objects.filter(dream__in=ended).values_list("pk", flat=True))


def _not_struck(evidence) -> list[int]:
    return [quote.pk for quote in evidence if not quote.is_erased]


def _cites(draft: dict, ids: set[int]) -> bool:
    return any(quote.get("session_id") in ids for quote in draft.get("evidence", ()))


def _copies_of_versions(hits: Hits) -> None:
    """A version's text was proposed; the same text may be proposed again, or wait."""
    versions = MemoryVersion.objects.filter(pk__in=hits.of(MemoryVersion))
    texts = [text for text in versions.values_list("content", flat=True) if text]
    said = Q(decision__version__in=versions) | (Q(content__in=texts) if texts else Q(pk=None))
    hits.add(Proposal, Proposal.objects.filter(said).exclude(digest="").values_list("pk", flat=True))
    for path_of in versions.filter(pk__in=[pk for model, pk in hits.named if model == MemoryVersion._meta.label]):
        about = Proposal.objects.filter(decision__version=path_of).values_list("pk", flat=True)
        hits.named.update((Proposal._meta.label, pk) for pk in about)


def _copies_of_proposals(hits: Hits) -> None:
    """Its hashes lie in its decision and votes, its text in ballots, findings, answers and test items."""
    ids = hits.of(Proposal)
    if not ids:
        return
    for model in (Decision, Vote, Signature, HeldBallot, Finding, SeedDraft):
        hits.add(model, model.objects.filter(proposal__in=ids).values_list("pk", flat=True))
    # A waiver's reason is that of its decision.
    hits.add(Waiver, Waiver.objects.filter(decision__proposal__in=ids).values_list("pk", flat=True))
    named = {pk for model, pk in hits.named if model == Proposal._meta.label}
    for model in (Decision, Signature):
        about = model.objects.filter(proposal__in=named).values_list("pk", flat=True)
        hits.named.update((model._meta.label, pk) for pk in about)
    answers = Q(pk=None)
    for ref, key in Proposal.objects.filter(pk__in=ids, source_ref__startswith="dream:").values_list(
        "source_ref", "claim_key"
    ):
        number = ref.removeprefix("dream:")
        answers |= Q(dream=int(number), about=key) if number.isdecimal() else Q(pk=None)
    hits.add(ModelAnswer, ModelAnswer.objects.filter(answers).values_list("pk", flat=True))


def _hashes_of_reasons(hits: Hits) -> None:
    """A signature binds a hash of the reason that was given with it."""
    for model in (Decision, Vote, SeedAnswer, HeldBallot):
        rows = model.objects.filter(pk__in=hits.of(model))
        signed = Signature.objects.filter(proposal__in=rows.values(PROPOSAL_OF[model]))
        hits.add(Signature, signed.values_list("pk", flat=True))


def _copies_in_mirrors(hits: Hits) -> None:
    """Their hashes, and what awaits a decision there."""
    hashes = MemoryVersion.objects.filter(pk__in=hits.of(MemoryVersion)).exclude(sha256="").values("sha256")
    known = Q(sha256__in=hashes) | Q(sent_sha256__in=hashes) | Q(drift_sha256__in=hashes)
    rows = MirroredMemory.objects.filter(known | Q(proposal__in=hits.of(Proposal)))
    hits.add(MirroredMemory, rows.values_list("pk", flat=True))


def proposals_of(hits: Hits) -> set[int]:
    """The proposals, and those that the other rows are about."""
    proposals = set(hits.of(Proposal))
    for model, to_proposal in PROPOSAL_OF.items():
        proposals |= set(model.objects.filter(pk__in=hits.of(model)).values_list(to_proposal, flat=True))
    return proposals


def salts_of(hits: Hits) -> set[int]:
    """The entries whose words are erased: all about a proposal of which anything is, and those about the other rows."""
    proposals = proposals_of(hits)
    subjects = {f"proposal:{pk}" for pk in proposals}
    for model in (Session, OutcomeCorrection, Poisoning):
        rows = model.objects.filter(pk__in=hits.of(model))
        ids = rows.values_list("pk" if model is Session else "session", flat=True)
        subjects |= {f"session:{pk}" for pk in ids}
    subjects |= {f"legal_hold:{pk}" for pk in hits.of(LegalHold)}
    found = set(Entry.objects.filter(subject__in=subjects, salt__isnull=False).values_list("seq", flat=True))
    found |= _about_policies(hits.of(PolicyChange))
    return found | _about_memories(hits) | _about_stores(hits, proposals)


def _about_policies(ids: set[int]) -> set[int]:
    subjects = {change.subject for change in PolicyChange.objects.filter(pk__in=ids)}
    entries = Entry.objects.filter(subject__in=subjects, action__startswith="policy.", salt__isnull=False)
    return {entry.seq for entry in entries if entry.data["change"] in ids}


def _about_memories(hits: Hits) -> set[int]:
    versions = MemoryVersion.objects.filter(pk__in=hits.of(MemoryVersion))
    evidence_reviews = EvidenceReview.objects.filter(pk__in=hits.of(EvidenceReview))
    memories = {*versions.values_list("memory", flat=True), *evidence_reviews.values_list("memory", flat=True)}
    entries = Entry.objects.filter(subject__in=[f"memory:{pk}" for pk in memories], salt__isnull=False)
    version_ids, evidence_review_ids = hits.of(MemoryVersion), hits.of(EvidenceReview)
    acts = set(Decision.objects.filter(version__in=version_ids).values_list("act", flat=True))
    return {
        entry.seq
        for entry in entries
        if entry.data.get("version") in version_ids
        or entry.data.get("evidence_review") in evidence_review_ids
        or (entry.action == "memory.imported" and entry.act in acts)
    }


def _about_stores(hits: Hits, proposals: set[int]) -> set[int]:
    """Stops whose reason goes, settings that were changed, and approvals of several at once that one of them was in."""
    stores = set(Proposal.objects.filter(pk__in=proposals).values_list("store", flat=True)) | hits.of(MemoryStore)
    for label in ("memory.HistoricalMemoryStore", "reviews.HistoricalReviewSettings"):
        place = next(place for place in CLEARED if place.model == label)
        key = "id" if label.startswith("memory") else "store"
        rows = place.table.objects.filter(pk__in=hits.rows.get(label, ()))
        stores |= set(rows.values_list(key, flat=True))
    entries = Entry.objects.filter(subject__in=[f"store:{pk}" for pk in stores], salt__isnull=False)
    return {entry.seq for entry in entries if entry.action != "review.bulk_approved" or _decided(entry) & proposals}


def _decided(entry: Entry) -> set[int]:
    return {pk for ids in entry.data.get("outcomes", {}).values() for pk in ids}

"""Stores and proposals: everything that changes them, but for publishing."""

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, models, transaction

from audit.actors import Actor
from audit.services import record
from memory.digests import SeenEvidence, proposal_digest
from memory.models import Evidence, Memory, MemoryRead, MemoryStore, MemoryVersion, Proposal
from memory.paths import check_content, check_path
from memory.scanning import DELETES, REJECTED_BEFORE, REMOVED_BEFORE, REPLACES_HUMAN_TEXT, UNSUPPORTED, scan
from memory.signals import proposal_submitted
from sessions.models import Agent, Event, Session


class Refused(ValueError):
    """A draft that is not taken; the message is the reason to show and to keep."""


class KnownClaim(Refused):
    """The claim was decided before, or waits; wording it otherwise changes nothing."""


# The id of a store, the revision of it that was served, and the revisions of the versions that were, or None for all.
Read = tuple[int, int, Sequence[int] | None]


@dataclass(frozen=True, slots=True)
class QuoteDraft:
    """An exact quote of event `seq` of session `session_id` (a database id)."""

    session_id: int
    seq: int
    quote: str
    stance: str


@dataclass(frozen=True, slots=True)
class Draft:
    """One change that somebody wants to propose. `claim_key` is the same whenever the same claim is made; where it
    may be known by other keys too, those are its `aliases`.

    `flags` are the proposer's own warnings; like those that scanning finds, they keep it from policies.
    """

    operation: str
    path: str
    content: str
    kind: str
    title: str
    rationale: str
    claim_key: str = ""
    new_path: str = ""
    base_version: MemoryVersion | None = None
    evidence: Sequence[QuoteDraft] = ()
    support: dict[str, Any] = field(default_factory=dict)
    benefit: float = 0.0
    flags: Sequence[str] = ()
    aliases: Sequence[str] = ()


@transaction.atomic
def create_store(
    *, name: str, actor: Actor, description: str = "", metadata: dict[str, str] | None = None
) -> MemoryStore:
    """Create an empty store. Raises `ValidationError` for a name that is malformed or taken."""
    store = MemoryStore(name=name, description=description, metadata=metadata or {})
    store.full_clean()
    store.save()
    record(action="store.created", actor=actor, subject=f"store:{store.pk}", store=name)
    return store


def lock_stores(ids: Iterable[int]) -> None:
    """Hold the stores until the transaction ends, in one order for everybody.

    Publishing, proposing, and every change of who reads a store or in which mode take this lock first, so that a
    policy sees the agents that there are. It lets foreign keys be checked (`NO KEY`): those checks run at commit, with
    the record locked, and would otherwise wait in a circle.
    """
    list(MemoryStore.objects.select_for_update(no_key=True).filter(pk__in=set(ids)).order_by("pk"))


@transaction.atomic
def attach_agents(*, store: MemoryStore, agents: Sequence[Agent], actor: Actor) -> None:
    """Let the agents read the store, and its dreams read their sessions."""
    lock_stores([store.pk])
    store.agents.add(*agents)
    record(
        action="store.changed",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"attached": sorted(agent.slug for agent in agents)},
    )


def submit_proposal(
    *, store: MemoryStore, draft: Draft, source: str, proposer: Actor, source_ref: str = ""
) -> Proposal:
    """Check a draft and file it as an open proposal. Raises `Refused` or `InvalidMemory`; then nothing was written.

    A draft with the flag `REJECTED_BEFORE` may bring a rejected claim back, when a person files it.
    """
    if REJECTED_BEFORE in draft.flags and proposer.kind != "user":
        raise Refused("Only a person brings back what was rejected.")
    _check_shape(draft, source)
    quotes = _checked_quotes(store, draft.evidence)
    text_key = normalised_text_key(draft)
    claim_key = draft.claim_key or text_key
    try:
        with transaction.atomic():
            _hold_cited(draft.evidence)
            # One submitter a store at a time, so that two passes cannot file the same claim past each other.
            lock_stores([store.pk])
            brought_back = REJECTED_BEFORE in draft.flags
            _refuse_known_claims(store, claim_key, text_key, draft.aliases, brought_back=brought_back)
            _check_base(store, draft)
            proposal = _insert(store, draft, source, source_ref, proposer, claim_key, text_key, quotes)
            # Robust: the proposal stands, whatever a listener makes of it.
            transaction.on_commit(
                lambda: proposal_submitted.send(sender=Proposal, proposal_id=proposal.pk), robust=True
            )
    except IntegrityError as error:
        raise Refused(f"The same claim waits for a decision already ({error.__class__.__name__}).") from error
    return proposal


def check_draft(*, store: MemoryStore, draft: Draft, source: str) -> None:
    """What `submit_proposal` would say of the draft's form, quotes and base. Raises `Refused` or `InvalidMemory`."""
    _check_shape(draft, source)
    _checked_quotes(store, draft.evidence)
    _check_base(store, draft)


def _check_shape(draft: Draft, source: str) -> None:
    check_path(draft.path)
    if draft.operation == Proposal.Operation.RENAME:
        check_path(draft.new_path)
    if draft.operation != Proposal.Operation.DELETE:
        check_content(draft.content)
    supported = any(quote.stance == "supports" for quote in draft.evidence) or UNSUPPORTED in draft.flags
    if source == Proposal.Source.DREAM and not supported:
        raise Refused("A dream's proposal needs evidence that supports it.")


def _checked_quotes(store: MemoryStore, drafts: Sequence[QuoteDraft]) -> list[tuple[QuoteDraft, SeenEvidence]]:
    """Each quote with the names a reviewer sees. Raises `Refused` for one that does not stand in its event."""
    session_ids = {draft.session_id for draft in drafts}
    sessions = store.sessions().select_related("agent").only("external_id", "agent__slug").in_bulk(session_ids)
    wanted = Event.objects.filter(session_id__in=session_ids, seq__in={draft.seq for draft in drafts})
    events = {(event.session_id, event.seq): event for event in wanted}
    checked = []
    for draft in dict.fromkeys(drafts):
        session, event = sessions.get(draft.session_id), events.get((draft.session_id, draft.seq))
        if session is None or event is None:
            raise Refused(f"There is no event {draft.seq} in session {draft.session_id} of an agent of {store.name}.")
        if not event.says(draft.quote):
            raise Refused(
                f"The quote {draft.quote[:60]!r} does not stand in event {draft.seq} of {session.external_id}."
            )
        checked.append(
            (
                draft,
                SeenEvidence(session.external_id, session.agent.slug, draft.seq, draft.quote, draft.stance),
            )
        )
    return checked


def _hold_cited(drafts: Sequence[QuoteDraft]) -> None:
    """Hold the cited sessions until the transaction ends: none is withdrawn between this and the proposal.

    The lock is a statement of its own: what happened while it was waited for shows in the next one.
    """
    ids = {draft.session_id for draft in drafts}
    cited = Session.objects.filter(pk__in=ids)
    list(cited.select_for_update(no_key=True).order_by("pk").values_list("pk", flat=True))
    if cited.usable().count() < len(ids):
        raise Refused("A session that it cites was withdrawn as evidence.")


def usable_quotes(proposal: Proposal) -> list[QuoteDraft]:
    """The proposal's evidence, to be put forward anew: without what was withdrawn since."""
    usable = Session.objects.filter(pk__in=proposal.evidence.values("session")).usable()
    rows = proposal.evidence.filter(session__in=usable).values_list("session_id", "seq", "quote", "stance")
    return [QuoteDraft(*row) for row in rows]


def normalised_text_key(draft: Draft) -> str:
    """SHA-256 of the change and its words alone: case, spacing, punctuation and hidden characters do not matter.

    A delete or a rename is known by its path and the version that it is about: what was kept once may go later.
    """
    target = "" if draft.operation == Proposal.Operation.CREATE else f"{draft.path} {draft.new_path}"
    base = draft.base_version.pk if draft.base_version and not draft.content else ""
    words = re.findall(r"\w+", unicodedata.normalize("NFKC", draft.content).casefold())
    return hashlib.sha256(" ".join([draft.operation, target, str(base), *words]).encode()).hexdigest()


def _refuse_known_claims(
    store: MemoryStore, claim_key: str, text_key: str, aliases: Sequence[str], *, brought_back: bool
) -> None:
    reason = known_claim(
        store=store, claim_key=claim_key, text_key=text_key, aliases=aliases, brought_back=brought_back
    )
    if reason:
        raise KnownClaim(reason)


def known_claim(
    *,
    store: MemoryStore,
    claim_key: str,
    text_key: str = "",
    aliases: Sequence[str] = (),
    brought_back: bool = False,
) -> str:
    """Why the claim may not be filed, or ''. Rejected stays rejected, unless a person brings it back; open is not filed
    twice; what memory says is not news.
    """
    keys = [claim_key, *aliases]
    named = models.Q(claim_key__in=keys) | models.Q(support__aliases__has_any_keys=keys)
    same_claim = Proposal.objects.filter(named, store=store)
    same_text = Proposal.objects.filter(store=store, text_key=text_key)
    rejected_ones = (same_claim | same_text).rejected()
    for rejected in rejected_ones.none() if brought_back else rejected_ones.order_by("-id")[:1]:
        return f"Rejected before, as {rejected.public_id}: {rejected.status_reason}"
    for waiting in (same_claim | same_text).open().order_by("-id")[:1]:
        return f"The same claim waits for a decision already, as {waiting.public_id}."
    known = same_claim.filter(status=Proposal.Status.APPROVED)
    if live := known.filter(decision__version__memory__head__isnull=False).order_by("-id").first():
        return f"Memory says it already, since {live.public_id} was approved."
    return ""


def _check_base(store: MemoryStore, draft: Draft) -> None:
    if MemoryStore.objects.filter(pk=store.pk, archived_at__isnull=False).exists():
        raise Refused(f"{store.name} is archived: it is only read.")
    taken = Memory.objects.filter(store=store, head__isnull=False)
    if draft.operation == Proposal.Operation.CREATE:
        if taken.filter(path=draft.path).exists():
            raise Refused(f"There is a memory at {draft.path} already; propose an update of it.")
        return
    base = draft.base_version
    if base is None or not taken.filter(head=base).exists():
        raise Refused(f"The version of {draft.path} that this changes is not live.")
    if draft.new_path and taken.filter(path=draft.new_path).exists():
        raise Refused(f"There is a memory at {draft.new_path} already.")


def _insert(
    store: MemoryStore,
    draft: Draft,
    source: str,
    source_ref: str,
    proposer: Actor,
    claim_key: str,
    text_key: str,
    quotes: list[tuple[QuoteDraft, SeenEvidence]],
) -> Proposal:
    evidence = [seen for _, seen in quotes]
    risk = risks(store, draft, claim_key, [seen.quote for seen in evidence])
    support = {**draft.support, "aliases": list(draft.aliases)} if draft.aliases else draft.support
    proposal = Proposal.objects.create(
        store=store,
        operation=draft.operation,
        path=draft.path,
        new_path=draft.new_path,
        base_version=draft.base_version,
        content=draft.content,
        kind=draft.kind,
        title=draft.title,
        rationale=draft.rationale,
        source=source,
        source_ref=source_ref,
        proposer=proposer.name,
        proposer_kind=proposer.kind,
        proposer_id=proposer.id,
        claim_key=claim_key,
        text_key=text_key,
        support=support,
        benefit=draft.benefit,
        risk=risk,
        digest=proposal_digest(
            store=store.name,
            operation=draft.operation,
            path=draft.path,
            new_path=draft.new_path,
            base_version=draft.base_version.pk if draft.base_version else None,
            content=draft.content,
            title=draft.title,
            rationale=draft.rationale,
            kind=draft.kind,
            risk=risk,
            support=support,
            evidence=evidence,
        ),
    )
    Evidence.objects.bulk_create(
        Evidence(
            proposal=proposal,
            session_id=quote.session_id,
            seq=quote.seq,
            quote=quote.quote,
            stance=quote.stance,
        )
        for quote, _ in quotes
    )
    record(
        action="proposal.submitted",
        actor=proposer,
        subject=f"proposal:{proposal.pk}",
        store=store.name,
        data={"operation": draft.operation, "source": source_ref or source},
        words={"digest": proposal.digest, "path": draft.path},
    )
    return proposal


def risks(store: MemoryStore, draft: Draft, claim_key: str, quotes: Sequence[str]) -> list[str]:
    """The flags that keep a proposal from policies and are explained to the reviewer."""
    flags = set(draft.flags) | set(
        scan(draft.path, draft.new_path, draft.content, draft.title, draft.rationale, *quotes)
    )
    if draft.operation == Proposal.Operation.CREATE and _was_removed(store, draft.path, claim_key):
        flags.add(REMOVED_BEFORE)
    if draft.operation == Proposal.Operation.DELETE:
        flags.add(DELETES)
    if draft.base_version and written_by_person(draft.base_version):
        flags.add(REPLACES_HUMAN_TEXT)
    return sorted(flags)


def _was_removed(store: MemoryStore, path: str, claim_key: str) -> bool:
    """Whether a decision took this claim, or the memory at this path, out of what agents read."""
    gone = Memory.objects.filter(store=store, head=None)
    said_it = models.Q(versions__decision__proposal__claim_key=claim_key)
    return gone.filter(models.Q(path=path) | said_it).exists()


def written_by_person(version: MemoryVersion) -> bool:
    """Whether a person proposed the version's text, reworded it, or edited it when approving."""
    decision = version.decision
    proposal = decision.proposal
    by_machine = proposal.source in (Proposal.Source.DREAM, Proposal.Source.AGENT)
    by_person = not by_machine or proposal.proposer_kind == "user"
    return by_person or decision.verdict == "approve_with_edits"


def quotes_stand(proposal: Proposal) -> bool:
    """Whether every quote still stands, letter by letter, in its event."""
    evidence = list(proposal.evidence.all())
    cited = Event.objects.filter(
        session__in={item.session_id for item in evidence}, seq__in={item.seq for item in evidence}
    )
    events = {(event.session_id, event.seq): event for event in cited}
    found = [(events.get((item.session_id, item.seq)), item.quote) for item in evidence]
    return all(event is not None and event.says(quote) for event, quote in found)


def current_digest(proposal: Proposal) -> str:
    """The digest recomputed from what the database holds now."""
    rows = proposal.evidence.values_list("session__external_id", "session__agent__slug", "seq", "quote", "stance")
    return digest_over(proposal, [SeenEvidence(*row) for row in rows])


def digest_over(proposal: Proposal, evidence: Iterable[SeenEvidence]) -> str:
    """The digest of a proposal's own columns and the evidence given."""
    return proposal_digest(
        store=proposal.store.name,
        operation=proposal.operation,
        path=proposal.path,
        new_path=proposal.new_path,
        base_version=proposal.base_version_id,
        content=proposal.content,
        title=proposal.title,
        rationale=proposal.rationale,
        kind=proposal.kind,
        risk=proposal.risk,
        support=proposal.support,
        evidence=evidence,
    )


def record_read(*, agent: Agent, session_external_id: str, served: Sequence[Read]) -> None:
    """Remember what a session was served. Repeating adds nothing, and a part that held nothing is none."""
    MemoryRead.objects.bulk_create(
        [
            MemoryRead(
                agent=agent,
                session_external_id=session_external_id,
                store_id=store_id,
                revision=revision,
                versions=None if versions is None else sorted(versions),
            )
            for store_id, revision, versions in served
            if versions is None or versions
        ],
        ignore_conflicts=True,
    )

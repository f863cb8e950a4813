"""Ordering test items, and handing them to the dreams that file them. docs/decisions/0010-test-items.md says why so."""

import secrets
import uuid
from collections import defaultdict
from dataclasses import asdict, replace
from functools import partial
from random import Random
from typing import Any

from django.contrib.auth.models import User
from django.db import models, transaction
from django.db.models.functions import Left

from audit.actors import Actor
from audit.acts import current_act
from audit.canonical import digest_of
from audit.services import record
from dreaming.engines.base import Candidate
from dreaming.models import Dream
from dreaming.passes import dream_ref
from memory.models import Memory, MemoryStore, MemoryVersion, Proposal
from memory.paths import InvalidMemory
from memory.services import Draft, QuoteDraft, Refused, check_draft
from reviews.flaws import VARIATIONS, Elsewhere, Flawed, Material, rescaled
from reviews.models import Seed, SeedDraft
from sessions.models import Event

MOST_AT_ONCE = 5
MATERIALS = 40
SESSIONS_READ = 200
QUOTE_LENGTH = 160


class CannotPlant(ValueError):
    """There can be no test items in the store; the message says why."""


@transaction.atomic
def plant(*, store: MemoryStore, count: int, number: int, by: User) -> list[SeedDraft]:
    """Order up to `count` test items: known-bad variations of the store's own proposals, the same for the same `number`.

    They are filed by the next dreams that find something, among what those find. Raises `CannotPlant`.
    """
    if not store.is_gated():
        raise CannotPlant(f"{store.name} goes by policy: what waits there beside plain proposals would stand out.")
    flawed = _choose(store, count, Random(f"{store.name} {number}"))  # noqa: S311  (repeatable on purpose)
    if not flawed:
        raise CannotPlant(
            f"{store.name} has nothing to make test items from: they are variations of proposals that dreams made."
        )
    act, actor = current_act(), Actor.user(by)
    drafts = SeedDraft.objects.bulk_create(_ordered(store, draft, item.flaw, act, actor) for item, draft in flawed)
    record(
        action="review.test_items_planted",
        actor=actor,
        subject=f"store:{store.pk}",
        store=store.name,
        data={"count": len(drafts), "commitments": sorted(draft.commitment for draft in drafts)},
        act=act,
    )
    return drafts


def _ordered(store: MemoryStore, draft: Draft, flaw: str, act: uuid.UUID, actor: Actor) -> SeedDraft:
    salt = secrets.token_hex(32)
    return SeedDraft(
        store=store,
        claim_key=draft.claim_key,
        draft=_plain(draft),
        flaw=flaw,
        salt=salt,
        commitment=commitment(salt, store.name, draft.operation, draft.path, draft.title, draft.content),
        act=act,
        planted_by=actor.name,
    )


def commitment(salt: str, store: str, operation: str, path: str, title: str, content: str) -> str:
    """SHA-256 over the canonical JSON of what the item says, and a salt that keeps others from trying it out."""
    return digest_of([salt, store, operation, path, title, content])


def commitment_of(proposal: Proposal, salt: str) -> str:
    """As an auditor computes it from a proposal and the salt that is kept with the order."""
    return commitment(salt, proposal.store.name, proposal.operation, proposal.path, proposal.title, proposal.content)


def _choose(store: MemoryStore, count: int, chance: Random) -> list[tuple[Flawed, Draft]]:
    """Variations in turns, each of another proposal as far as there are enough, that would be taken if filed now."""
    materials, others = _materials(store), _elsewhere(store)
    chance.shuffle(materials)
    variations = chance.sample(VARIATIONS, len(VARIATIONS))
    found: list[tuple[Flawed, Draft]] = []
    paths = set(SeedDraft.objects.filter(store=store).values_list("draft__path", flat=True))
    for turn in range(len(materials) * len(variations)):
        real = materials[turn % len(materials)]
        vary = variations[(turn + turn // len(materials)) % len(variations)]
        flawed = vary(rescaled(real, chance.uniform(0.75, 0.95)), others, chance)
        if flawed and flawed.material.path not in paths and (draft := _draft(store, flawed.material, chance)):
            paths.add(flawed.material.path)
            found.append((flawed, draft))
        if len(found) >= count:
            break
    return found


def _materials(store: MemoryStore) -> list[Material]:
    """The store's newest proposals of dreams; those that wait for a decision only where there are no others."""
    made = Proposal.objects.in_earnest().filter(
        store=store, source=Proposal.Source.DREAM, operation=Proposal.Operation.CREATE
    )
    rows = list(made.exclude(status=Proposal.Status.OPEN).prefetch_related("evidence").order_by("-id")[:MATERIALS])
    rows = rows or list(made.prefetch_related("evidence").order_by("-id")[:MATERIALS])
    live = dict(
        Memory.objects.live(store.pk).filter(path__in=[row.path for row in rows]).values_list("path", "head__content")
    )
    return [
        Material(
            path=row.path,
            title=row.title,
            content=live.get(row.path, row.content),
            rationale=row.rationale,
            kind=row.kind,
            tool=str(row.support.get("tool", "")),
            support=row.support,
            benefit=row.benefit,
            quotes=tuple(QuoteDraft(item.session_id, item.seq, item.quote, item.stance) for item in row.evidence.all()),
        )
        for row in rows
    ]


def _elsewhere(store: MemoryStore) -> list[Elsewhere]:
    """What the tools of the newest sessions answered when nothing was wrong: the first line, exactly."""
    newest = store.sessions().order_by("-id").values_list("pk", flat=True)[:SESSIONS_READ]
    rows = (
        Event.objects.filter(session__in=list(newest), type=Event.Type.TOOL_RESULT)
        .exclude(is_error=True)
        .exclude(tool="")
        .annotate(start=Left("output", QUOTE_LENGTH))
        .order_by("session_id", "seq")
        .values_list("tool", "session_id", "seq", "start")
    )
    quotes: dict[str, list[QuoteDraft]] = defaultdict(list)
    seen: set[tuple[str, int]] = set()
    for tool, session_id, seq, start in rows[:2_000]:
        line = start.split("\n", 1)[0]
        if line.strip() and (tool, session_id) not in seen:
            seen.add((tool, session_id))
            quotes[tool].append(QuoteDraft(session_id, seq, line, "supports"))
    return [Elsewhere(tool, tuple(found)) for tool, found in sorted(quotes.items())]


def _draft(store: MemoryStore, material: Material, chance: Random) -> Draft | None:
    """The draft as a dream would hand it in: an update where a memory is live at its path.

    None where it would be refused, and where the desk saw the path before: dreams do not bring back what was rejected.
    """
    live = Memory.objects.live(store.pk).filter(path=material.path).first()
    earlier = Proposal.objects.filter(store=store, path=material.path)
    if (earlier.open() if live else earlier).exists():
        return None
    draft = Draft(
        operation=Proposal.Operation.UPDATE if live else Proposal.Operation.CREATE,
        path=material.path,
        content=material.content,
        base_version=live.head if live else None,
        kind=material.kind,
        title=material.title,
        rationale=material.rationale,
        claim_key=":".join([material.kind, *filter(None, [material.tool]), f"{chance.getrandbits(64):016x}"]),
        evidence=material.quotes,
        support=material.support | {"benefit": material.benefit, "graduates": False, "graduation": ""},
        benefit=material.benefit,
    )
    return draft if _would_be_taken(store, draft) else None


def _would_be_taken(store: MemoryStore, draft: Draft) -> bool:
    try:
        check_draft(store=store, draft=draft, source=Proposal.Source.DREAM)
    except (Refused, InvalidMemory):
        return False
    return True


def _plain(draft: Draft) -> dict[str, Any]:
    base = draft.base_version
    return asdict(replace(draft, base_version=None)) | {"base_version": base.pk if base else None}


def _read(plain: dict[str, Any]) -> Draft:
    base = MemoryVersion.objects.filter(pk=plain["base_version"]).first()
    quotes = [QuoteDraft(**quote) for quote in plain["evidence"]]
    return Draft(**{**plain, "evidence": quotes, "base_version": base})


def candidates_for(dream: Dream) -> list[Candidate]:
    """What was ordered for the dream's store and still would be taken, as if the dream had found it."""
    if not dream.store.is_gated():
        return []
    mine = models.Q(proposal=None) | models.Q(proposal__source_ref=dream_ref(dream))
    ordered = [(item, _read(item.draft)) for item in SeedDraft.objects.filter(mine, store=dream.store).order_by("pk")]
    return [_candidate(draft) for item, draft in ordered if item.proposal_id or _would_be_taken(dream.store, draft)]


def _candidate(draft: Draft) -> Candidate:
    return Candidate(draft.kind, draft.title, draft.claim_key, {"support": draft.support}, partial(replace, draft))


def mark_filed(proposal: Proposal) -> None:
    """Called in the transaction that files it: an ordered item is a test item from its first moment on."""
    item = SeedDraft.objects.filter(store=proposal.store, claim_key=proposal.claim_key, proposal=None).first()
    if item is None:
        return
    Seed.objects.create(proposal=proposal, flaw=item.flaw, planted_by=item.planted_by)
    item.proposal = proposal
    item.save(update_fields=["proposal"])

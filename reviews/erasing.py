"""Erasing content: by whom, on which legal basis and why stays; what was said goes, with the salts that prove it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.db.models import Case, JSONField, Q, Value, When
from django.db.models.fields import CharField
from django.db.models.functions import Cast, Concat, Now

from audit.actors import Actor
from audit.holds import lock_holds
from audit.models import ErasedRow, Erasure, LegalHold, Salt
from audit.roles import ADMIN, has_role
from audit.services import record
from dreaming.mirror_models import Mirror, MirroredMemory
from dreaming.models import Dream
from memory.models import Evidence, Memory, MemoryStore, MemoryVersion, PolicyChange, Proposal
from memory.services import lock_stores
from reviews.ballots import NotAllowed
from reviews.erasure_hits import Hits, of_principal, of_sessions, of_text, of_version, proposals_of, salts_of
from reviews.erasure_places import CLEARED, DELETED, STRUCK, Place
from reviews.models import HeldBallot, SeedDraft
from sessions.indexing import index_sessions
from sessions.models import OpenSession, Session
from sessions.signals import sessions_withdrawn

WORD = "Erased"
FINDERS: dict[str, Callable[[str], Hits]] = {
    Erasure.Scope.VERSION: lambda subject: of_version(int(subject)),
    Erasure.Scope.SESSION: lambda subject: of_sessions([int(subject)]),
    Erasure.Scope.PRINCIPAL: of_principal,
    Erasure.Scope.TEXT: of_text,
}


class NotErased(ValueError):
    """Nothing was erased; the message says why."""


class Moved(NotErased):
    """Something was added or changed since the preview."""


@dataclass
class Preview:
    """What an erasure would take, and what stands in its way: the memories that agents read, and legal holds."""

    hits: Hits
    live: list[MemoryVersion] = field(default_factory=list)
    holds: list[LegalHold] = field(default_factory=list)

    @property
    def is_blocked(self) -> bool:
        return bool(self.live or self.holds)


def preview(*, scope: str, subject: str) -> Preview:
    """Raises `NothingToErase`."""
    return _checked(FINDERS[scope](subject))


def preview_of_sessions(ids: list[int]) -> Preview:
    """Raises `NothingToErase`."""
    return _checked(of_sessions(ids))


def _checked(hits: Hits) -> Preview:
    return Preview(hits, _served(hits), _holds(hits))


def _served(hits: Hits) -> list[MemoryVersion]:
    """The versions that agents read, among those and what proposed them."""
    asked = Q(pk__in=hits.of(MemoryVersion)) | Q(decision__proposal__in=hits.of(Proposal))
    versions = MemoryVersion.objects.filter(asked).select_related("memory", "store").distinct()
    earlier = MemoryStore.objects.exclude(served_revision=None)
    served = {pk for store in earlier for pk in store.served_versions().values_list("pk", flat=True)}
    heads = set(versions.filter(head_of__isnull=False).values_list("pk", flat=True))
    return [version for version in versions if version.pk in served | heads]


def _holds(hits: Hits) -> list[LegalHold]:
    standing = LegalHold.objects.standing()
    sessions = set(hits.of(Session))
    sessions |= set(Evidence.objects.filter(pk__in=hits.of(Evidence)).values_list("session", flat=True))
    rows, running = Session.objects.filter(pk__in=sessions), OpenSession.objects.filter(pk__in=hits.of(OpenSession))
    stores = _stores_of(hits) | {
        pk for of in (rows, running) for pk in of.exclude(agent__stores=None).values_list("agent__stores", flat=True)
    }
    principals = {*rows.exclude(principal="").values_list("principal", flat=True)}
    principals |= {str(head.get("principal")) for head in running.values_list("head", flat=True)}
    return list(
        standing.filter(
            Q(kind="session", subject__in=[str(pk) for pk in sessions])
            | Q(kind="principal", subject__in=principals)
            | Q(kind="store", subject__in=[str(pk) for pk in stores])
        )
    )


def _stores_of(hits: Hits) -> set[int]:
    stores = set(MemoryVersion.objects.filter(pk__in=hits.of(MemoryVersion)).values_list("store", flat=True))
    stores |= set(Proposal.objects.filter(pk__in=proposals_of(hits)).values_list("store", flat=True))
    for model in (Evidence, SeedDraft):
        stores |= set(model.objects.filter(pk__in=hits.of(model)).values_list("proposal__store", flat=True))
    stores |= set(PolicyChange.objects.filter(pk__in=hits.of(PolicyChange)).values_list("store", flat=True))
    return stores - {None}


def erase(*, scope: str, subject: str, seen: str, legal_basis: str, reason: str, by: User) -> Erasure:
    """Erase what `preview()` showed; `seen` is the token of its hits.

    Raises `NothingToErase`, `NotErased`, `Moved` or `NotAllowed`; then nothing was erased.
    """
    if not has_role(User.objects.get(pk=by.pk), ADMIN):
        raise NotAllowed("Only an admin erases.")
    if legal_basis not in Erasure.LegalBasis.values or legal_basis == Erasure.LegalBasis.RETENTION:
        raise NotErased("Choose the legal basis.")
    if not reason.strip():
        raise NotErased("Say why, without repeating what is to be erased: the reason stays.")
    if scope in (Erasure.Scope.TEXT, Erasure.Scope.PRINCIPAL) and subject in reason:
        raise NotErased("The reason stays, and it repeats what is to go. Name the request instead.")
    if len(reason) > 4_000:
        raise NotErased(f"The reason has {len(reason):,} characters; 4,000 are the most.")
    with transaction.atomic():
        lock_holds()
        _lock(preview(scope=scope, subject=subject).hits)
        # Once more: what cites a session could be added until it was locked.
        found = preview(scope=scope, subject=subject)
        if found.hits.token != seen:
            raise Moved("What would be erased is not what you saw. Look at it again.")
        return take(found=found, scope=scope, legal_basis=legal_basis, reason=reason.strip(), actor=Actor.user(by))


def take(*, found: Preview, scope: str, legal_basis: str, reason: str, actor: Actor) -> Erasure:
    """Erase the hits in the caller's transaction, with holds locked. Raises `NotErased`."""
    if found.live:
        paths = ", ".join(sorted(version.path for version in found.live))
        raise NotErased(f"Agents read this now: {paths}. Edit or delete the memory first.")
    if found.holds:
        raise NotErased("A legal hold keeps this. An auditor can lift it.")
    hits, act = found.hits, uuid.uuid4()
    if Dream.objects.unfinished().filter(store__agents__sessions__in=hits.of(Session)).exists():
        raise NotErased(
            "A dream reads these sessions now, and would bring them back. Cancel it, or wait until it ends."
        )
    if mirrors := Mirror.objects.filter(memories__in=hits.of(MirroredMemory), follows=True).distinct():
        named = ", ".join(mirror.remote_store for mirror in mirrors)
        raise NotErased(
            f"{named} at Anthropic holds this, and would bring it back. Publish into it, or stop following."
        )
    salts = salts_of(hits)
    _lock(hits)
    session_ids = sorted(hits.of(Session))
    if session_ids:
        sessions_withdrawn.send(sender=Session, session_ids=session_ids, why="erased", act=act)
    expired = _expire_open(hits)
    erasure = Erasure.objects.create(
        scope=scope,
        by_id=actor.id,
        by_name=actor.name,
        legal_basis=legal_basis,
        reason=reason,
        counts=hits.counts,
        act=act,
    )
    _name(erasure, hits, salts)
    _open_door(erasure)
    _after(hits, session_ids)
    record(
        action="content.erased",
        actor=actor,
        subject=f"erasure:{erasure.pk}",
        data={"scope": scope, "legal_basis": legal_basis, "expired": expired, "rows": _ids(hits)},
        words={"reason": reason},
        act=act,
    )
    return erasure


def _lock(hits: Hits) -> None:
    """As those lock who release, close, submit and decide: ballots, open and closed sessions, proposals, stores."""
    list(HeldBallot.objects.filter(pk__in=hits.of(HeldBallot)).order_by("pk").select_for_update().values_list("pk"))
    running = OpenSession.objects.filter(pk__in=hits.of(OpenSession)).order_by("pk")
    list(running.select_for_update().values_list("pk", flat=True))
    rows = Session.objects.filter(pk__in=hits.of(Session)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    cited = Evidence.objects.filter(session__in=hits.of(Session)).values("proposal")
    proposals = Proposal.objects.filter(Q(pk__in=hits.of(Proposal)) | Q(pk__in=cited)).order_by("pk")
    list(proposals.select_for_update(no_key=True).values_list("pk", flat=True))
    lock_stores(_stores_of(hits))


def _expire_open(hits: Hits) -> list[int]:
    """A proposal without its words cannot be decided."""
    waiting = Proposal.objects.filter(
        pk__in=hits.of(Proposal), status__in=[Proposal.Status.OPEN, Proposal.Status.STALE]
    )
    ids = sorted(waiting.values_list("pk", flat=True))
    waiting.update(status=Proposal.Status.EXPIRED, status_reason="", decided_at=Now())
    return ids


def _name(erasure: Erasure, hits: Hits, salts: set[int]) -> None:
    rows = [
        ErasedRow(erasure=erasure, kind=place.kind, row_id=pk, names=(place.model, pk) in hits.named)
        for place in STRUCK
        for pk in sorted(hits.of(place.table))
    ]
    rows += [ErasedRow(erasure=erasure, kind=Salt._meta.db_table, row_id=seq) for seq in sorted(salts)]
    ErasedRow.objects.bulk_create(rows, batch_size=1000)


def _open_door(erasure: Erasure) -> None:
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT daylight_erase_v2(%s)", [erasure.pk])
    except DatabaseError as refusal:
        raise NotErased(f"The database refused it: {str(refusal).splitlines()[0]}.") from refusal


def _after(hits: Hits, session_ids: list[int]) -> None:
    _show_new_paths(hits)
    for place in CLEARED:
        clear(place, hits.of(place.table))
    _clear_holds(hits.of(LegalHold))
    SeedDraft.objects.filter(pk__in=hits.of(SeedDraft), proposal=None).delete()
    for place in DELETED:
        place.table._default_manager.filter(pk__in=hits.of(place.table)).delete()
    if session_ids:
        index_sessions(session_ids)


def _show_new_paths(hits: Hits) -> None:
    """A deleted memory is known by the path of its last version, also when that is struck."""
    named = [pk for model, pk in hits.named if model == MemoryVersion._meta.label]
    for memory in Memory.objects.filter(versions__in=named).distinct():
        Memory.objects.filter(pk=memory.pk).update(path=memory.versions.first().path)


def clear(place: Place, ids: set[int]) -> None:
    """Take the words out of rows that need no door; a row that is known by a column keeps it apart from others."""
    if not ids:
        return
    rows = place.table._default_manager.filter(pk__in=ids)
    if place.table is HeldBallot:
        _clear_ballots(ids)
        return
    apart = {"session_external_id", "recipient", "claim_key"}
    values = {}
    for name in place.fields:
        column = place.table._meta.get_field(name)
        if isinstance(column, JSONField):
            values[name] = {}
        elif name in apart:
            values[name] = Concat(Value("erased:"), Cast("pk", CharField()))
        elif name in {"remind_by_mail", "webhook_url"}:
            values[name] = ""
        else:
            values[name] = Case(When(**{name: ""}, then=Value("")), default=Value(WORD))
    if place.table is SeedDraft:
        values |= {"salt": "", "commitment": ""}
    rows.update(**values)


def _clear_holds(ids: set[int]) -> None:
    lifted = LegalHold.objects.filter(pk__in=ids).exclude(lifted_at=None).exclude(subject__startswith="erased:")
    lifted.update(subject=Concat(Value("erased:"), Cast("pk", CharField())), reason=WORD, lift_reason=WORD)


def _clear_ballots(ids: set[int]) -> None:
    for held in HeldBallot.objects.select_for_update().filter(pk__in=ids):
        if held.state == HeldBallot.State.HELD:
            held.state = HeldBallot.State.REFUSED
        held.ballot = {"verdict": held.ballot.get("verdict", "")}
        held.outcome = "Its words were erased."
        held.save(update_fields=["state", "ballot", "outcome"])


def _ids(hits: Hits) -> dict[str, list[int]]:
    """For the record: ids alone."""
    return {place.kind: sorted(hits.of(place.table)) for place in STRUCK if hits.of(place.table)}

"""Publishing a store into a memory store at Anthropic: only what agents get here, and never over what others wrote."""

import hashlib
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import anthropic
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Coalesce
from django.utils import timezone

from audit.actors import Actor
from audit.services import record
from dreaming.engines.base import EngineFailed
from dreaming.engines.model import connect, plain_errors
from dreaming.locks import alone
from dreaming.mirror_drift import file_drift, settle, waits
from dreaming.mirror_models import Mirror, MirroredMemory
from dreaming.mirror_plan import Known, Plan, Step, plan
from memory.models import MemoryStore, MemoryVersion

MIRROR_LOCK = 0x0DA7_111
RETRIES = 2
# A change that meets a conflict is looked at once more, against a new listing.
ROUNDS = 2
# So many changes by others are put before reviewers in a run; the rest are counted, and come with the next.
FILED_A_RUN = 20
BASIC_PAGE = 100
LOOKED_AT_EVERY = timedelta(hours=1)
TRIED_EVERY = timedelta(minutes=5)


class MirrorBusy(Exception):
    """Another run publishes into the same store now."""


@dataclass(slots=True)
class Run:
    """One run: what we serve, by path, and what happened so far."""

    mirror: Mirror
    client: anthropic.Anthropic
    revision: int
    ours: dict[str, MemoryVersion]
    rows: dict[str, MirroredMemory] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    done: Counter[str] = field(default_factory=Counter)

    @property
    def memories(self) -> Any:
        return self.client.beta.memory_stores.memories

    def row(self, path: str) -> MirroredMemory:
        return self.rows.setdefault(path, MirroredMemory(mirror=self.mirror, path=path))


def due() -> QuerySet[Mirror]:
    """The mirrors that follow and are behind, or were not looked at for an hour. After a failure there is a pause."""
    now = timezone.now()
    behind = Q(revision=None) | ~Q(revision=Coalesce("store__served_revision", "store__revision"))
    late = Q(ran_at=None) | Q(ran_at__lt=now - LOOKED_AT_EVERY)
    rested = Q(error="") | Q(ran_at=None) | Q(ran_at__lt=now - TRIED_EVERY)
    return Mirror.objects.select_related("store").filter((behind | late) & rested, follows=True)


@transaction.atomic
def set_mirror(*, store: MemoryStore, remote_store: str, follows: bool | None, actor: Actor) -> Mirror:
    """The store's mirror of this id; a new one, or a change of whether it follows, is recorded.

    Raises `ValidationError` for an id that is none, or that mirrors another store.
    """
    mirror = Mirror.objects.filter(store=store, remote_store=remote_store).first()
    before = mirror.follows if mirror else None
    mirror = mirror or Mirror(store=store, remote_store=remote_store)
    mirror.follows = mirror.follows if follows is None else follows
    if before != mirror.follows:
        mirror.full_clean(exclude=["revision", "ran_at", "counts"])
        mirror.save()
        data = {"remote_store": remote_store, "follows": mirror.follows}
        record(action="mirror.set", actor=actor, subject=f"store:{store.pk}", store=store.name, data=data)
    return mirror


def publish_mirror(*, mirror: Mirror, actor: Actor) -> Mirror:
    """Make the mirror say what agents get now. Raises `EngineFailed`, when it broke off, and `MirrorBusy`.

    It can be run again at any time: what must be done follows from the two listings and from what was ours there.
    """
    if not settings.ANTHROPIC_API_KEY:
        raise EngineFailed("Publishing needs a key: set ANTHROPIC_API_KEY (or ANTHROPIC_API_KEY_FILE) and restart.")
    with alone(MIRROR_LOCK, mirror.pk) as mine_to_run:
        if not mine_to_run:
            raise MirrorBusy(f"{mirror.remote_store} is being published already.")
        act, error, run = uuid.uuid4(), "", _started(mirror)
        try:
            with plain_errors():
                _in_rounds(run, actor, act)
        except EngineFailed as failure:
            error = str(failure)
        _ended(run, actor, act, error)
    if error:
        raise EngineFailed(f"{error} What was published so far stays; run it again to go on.")
    return mirror


def _started(mirror: Mirror) -> Run:
    mirror.refresh_from_db()
    # First the revision: where the texts are of a newer one, the first step finds that out.
    store = MemoryStore.objects.get(pk=mirror.store_id)
    ours = {version.path: version for version in store.served_versions()}
    return Run(mirror, connect().with_options(max_retries=RETRIES), store.revision_served, ours)


def _in_rounds(run: Run, actor: Actor, act: uuid.UUID) -> None:
    remote = run.client.beta.memory_stores.retrieve(run.mirror.remote_store)
    if remote.archived_at:
        raise EngineFailed(f"{remote.id} is archived at Anthropic: nothing can be published there. Name another one.")
    settle(run.mirror)
    for number in range(1, ROUNDS + 1):
        found = _compared(run)
        if number == 1:
            _record(run, "mirror.started", actor, act, Counter(step.action for step in found.steps))
        conflicts = [step for step in found.steps if not _applied(run, step)]
        if not conflicts:
            return
    run.done["conflicts"] = len(conflicts)


def _compared(run: Run) -> Plan:
    listed = run.memories.list(run.mirror.remote_store, view="basic", limit=BASIC_PAGE)
    items = {item.path: item for item in listed if item.type == "memory"}
    run.ids = {path: item.id for path, item in items.items()}
    run.rows = {row.path: row for row in run.mirror.memories.select_related("proposal")}
    found = plan(
        {path: version.sha256 for path, version in run.ours.items()},
        {path: item.content_sha256 for path, item in items.items()},
        {path: Known(row.sha256, row.sent_sha256) for path, row in run.rows.items()},
    )
    for path in found.in_step:
        _is_ours(run, path)
    run.done["in_step"] = len(set(found.in_step) & set(run.ours))
    run.done["waiting"] = 0
    return found


def _is_ours(run: Run, path: str) -> None:
    """Both sides say the same: that is what was published last."""
    row, version = run.row(path), run.ours.get(path)
    if version is None:
        if row.pk:
            row.delete()
        run.rows.pop(path, None)
        return
    settled = (version.sha256, None, None, None, "")
    if (row.sha256, row.sent_sha256, row.drift_sha256, row.proposal_id, row.note) != settled:
        row.sha256, row.sent_sha256, row.drift_sha256, row.proposal, row.note = settled
        row.save()


def _applied(run: Run, step: Step) -> bool:
    """Do one step. False where the other side changed meanwhile."""
    if step.action == "drift":
        _drifted(run, step)
        return True
    if MemoryStore.objects.get(pk=run.mirror.store_id).revision_served != run.revision:
        raise EngineFailed("What agents get here changed while it was being published.")
    _expect(run, step)
    try:
        _CHANGES[step.action](run, step)
    except (anthropic.ConflictError, anthropic.NotFoundError) as conflict:
        for path in filter(None, (step.path, step.new_path)):
            run.row(path).note = f"Anthropic did not take the {step.action}: {_said(conflict)}"
            run.row(path).save()
        return False
    for path in filter(None, (step.path, step.new_path)):
        _is_ours(run, path)
    run.done[f"{step.action}d"] += 1
    return True


def _expect(run: Run, step: Step) -> None:
    """Keep what is asked for before it is: an answer may be lost."""
    for path in filter(None, (step.path, step.new_path)):
        row = run.row(path)
        row.sent_sha256 = run.ours[path].sha256 if path in run.ours else ""
        row.save()


def _create(run: Run, step: Step) -> None:
    run.memories.create(run.mirror.remote_store, path=step.path, content=run.ours[step.path].content)


def _update(run: Run, step: Step) -> None:
    _change(run, step, content=run.ours[step.path].content)


def _rename(run: Run, step: Step) -> None:
    _change(run, step, path=step.new_path)


def _change(run: Run, step: Step, **fields: str) -> None:
    run.memories.update(
        run.ids[step.path],
        memory_store_id=run.mirror.remote_store,
        precondition={"type": "content_sha256", "content_sha256": step.expected},
        **fields,
    )


def _delete(run: Run, step: Step) -> None:
    run.memories.delete(
        run.ids[step.path], memory_store_id=run.mirror.remote_store, expected_content_sha256=step.expected
    )


_CHANGES: dict[str, Callable[[Run, Step], None]] = {
    "create": _create,
    "update": _update,
    "rename": _rename,
    "delete": _delete,
}


def _drifted(run: Run, step: Step) -> None:
    """Put what others wrote there before a reviewer, once."""
    row = run.row(step.path)
    run.done["waiting"] += 1
    if waits(row, step.expected) or run.done["filed"] >= FILED_A_RUN:
        return
    text, sha256 = None, ""
    if step.expected:
        try:
            there = run.memories.retrieve(run.ids[step.path], memory_store_id=run.mirror.remote_store, view="full")
        except anthropic.NotFoundError:
            return  # gone since; the next run sees that
        text = there.content or ""
        sha256 = hashlib.sha256(text.encode()).hexdigest()
    file_drift(run.mirror, row, text, sha256)
    run.done["filed"] += row.proposal is not None


def _said(error: anthropic.APIStatusError) -> str:
    return str(error.message)[:300]


@transaction.atomic
def _ended(run: Run, actor: Actor, act: uuid.UUID, error: str) -> None:
    mirror = run.mirror
    mirror.ran_at, mirror.error, mirror.counts = timezone.now(), error, {k: n for k, n in run.done.items() if n}
    whole = not error and not run.done["conflicts"]
    mirror.revision = run.revision if whole else mirror.revision
    mirror.save(update_fields=["ran_at", "error", "counts", "revision"])
    _record(run, "mirror.ended", actor, act, run.done, failed=bool(error))


@transaction.atomic
def _record(run: Run, action: str, actor: Actor, act: uuid.UUID, counts: Counter[str], **more: Any) -> None:
    store = run.mirror.store
    data = {"remote_store": run.mirror.remote_store, "revision": run.revision, "counts": dict(counts), **more}
    record(action=action, actor=actor, subject=f"store:{store.pk}", store=store.name, data=data, act=act)

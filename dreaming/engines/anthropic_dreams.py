"""Their dream, our gate: a dream at Anthropic over a mirrored store, each difference of its output a proposal here.

Their API is a research preview: everything that knows its shapes is in this file.
"""

import difflib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import anthropic
from anthropic.types.beta import BetaDream
from django.conf import settings

from dreaming.engines import remote_store_of
from dreaming.engines.base import Canceled, Candidate, EngineFailed, OverBudget, Pass
from dreaming.engines.cost import TOKENS, Wallet, usage_of
from dreaming.engines.model import connect, plain_errors
from dreaming.engines.searching import find_quotes, phrases_of
from dreaming.engines.waiting import wait_for
from dreaming.models import Dream
from memory.models import Memory, Proposal
from memory.scanning import MODEL_JUDGED, UNSUPPORTED
from memory.services import Draft, QuoteDraft

CHUNK = 100
FULL_PAGE = 20
BASIC_PAGE = 100
SESSION_PREFIX = "sesn_"
FINAL = ("completed", "failed", "canceled")
VERBS = {"create": "adds", "update": "changes", "delete": "removes", "rename": "moves"}

# Path → (hexadecimal SHA-256, text) of a store at Anthropic.
Texts = dict[str, tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Difference:
    """One change from the input store to the output store. `sha256` is of the text before."""

    operation: str
    path: str
    new_path: str = ""
    sha256: str = ""
    before: str = ""
    after: str = ""

    @property
    def claim_key(self) -> str:
        said = "\0".join((self.path, self.new_path, self.after))
        return f"remote:{self.operation}:{hashlib.sha256(said.encode()).hexdigest()[:16]}"

    @property
    def added(self) -> str:
        """The lines that were not there before."""
        if self.operation not in ("create", "update"):
            return ""
        lines = difflib.ndiff(self.before.splitlines(), self.after.splitlines())
        return "\n".join(line[2:] for line in lines if line.startswith("+ "))


@dataclass(slots=True)
class Remote:
    """What a pass works with at Anthropic."""

    run: Pass
    client: anthropic.Anthropic
    wallet: Wallet
    store_id: str
    ours: dict[str, Memory]


def candidates(run: Pass) -> Iterator[Candidate]:
    store = run.dream.store
    ours = {memory.path: memory for memory in Memory.objects.live(store.pk)}
    remote = Remote(run, connect(), Wallet.of(run.dream), remote_store_of(store), ours)
    chunks = _chunks(run)
    run.manifest |= {"model": settings.DAYLIGHT_MODEL, "remote_store": remote.store_id, "remote_dreams": []}
    with plain_errors():
        _check_store(remote)
        before = _texts(remote, remote.store_id)
    run.manifest["remote_input_hash"] = _hash(f"{path} {sha}" for path, (sha, _) in sorted(before.items()))
    for number, chunk in enumerate(chunks, 1):
        run.step(f"dreaming at Anthropic, part {number} of {len(chunks)}", number - 1, len(chunks))
        try:
            dreamt = _dreamt(remote, chunk)
        except OverBudget as stop:
            run.manifest["stopped"] = f"{stop} Part {number} of {len(chunks)} was canceled; its output is not used."
            return
        with plain_errors():
            after = _texts(remote, dreamt.outputs[0].memory_store_id)
            drifted = _drifted(remote, before)
        found = differences(before, after)
        known = [text for _, text in before.values()]
        wanted = {one.claim_key: _telling(one, known) for one in found}
        yield from _proposed(remote, dreamt, len(chunk), found, find_quotes(chunk.values(), wanted), drifted)


def _chunks(run: Pass) -> list[dict[str, int]]:
    """Their session ids and ours, at most `CHUNK` in each. Sessions that ran a dream are no input of one."""
    known = Dream.objects.filter(store=run.dream.store).values_list("remote", flat=True)
    dreamers = {session for remote in known for session in remote.get("sessions", [])}
    rows = run.sessions.filter(external_id__startswith=SESSION_PREFIX).exclude(external_id__in=dreamers)
    found = list(rows.order_by("external_id", "pk").values_list("external_id", "pk", "event_count"))
    run.session_count, run.event_count = len(found), sum(count for _, _, count in found)
    run.manifest |= {"sessions": len(found), "sessions_hash": _hash(name for name, _, _ in found)}
    if not found:
        raise EngineFailed(
            f"None of the {run.sessions.count()} sessions in the window ran at Anthropic: their ids begin with "
            f"{SESSION_PREFIX}. Import some, or use another engine."
        )
    ids = list({name: pk for name, pk, _ in found}.items())
    return [dict(ids[at : at + CHUNK]) for at in range(0, len(ids), CHUNK)]


def _hash(lines: Any) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _check_store(remote: Remote) -> None:
    if remote.client.beta.memory_stores.retrieve(remote.store_id).archived_at:
        raise EngineFailed(f"{remote.store_id} is archived at Anthropic, and cannot be dreamt over. Name another one.")


def _texts(remote: Remote, store_id: str) -> Texts:
    memories = remote.client.beta.memory_stores.memories.list(store_id, view="full", limit=FULL_PAGE)
    return {item.path: (item.content_sha256, item.content or "") for item in memories if item.type == "memory"}


def _drifted(remote: Remote, before: Texts) -> set[str]:
    """The paths of the input store that somebody changed while the dream ran."""
    listed = remote.client.beta.memory_stores.memories.list(remote.store_id, view="basic", limit=BASIC_PAGE)
    now = {item.path: item.content_sha256 for item in listed if item.type == "memory"}
    return {path for path in now.keys() | before.keys() if now.get(path) != before.get(path, (None,))[0]}


def _dreamt(remote: Remote, chunk: Mapping[str, int]) -> BetaDream:
    """The completed dream over the chunk; one that a dead runner began is waited for, not begun again."""
    key = _hash(sorted(chunk))[:16]
    state = remote.run.dream.remote
    dreams = remote.client.beta.dreams
    with plain_errors():
        dream_id = state.get("dreams", {}).get(key)
        if not dream_id:
            remote.wallet.check()
            dream_id = _begun(remote, chunk).id
            _keep(remote.run.dream, dreams={**state.get("dreams", {}), key: dream_id})
        try:
            ended = wait_for(lambda: _look(remote, dream_id), lambda dream: dream.status in FINAL)
        except (Canceled, OverBudget):
            dreams.cancel(dream_id)
            raise
        if ended is None:
            dreams.cancel(dream_id)
            raise EngineFailed(
                f"{dream_id} took longer than {settings.DAYLIGHT_REMOTE_WAIT:.0f} s and was canceled; "
                "its partial output is not used. Dream over fewer sessions."
            )
    return _complete(remote, ended)


def _begun(remote: Remote, chunk: Mapping[str, int]) -> BetaDream:
    return remote.client.beta.dreams.create(
        inputs=[
            {"type": "memory_store", "memory_store_id": remote.store_id},
            {"type": "sessions", "session_ids": sorted(chunk)},
        ],
        model=settings.DAYLIGHT_MODEL,
        output_behavior={"type": "create_new"},
    )


def _look(remote: Remote, dream_id: str) -> BetaDream:
    """The dream as it stands; what it has used is kept, and held against the caps while it runs."""
    dream = remote.client.beta.dreams.retrieve(dream_id)
    ours = remote.run.dream
    used = {**ours.remote.get("used", {}), dream_id: usage_of(dream.usage)}
    sessions = {*ours.remote.get("sessions", []), dream.session_id} - {None}
    _keep(ours, used=used, sessions=sorted(sessions))
    remote.wallet.set_total({kind: sum(one[kind] for one in used.values()) for kind in TOKENS})
    if dream.status not in FINAL:
        remote.wallet.check()
    return dream


def _keep(dream: Dream, **state: Any) -> None:
    dream.remote = {**dream.remote, **state}
    Dream.objects.filter(pk=dream.pk).update(remote=dream.remote)


def _complete(remote: Remote, dream: BetaDream) -> BetaDream:
    """The dream, if it completed. Partial output of one that did not is never read."""
    remote.run.manifest["remote_dreams"].append(dream.id)
    left = f" It left partial output in {dream.outputs[0].memory_store_id}, which is not used." if dream.outputs else ""
    if dream.status == "failed":
        said = f"{dream.error.type}: {dream.error.message}" if dream.error else "no reason given"
        raise EngineFailed(f"{dream.id} failed at Anthropic ({said}).{left}")
    if dream.status == "canceled":
        raise EngineFailed(f"{dream.id} was canceled at Anthropic.{left}")
    if not dream.outputs:
        raise EngineFailed(f"{dream.id} completed at Anthropic without an output.")
    return dream


def differences(before: Texts, after: Texts) -> list[Difference]:
    """What changed, joined by path; the same hash at a new path is a rename. Ordered by path."""
    gone = [path for path in sorted(before) if path not in after]
    new = {path: after[path] for path in sorted(after) if path not in before}
    found = []
    for path in gone:
        sha, text = before[path]
        moved = next((at for at, (other, _) in new.items() if other == sha), "")
        new.pop(moved, None)
        found.append(Difference("rename" if moved else "delete", path, moved, sha, text, text if moved else ""))
    found += [Difference("create", path, after=text) for path, (_, text) in new.items()]
    for path, (sha, text) in before.items():
        if path in after and after[path][0] != sha:
            found.append(Difference("update", path, "", sha, text, after[path][1]))
    return sorted(found, key=lambda one: one.path)


def _telling(one: Difference, known: Sequence[str]) -> list[str]:
    """Phrases of what was added, but for those that memory said before: agents that read it repeat them."""
    return [phrase for phrase in phrases_of(one.added) if not any(phrase in text for text in known)]


def _proposed(
    remote: Remote,
    dreamt: BetaDream,
    sessions: int,
    found: Sequence[Difference],
    quotes: Mapping[str, list[QuoteDraft]],
    drifted: set[str],
) -> Iterator[Candidate]:
    remote.run.expected += len(found)
    for one in found:
        evidence = quotes[one.claim_key]
        data = {"support": {"sessions": len(evidence), "remote_dream": dreamt.id}}
        reason = _objection(remote, one, drifted)
        draft = None if reason else partial(_draft, remote, dreamt, sessions, one, evidence)
        yield Candidate(Proposal.Kind.UPKEEP, _title(one), one.claim_key, data, draft, reason)


def _title(one: Difference) -> str:
    heading = next((line.strip("# ").strip() for line in one.after.splitlines() if line.strip("# ")), "")
    where = f"{one.path} to {one.new_path}" if one.new_path else one.path
    return f"Anthropic's dream {VERBS[one.operation]} {where}" + (
        f": {heading[:160]}" if one.operation == "create" else ""
    )


def _objection(remote: Remote, one: Difference, drifted: set[str]) -> str:
    """Why a difference cannot be proposed, or ''."""
    if moved := {one.path, one.new_path} & drifted:
        return f"The store at Anthropic changed at {min(moved)} while the dream ran. Dream again."
    if one.operation == "create":
        return ""
    live = remote.ours.get(one.path)
    if live is None or live.head is None:
        return f"There is no memory at {one.path} here. Bring the two stores in step first."
    if live.head.sha256 != one.sha256:
        return f"The memory at {one.path} here says something else than at Anthropic. Bring the two in step first."
    return ""


def _draft(remote: Remote, dreamt: BetaDream, sessions: int, one: Difference, evidence: list[QuoteDraft]) -> Draft:
    live = remote.ours.get(one.path) if one.operation != "create" else None
    if evidence:
        found = f"Exact words of the new text were found in {len(evidence)} of them; that is all that supports it."
    else:
        found = "None of the events of these sessions says it in the same words: nothing here supports it."
    return Draft(
        operation=one.operation,
        path=one.path,
        new_path=one.new_path,
        content=one.after,
        base_version=live.head if live else None,
        kind=Proposal.Kind.UPKEEP,
        title=_title(one),
        rationale=f"{dreamt.id} at Anthropic read {sessions} sessions and made this change. It gave no reason. {found}",
        claim_key=one.claim_key,
        evidence=evidence,
        support={
            "sessions": len(evidence),
            "scope": "sessions have words of the new text",
            "remote_dream": dreamt.id,
            "model": settings.DAYLIGHT_MODEL,
        },
        flags=(MODEL_JUDGED,) if evidence else (MODEL_JUDGED, UNSUPPORTED),
    )

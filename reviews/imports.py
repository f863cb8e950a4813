"""Memory files that exist already come in as decided versions: proposed and approved by the same named person."""

from dataclasses import dataclass, field
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.services import record
from memory.models import Memory, MemoryStore, Proposal
from memory.paths import InvalidMemory
from memory.services import Draft, Refused, submit_proposal
from reviews.models import Decision
from reviews.services import Ballot, DecisionRefused, decide


@dataclass(slots=True)
class ImportReport:
    """Paths by what became of them; `refused` pairs a file with the reason."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


def import_memory(*, folder: Path, store: MemoryStore, by: User, reason: str) -> ImportReport:
    """Publish every file below `folder` at its relative path. A file that is refused leaves the others alone.

    `by` must be a reviewer. Hidden files are left out. Files that say what memory says already change nothing.
    """
    report = ImportReport()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = file.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        path = "/" + relative.as_posix()
        try:
            outcome = import_file(path=path, content=file.read_bytes(), store=store, by=by, reason=reason)
            getattr(report, outcome).append(path)
        except (Refused, InvalidMemory, DecisionRefused) as refusal:
            report.refused.append((str(file), str(refusal)))
    return report


@transaction.atomic
def import_file(*, path: str, content: bytes, store: MemoryStore, by: User, reason: str) -> str:
    """Publish one text at `path`; returns created, updated or unchanged."""
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise InvalidMemory(
            f"Byte {error.start} is not UTF-8. Memories are text; convert the file or leave it out."
        ) from error
    live = Memory.objects.filter(store=store, path=path, head__isnull=False).select_related("head").first()
    if live and live.head.content == text:
        return "unchanged"
    actor = Actor.user(by)
    draft = Draft(
        operation=Proposal.Operation.UPDATE if live else Proposal.Operation.CREATE,
        path=path,
        content=text,
        base_version=live.head if live else None,
        kind=Proposal.Kind.WRITTEN,
        title=f"Bring in {path} as it stands in a file",
        rationale=reason,
    )
    proposal = submit_proposal(store=store, draft=draft, source=Proposal.Source.IMPORT, proposer=actor)
    ballot = Ballot(Decision.Verdict.APPROVE, proposal.digest, reason)
    decision = decide(proposal_id=proposal.pk, decider=by, ballot=ballot)
    record(
        action="memory.imported",
        actor=actor,
        subject=f"memory:{decision.version.memory_id}",
        store=store.name,
        data={"path": path, "sha256": decision.content_sha256},
        act=decision.act,
    )
    return "updated" if live else "created"

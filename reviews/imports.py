"""Memory files that exist already come in as decided versions: proposed and approved by the same named person."""

from dataclasses import dataclass, field
from pathlib import Path

from django.contrib.auth.models import User
from django.db import transaction

from audit.actors import Actor
from audit.acts import one_act
from audit.services import record
from memory.models import Memory, MemoryStore, Proposal
from memory.paths import InvalidMemory
from memory.scanning import EXPLANATIONS, SECRET, scan
from memory.services import Draft, Refused, submit_proposal
from reviews.ballots import Ballot, DecisionRefused, NotAllowed
from reviews.models import Decision
from reviews.services import decide


@dataclass(slots=True)
class ImportReport:
    """Paths by what became of them; `refused` pairs a file with the reason, `flagged` a path with its flags."""

    created: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    unchanged: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    flagged: list[tuple[str, list[str]]] = field(default_factory=list)


class Suspicious(Exception):
    """The scanner flags the text; the message says why and what to do."""


def import_memory(
    *, folder: Path, store: MemoryStore, by: User, reason: str, accept_flags: bool = False
) -> ImportReport:
    """Publish every file below `folder` at its relative path. A file that is refused leaves the others alone.

    `by` must be a reviewer. Hidden files are left out. Files that say what memory says already change nothing.
    Texts that the scanner flags are refused; with `accept_flags` only those that hold a secret are.
    """
    report = ImportReport()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = file.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        path = "/" + relative.as_posix()
        try:
            text = _decoded(file.read_bytes())
            if _is_live(path, text, store):
                report.unchanged.append(path)
                continue
            flags = _accepted_flags(path, text, accept_flags=accept_flags)
            outcome = import_text(path=path, text=text, store=store, by=by, reason=reason)
        except (Refused, InvalidMemory, DecisionRefused, Suspicious) as refusal:
            report.refused.append((str(file), str(refusal)))
            continue
        getattr(report, outcome).append(path)
        if flags:
            report.flagged.append((path, flags))
    return report


def _decoded(content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise InvalidMemory(
            f"Byte {error.start} is not UTF-8. Memories are text; convert the file or leave it out."
        ) from error


def _is_live(path: str, text: str, store: MemoryStore) -> bool:
    return Memory.objects.filter(store=store, path=path, head__content=text).exists()


def _accepted_flags(path: str, text: str, *, accept_flags: bool) -> list[str]:
    """The flags of a text that may go in all the same. Nobody looks at these texts one by one, so a flag stops them."""
    flags = scan(path, text)
    if SECRET in flags:
        raise Suspicious("Something that looks like a key, password or card number stands in the text. Take it out.")
    if flags and not accept_flags:
        why = " ".join(EXPLANATIONS[flag] for flag in flags)
        raise Suspicious(f"Flagged {', '.join(flags)}: {why} If it is right all the same, use --accept-flags.")
    return flags


@transaction.atomic
@one_act()
def import_text(*, path: str, text: str, store: MemoryStore, by: User, reason: str) -> str:
    """Publish one text at `path`; returns created or updated."""
    live = Memory.objects.filter(store=store, path=path, head__isnull=False).select_related("head").first()
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
    if not isinstance(decision, Decision):
        raise NotAllowed(f"Two people are asked for in {store.name}: nobody brings files in alone.")
    record(
        action="memory.imported",
        actor=actor,
        subject=f"memory:{decision.version.memory_id}",
        store=store.name,
        words={"path": path, "sha256": decision.content_sha256},
    )
    return "updated" if live else "created"

"""What somebody wrote into a mirror becomes a proposal here, and a decision settles it."""

from audit.actors import Actor
from dreaming.mirror_models import Mirror, MirroredMemory
from memory.models import Memory, Proposal
from memory.paths import InvalidMemory
from memory.scanning import UNSUPPORTED
from memory.services import Draft, Refused, submit_proposal

SETTLING = (Proposal.Status.APPROVED, Proposal.Status.REJECTED)


def settle(mirror: Mirror) -> None:
    """Where a person decided on what stands there, our text may go over it again."""
    for row in mirror.memories.filter(proposal__status__in=SETTLING):
        row.sha256, row.drift_sha256, row.proposal, row.note = row.drift_sha256 or "", None, None, ""
        row.save()


def waits(row: MirroredMemory, sha256: str) -> bool:
    """Whether the same text was put before a reviewer already."""
    return row.drift_sha256 == sha256 and row.proposal is not None and row.proposal.is_open


def file_drift(mirror: Mirror, row: MirroredMemory, text: str | None, sha256: str) -> None:
    """Propose what stands there (`None`: it was deleted); what cannot be proposed is noted with the reason."""
    row.drift_sha256, row.proposal = sha256, None
    try:
        row.proposal = submit_proposal(
            store=mirror.store,
            draft=_draft(mirror, row.path, text),
            source=Proposal.Source.IMPORT,
            proposer=Actor.system("mirror"),
            source_ref=f"mirror:{mirror.remote_store}"[:100],
        )
        row.note = f"It was changed there; {row.proposal.public_id} asks what to make of it."
    except (Refused, InvalidMemory) as refusal:
        row.note = f"It was changed there, and cannot be proposed here: {refusal}"
    row.save()


def _draft(mirror: Mirror, path: str, text: str | None) -> Draft:
    live = Memory.objects.live(mirror.store_id).filter(path=path).first()
    if text is None and live is None:
        raise Refused("It is on neither side any more.")
    operation = "delete" if text is None else "update" if live else "create"
    return Draft(
        operation=operation,
        path=path,
        content=text or "",
        base_version=live.head if live else None,
        kind=Proposal.Kind.WRITTEN,
        title=f"{path} was {'deleted' if text is None else 'written'} in the mirror {mirror.remote_store}",
        rationale="Somebody changed the mirror at Anthropic itself; who, and why, is not known here. "
        "Approve to take the change over. Reject to have the mirror say again what is approved here.",
        flags=(UNSUPPORTED,),
    )

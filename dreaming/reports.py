"""What a dream found, as the object that `manage.py dream --json` prints."""

from typing import Any

from dreaming.models import Dream, Finding
from memory.models import Proposal


def dream_report(dream: Dream) -> dict[str, Any]:
    """The dream, its findings, proposals and what it discarded, as plain JSON values."""
    findings = list(dream.findings.select_related("proposal"))
    return {
        "dream": dream.public_id,
        "status": dream.status,
        "store": dream.store.name,
        "engine": dream.engine,
        "window": dream.window,
        "sessions": dream.sessions,
        "events": dream.events,
        "seconds": dream.seconds,
        "findings": [_finding(finding) for finding in findings if finding.kind != "discarded"],
        "proposals": [proposal_report(finding.proposal) for finding in findings if finding.proposal],
        "discarded": [_finding(finding) for finding in findings if finding.discarded_reason],
        "usage": dream.usage,
        "cost": float(dream.cost),
        "estimate": dream.estimate,
        "manifest": dream.manifest,
        "error": dream.error,
    }


def _finding(finding: Finding) -> dict[str, Any]:
    row = {"kind": finding.kind, "title": finding.title, "claim_key": finding.claim_key, **finding.data}
    if finding.proposal_id:
        row["proposal"] = f"prop_{finding.proposal_id}"
    if finding.discarded_reason:
        row["reason"] = finding.discarded_reason
    return row


def proposal_report(proposal: Proposal) -> dict[str, Any]:
    """One proposal with its evidence; `session` is the producer's id."""
    evidence = proposal.evidence.values_list("session__external_id", "session__agent__slug", "seq", "quote", "stance")
    return {
        "id": proposal.public_id,
        "kind": proposal.kind,
        "operation": proposal.operation,
        "path": proposal.path,
        "title": proposal.title,
        "content": proposal.content,
        "rationale": proposal.rationale,
        "status": proposal.status,
        "risk": proposal.risk,
        "support": proposal.support,
        "digest": proposal.digest,
        "evidence": [dict(zip(("session", "agent", "seq", "quote", "stance"), row, strict=True)) for row in evidence],
    }

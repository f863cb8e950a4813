"""What must never be found after a crash, each asked of the whole database."""

from dataclasses import dataclass
from pathlib import Path

# What is wrong → a query whose rows are the ids of which it is wrong.
PARTIAL = {
    "a decision without its entry, or with two": """
        SELECT d.id FROM reviews_decision d LEFT JOIN audit_entry e
            ON e.act = d.act AND e.action = 'decision.made' AND e.subject = 'proposal:' || d.proposal_id
        GROUP BY d.id HAVING count(e.seq) <> 1""",
    "an entry of a decision that is not there": """
        SELECT e.seq FROM audit_entry e WHERE e.action = 'decision.made' AND NOT EXISTS (
            SELECT FROM reviews_decision d WHERE d.act = e.act AND e.subject = 'proposal:' || d.proposal_id)""",
    "a version without a decision, or without exactly one entry": """
        SELECT v.id FROM memory_memoryversion v
            LEFT JOIN reviews_decision d ON d.version_id = v.id
            LEFT JOIN audit_entry e ON e.act = d.act AND e.action = 'memory.version.published'
        GROUP BY v.id HAVING count(d.id) <> 1 OR count(e.seq) <> 1""",
    "an entry of a version that is not there": """
        SELECT e.seq FROM audit_entry e WHERE e.action = 'memory.version.published' AND NOT EXISTS (
            SELECT FROM reviews_decision d WHERE d.act = e.act AND d.version_id IS NOT NULL)""",
    "a proposal without exactly one entry": """
        SELECT p.id FROM memory_proposal p LEFT JOIN audit_entry e
            ON e.action = 'proposal.submitted' AND e.subject = 'proposal:' || p.id
        GROUP BY p.id HAVING count(e.seq) <> 1""",
    "a proposal that says otherwise than its decision": """
        SELECT p.id FROM memory_proposal p LEFT JOIN reviews_decision d ON d.proposal_id = p.id
        WHERE (d.id IS NULL) <> (p.status = 'open')""",
    "a memory that does not show what was published last": """
        SELECT m.id FROM memory_memory m LEFT JOIN memory_memoryversion v ON v.memory_id = m.id
        GROUP BY m.id HAVING m.head_id IS DISTINCT FROM max(v.id)""",
    "a store whose revision is not the number of its versions": """
        SELECT s.id FROM memory_memorystore s LEFT JOIN memory_memoryversion v ON v.store_id = s.id
        GROUP BY s.id HAVING s.revision <> count(v.id)""",
    "a held ballot that did not take effect": "SELECT id FROM reviews_heldballot WHERE state <> 'done'",
}


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The ids of what clients were told had happened."""

    proposals: set[int]
    decisions: set[int]

    @classmethod
    def read(cls, notes: Path) -> "Acknowledged":
        lines = [line.split() for line in notes.read_text().splitlines()]
        return cls(*({int(pk) for what, pk in lines if what == kind} for kind in ("proposal", "decision")))


def faults(said: Acknowledged) -> list[str]:
    from django.db import connection

    from audit.verifying import verify_record
    from memory.models import Proposal
    from reviews.models import Decision

    found = []
    with connection.cursor() as cursor:
        for wrong, ask in PARTIAL.items():
            cursor.execute(ask)
            if rows := cursor.fetchall():
                found.append(f"{wrong}: {len(rows)}, such as {rows[0][0]}")
    for kind, model, ids in (("proposal", Proposal, said.proposals), ("decision", Decision, said.decisions)):
        if lost := ids - set(model.objects.values_list("pk", flat=True)):
            found.append(f"{len(lost)} acknowledged {kind}s are lost, such as {min(lost)}")
    if error := verify_record().error:
        found.append(f"the record: {error}")
    return found

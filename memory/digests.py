"""The digest that binds a decision to what the reviewer saw (promise 3)."""

from collections.abc import Iterable
from typing import NamedTuple

from audit.canonical import digest_of


class SeenEvidence(NamedTuple):
    session: str
    agent: str
    seq: int
    quote: str
    stance: str


def proposal_digest(
    *,
    store: str,
    operation: str,
    path: str,
    new_path: str,
    base_version: int | None,
    content: str,
    title: str,
    rationale: str,
    evidence: Iterable[SeenEvidence],
) -> str:
    """Hexadecimal SHA-256 over everything that a reviewer judges. The order of the evidence does not matter."""
    return digest_of(
        {
            "v": 1,
            "store": store,
            "operation": operation,
            "path": path,
            "new_path": new_path,
            "base_version": base_version,
            "content": content,
            "title": title,
            "rationale": rationale,
            "evidence": [list(item) for item in sorted(evidence)],
        }
    )

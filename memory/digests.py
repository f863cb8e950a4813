"""The digest that binds a decision to what the reviewer saw (promise 3)."""

import json
from collections.abc import Iterable
from decimal import Decimal
from typing import Any, NamedTuple

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
    kind: str,
    risk: Iterable[str],
    support: dict[str, Any],
    evidence: Iterable[SeenEvidence],
) -> str:
    """Hexadecimal SHA-256 over everything that a reviewer or a policy judges by.

    The order of the evidence and of the flags does not matter. Raises `ValueError` for a NaN or an infinity.
    """
    return digest_of(
        {
            "v": 2,
            "store": store,
            "operation": operation,
            "path": path,
            "new_path": new_path,
            "base_version": base_version,
            "content": content,
            "title": title,
            "rationale": rationale,
            "kind": kind,
            "risk": sorted(risk),
            "support": json_text(support),
            "evidence": [list(item) for item in sorted(evidence)],
        }
    )


def json_text(value: Any) -> str:
    """The same text for a JSON value before it goes into a `jsonb` column and after it came back.

    There numbers are decimals: 1e23 comes back as an integer, -0.0 as 0.0. So whole numbers are written as
    integers, exactly; other floats as the shortest decimal that gives them back. Raises `ValueError` for NaN.
    """
    plain = json.loads(json.dumps(value, allow_nan=False), parse_float=_number)
    return json.dumps(plain, sort_keys=True, separators=(",", ":"))


def _number(text: str) -> int | float:
    exact = Decimal(text)
    return int(exact) if exact == exact.to_integral_value() else float(text)

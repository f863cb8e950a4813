"""What a session was served from memory is no new evidence: it is subtracted before mining."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from dreaming.mining.values import Digest

_RUN = 4
_COVERED = 0.7


def without_echoes(digests: Sequence[Digest], served: Mapping[int, Sequence[str]]) -> list[Digest]:
    """Return the digests without errors, repairs and remarks whose words repeat what their session was served.

    `served` maps a session's ref to the texts of the memories that it was given.
    """
    kept: dict[tuple[str, ...], frozenset[str]] = {}
    found = []
    for digest in digests:
        texts = tuple(served.get(digest.ref, ()))
        if not texts or not (digest.errors or digest.remarks or digest.stated):
            found.append(digest)
            continue
        if texts not in kept:
            kept[texts] = runs_of(texts)
        found.append(_subtracted(digest, kept[texts]))
    return found


def _subtracted(digest: Digest, known: frozenset[str]) -> Digest:
    errors = tuple(error for error in digest.errors if not repeats(error.quote.text, known))
    left = {(error.tool, error.template) for error in errors}
    return replace(
        digest,
        errors=errors,
        repairs=tuple(repair for repair in digest.repairs if (repair.tool, repair.template) in left),
        stated=tuple(quote for quote in digest.stated if not repeats(quote.text, known)),
        remarks=tuple(remark for remark in digest.remarks if not repeats(remark.quote.text, known)),
    )


def runs_of(texts: Iterable[str]) -> frozenset[str]:
    """Return the runs of a few words that texts hold."""
    return frozenset(run for text in texts for run in _runs(text))


def repeats(text: str, known: frozenset[str]) -> bool:
    """Whether most runs of words of a text are among those known."""
    runs = list(_runs(text))
    return bool(runs) and sum(run in known for run in runs) >= _COVERED * len(runs)


def _runs(text: str) -> Iterable[str]:
    """Yield the runs of a few words; shorter texts are one run, which only repeats a text that short."""
    words = re.findall(r"\w+", text.lower())
    for at in range(max(1, len(words) - _RUN + 1)):
        yield " ".join(words[at : at + _RUN])

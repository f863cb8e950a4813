"""Memories that say the same: the one that is read less goes, after the other took over what only it says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dreaming.mining.cases import numbers_of
from dreaming.mining.corrections import key_of, support_of, upkeep_finding
from dreaming.mining.evidence import risk_of
from dreaming.mining.figures import in_figures
from dreaming.mining.likeness import stems_of
from dreaming.mining.namesakes import cases_of
from dreaming.mining.pairs import likeness_of, near_pairs
from dreaming.mining.refusals import not_un, refuses_alike
from dreaming.mining.sides import counts_apart, other_side
from dreaming.mining.values import (
    NOTHING,
    Discarded,
    EvidenceRef,
    Finding,
    MemoryView,
    Quote,
    Support,
    Upkeep,
)
from dreaming.mining.window import Window

_MEANT = 0.36
_MEANT_BY_NUMBER = 0.25
_MOST = 2_000
Alike = frozenset[tuple[str, str]]
_HELD = 0.75
_MOSTLY = 0.5
_SHARED = 0.5
_SOME = 3
_QUOTED = 4
_TURNED = 0.25
_NO_MORE_THAN = re.compile(r"\b(?:not|no|never)\s+(?P<more>more|less|fewer|\w+er)\s+(?=than\b)", re.IGNORECASE)
_OR_ELSE = re.compile(r"\b(?:or else|lest)\b", re.IGNORECASE)
_FORBIDDEN = re.compile(r"\b(?:is|are|be)\s+(?:\w+ly\s+)?(?:banned|disallowed|forbidden|prohibited)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Double:
    """Two memories that say the same; `extra` are the sentences that only the spare one says."""

    kept: MemoryView
    spare: MemoryView
    extra: tuple[str, ...]


def duplicates(memories: Sequence[MemoryView], window: Window) -> tuple[list[Finding], list[Discarded]]:
    """Find memories that say the same. Where each says something that the other does not, the kept one is updated
    and the spare one deleted, in two findings; where they disagree, both stay.
    """
    found: list[Finding] = []
    left: list[Discarded] = []
    touched: set[str] = set()
    pairs = near_pairs(memories)
    alike = _alike_sentences(memories).union(*(pair.alike for pair in pairs))
    for pair in pairs:
        one, two = pair.one, pair.two
        if touched & {one.path, two.path}:
            continue
        double = _double(one, two, alike)
        if double is None:
            continue
        touched |= {one.path, two.path}
        if isinstance(double, Discarded):
            left.append(double)
            continue
        evidence, support = _sessions_about(double.spare.text, window)
        changes = ([_update(double)] if double.extra else []) + [_delete(double)]
        found += [_finding(change, evidence, support) for change in changes]
    return found, left


def _alike_sentences(memories: Sequence[MemoryView]) -> Alike:
    """Return the pairs of sentences that mean the same, of a store that is not too long to be read."""
    sentences = sorted({line for memory in memories for line in _sentences(memory.text)})
    if not 1 < len(sentences) <= _MOST:
        return frozenset()
    near = likeness_of(sentences)
    numbers = [numbers_of(sentence) for sentence in sentences]
    return frozenset(
        (sentences[one], sentences[two])
        for one, two in np.argwhere(near >= _MEANT_BY_NUMBER).tolist()
        if near[one, two] >= _MEANT or (numbers[one] and numbers[one] == numbers[two])
    )


def _double(one: MemoryView, two: MemoryView, alike: Alike) -> _Double | Discarded | None:
    stems = [{name for name, _ in stems_of(memory.text)} | numbers_of(memory.text) for memory in (one, two)]
    shared = len(stems[0] & stems[1])
    if shared < _SOME and shared <= _SHARED * min(map(len, stems)) and (one.text, two.text) not in alike:
        return None
    if apart := cases_of(one, two):
        reason = f"memories speak of different cases: {apart}"
        title = f"{one.path} does not say what {two.path} says"
        return Discarded(reason, title, key_of("cases", one.path, two.path), "", one.path, NOTHING)
    kept, spare = sorted((one, two), key=lambda item: (-(item.served or 0), -len(item.text), item.path))
    extra, other = _only_in(spare.text, kept.text, alike), _only_in(kept.text, spare.text, alike)
    if (
        other_side(one.text, two.text)
        or counts_apart(one.text, two.text)
        or any(_disagrees(line, spare.text, kept.text) for line in extra)
    ):
        reason = "memories disagree: the same matter with another number, or the opposite"
        title = f"{spare.path} does not say what {kept.path} says"
        return Discarded(reason, title, key_of("disagree", spare.path, kept.path), "", spare.path, NOTHING)
    if not other and extra:
        kept, spare, extra = spare, kept, other
    if len(extra) > _MOSTLY * len(_sentences(spare.text)):
        return None
    return _Double(kept, spare, tuple(extra))


def _sentences(text: str) -> list[str]:
    parts = (part.strip(" \t-*>#") for part in re.split(r"(?<=[.!?;])\s+|\n+", text))
    return [part for part in parts if stems_of(part)]


def _only_in(text: str, other: str, alike: Alike) -> list[str]:
    """Return the sentences of a text that another one does not hold; one with a number that it does not hold is such."""
    lines, numbers = _sentences(other), numbers_of(other)
    missing = (line for line in _sentences(text) if not _holds(other, line, refuses_alike(text, other)))
    return [
        line
        for line in missing
        if not numbers_of(line) <= numbers
        or _disagrees(line, text, other)
        or not any((line, one) in alike for one in lines)
    ]


def _holds(text: str, line: str, refused_alike: bool) -> bool:
    """Whether two sentences of a text, one after the other, hold what another sentence says, with the same polarity
    and the same numbers.
    """
    sentences = _sentences(text)
    alone = [(one,) for one in sentences if _has_words(line, (one,))]
    # Who says most of it in one sentence says it with that sentence's numbers, not with the next one's.
    for near in alone or pairwise(["", *sentences, ""]):
        if not _has_words(line, near) or not numbers_of(line) <= numbers_of(" ".join(near)):
            continue
        wanted, said = set(_signs(line)), {item for sentence in near for item in _signs(sentence)}
        opposed = len({(name, -sign) for name, sign in wanted} & said - wanted) > _TURNED * len(wanted)
        if refused_alike or (len(said & wanted) >= _HELD * len(wanted) and not opposed):
            return True
    return False


def _has_words(line: str, sentences: Iterable[str]) -> bool:
    wanted = {name for name, _ in _signs(line)}
    said = {name for sentence in sentences for name, _ in _signs(sentence)}
    return len(said & wanted) >= _HELD * len(wanted)


def _disagrees(line: str, text: str, other: str) -> bool:
    """Whether a sentence of a text and one of another are about the same and have the opposite polarity or other numbers."""
    alike = refuses_alike(text, other)
    known = numbers_of(text), numbers_of(other)
    for said_there in _sentences(other):
        wanted, said = dict(_signs(_compared(line, said_there))), dict(_signs(_compared(said_there, line)))
        shared = wanted.keys() & said.keys()
        if len(shared) < _HELD * min(len(wanted), len(said)):
            continue
        numbers = numbers_of(line), numbers_of(said_there)
        turned = sum(wanted[name] != said[name] for name in shared)
        part = numbers[0] <= numbers[1] or numbers[1] <= numbers[0]
        elsewhere = part and numbers[0] <= known[1] and numbers[1] <= known[0]
        if (turned > _TURNED * len(shared) and not alike) or (all(numbers) and not elsewhere):
            return True
    return False


def _compared(text: str, other: str) -> str:
    """Return a text whose "not older than" refuses nothing, unless the other text compares by the same word."""
    return _NO_MORE_THAN.sub(
        lambda found: found[0] if re.search(rf"\b{found['more']}\s+than\b", other, re.IGNORECASE) else "",
        not_un(text, other),
    )


def _signs(text: str) -> list[tuple[str, int]]:
    """Return the words of a text with their signs, where "is forbidden" refuses as "must not" does."""
    return stems_of(_FORBIDDEN.sub("must not", in_figures(_OR_ELSE.sub("otherwise", text))))


def _update(double: _Double) -> Upkeep:
    kept, added = double.kept, "\n".join(f"- {line}" for line in double.extra)
    content = f"{kept.text.rstrip()}\n\n{added}\n"
    return Upkeep("update", kept.path, kept.version, "merged", double.spare.path, "", added, content)


def _delete(double: _Double) -> Upkeep:
    spare, moved = double.spare, " ".join(double.extra)
    return Upkeep("delete", spare.path, spare.version, "duplicate", double.kept.path, spare.text, moved, "")


def _title(change: Upkeep) -> str:
    if change.operation == "update":
        return f"{change.path} takes over what only {change.other} says"
    return f"{change.path} says what {change.other} says"


def _finding(change: Upkeep, evidence: Sequence[EvidenceRef], support: Support) -> Finding:
    return upkeep_finding(
        change,
        key=key_of(change.why, change.path, change.other),
        title=_title(change),
        benefit=0.5 + 0.01 * (change.operation == "update"),
        support=support,
        evidence=evidence,
    )


def _sessions_about(text: str, window: Window) -> tuple[tuple[EvidenceRef, ...], Support]:
    """Quote a few sessions that a memory speaks of: they call a tool that it names, or remark on the same. That two
    memories say the same rests on their texts, so that what may not be shown is left out.
    """
    spoken = text.lower().replace("_", " ")
    stems = {name for name, _ in stems_of(text)}
    quotes: dict[int, Quote] = {}
    for at, digest in enumerate(window.digests):
        named = (step.quote for step in digest.steps if _is_named(step.signature, spoken) and step.quote.text)
        said = (
            remark.quote
            for remark in digest.remarks
            if len(stems & {name for name, _ in stems_of(remark.quote.text)}) >= 2
        )
        quote = next(named, None) or next(said, None)
        if quote is not None:
            quotes[at] = quote
    members = [window.digests[at] for at in quotes]
    fit = [
        (digest, quote) for digest, quote in zip(members, quotes.values(), strict=True) if not risk_of(digest, [quote])
    ]
    shown = [
        EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, "supports")
        for digest, quote in fit[-_QUOTED:]
    ]
    return tuple(shown), support_of(members, window)


def _is_named(signature: str, spoken: str) -> bool:
    name = signature.partition("(")[0].partition(":")[0].replace("_", " ")
    return len(name) > 5 and " " in name and name in spoken

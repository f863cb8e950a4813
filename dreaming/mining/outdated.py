"""What sessions say is over: "the fire brigade no longer takes reports" against a memory that sends reports to it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from dreaming.mining.echoes import repeats, runs_of
from dreaming.mining.hostile import objection_to
from dreaming.mining.likeness import signs_of
from dreaming.mining.passages import passages
from dreaming.mining.statements import contradiction, says_end
from dreaming.mining.values import Finding, MemoryView, Quote, Thresholds
from dreaming.mining.window import Window

_SHARED = 2
_ABOUT = 0.3
_SOME = 3
_FEW = 2
_MOSTLY = 0.5
_COMMON = 0.1
_SAMPLE = 500


@dataclass(frozen=True, slots=True)
class _Said:
    """A sentence of a session that says that something is over, and whether it is a user's remark."""

    at: int
    quote: Quote
    by_user: bool
    stems: frozenset[str]


def outdated(
    memories: Sequence[MemoryView], window: Window, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories whose matter is over, as enough sessions say, of several principals, whoever says it and however
    it is worded.

    A sentence is about the passage with which it shares most words: at least two, or one that most of those sentences
    name. Words that many sessions say about anything do not count.
    """
    common = _common(window)
    lines = [(memory, line) for memory in memories for line in passages(memory.text)]
    places = [(memory, line, frozenset(signs_of(line).keys() - common)) for memory, line in lines]
    holders: dict[str, list[int]] = defaultdict(list)
    for number, (_, _, stems) in enumerate(places):
        for name in stems:
            holders[name].append(number)
    about: dict[int, list[_Said]] = defaultdict(list)
    for said in _said(window):
        shared = Counter(number for name in said.stems for number in holders.get(name, ()))
        most = max(shared.values(), default=0)
        for number in (number for number, count in shared.items() if count == most):
            about[number].append(said)
    found = []
    for number, sentences in sorted(about.items()):
        memory, line, stems = places[number]
        own = runs_of([f"{memory.path}: {memory.text}"])
        new = [said for said in sentences if says_end(said.quote.text, line) and not repeats(said.quote.text, own)]
        members = _members(stems, new)
        people = {window.digests[at].principal for at in members}
        users = sum(said.by_user for said in members.values())
        if len(members) < least or len(people) < limits.min_principals or users < _FEW:
            continue
        now = _clearest(members, window)
        if now:
            found.append((memory, _finding(memory, line, now, members, window, limits)))
    return found


def _finding(
    memory: MemoryView, line: str, now: str, members: Mapping[int, _Said], window: Window, limits: Thresholds
) -> Finding:
    """Return the correction; its key does not depend on the wording that is chosen."""
    quotes = {at: said.quote for at, said in members.items()}
    finding = contradiction(memory, line, now.rstrip("."), partial(_swapped, line, now), quotes, window, limits)
    claim = f"upkeep:outdated:{memory.path}:{line}"
    return replace(
        finding,
        claim_key=f"upkeep:{hashlib.sha256(claim.encode()).hexdigest()[:16]}",
        title=f"{memory.path} is contradicted: {now.rstrip('.')}",
    )


def _swapped(line: str, now: str, text: str) -> str:
    return text.replace(line, now, 1)


def _common(window: Window) -> set[str]:
    """Return the words that are in what more than a few of the sessions say, as far as a sample tells."""
    sample = window.digests[:: max(1, len(window.digests) // _SAMPLE)]
    held: Counter[str] = Counter()
    for digest in sample:
        quotes = (*(remark.quote for remark in digest.remarks), *digest.stated)
        held.update({name for quote in quotes for name in signs_of(quote.text)})
    return {name for name, count in held.items() if count > _COMMON * len(sample)}


def _said(window: Window) -> list[_Said]:
    return [
        _Said(at, quote, by_user, frozenset(signs_of(quote.text)))
        for at, digest in enumerate(window.digests)
        for by_user, quotes in ((True, [item.quote for item in digest.remarks]), (False, digest.stated))
        for quote in quotes
        if says_end(quote.text)
    ]


def _members(stems: frozenset[str], sentences: Sequence[_Said]) -> Mapping[int, _Said]:
    """Return the sessions that say that the matter of a passage is over, each with one sentence, a user's before others."""
    core = [
        said for said in sentences if len(said.stems & stems) >= max(_SHARED, _ABOUT * min(len(said.stems), len(stems)))
    ]
    sessions: dict[int, set[str]] = defaultdict(set)
    for said in core:
        sessions[said.at] |= said.stems & stems
    if len(sessions) < _SOME:
        return {}
    named = Counter(name for names in sessions.values() for name in names)
    subject = {name for name, count in named.items() if count >= _MOSTLY * len(sessions)}
    found: dict[int, _Said] = {}
    clear = set(core)
    for said in sorted(sentences, key=lambda said: (-said.by_user, -len(said.stems & stems))):
        if said.stems & subject or said in clear:
            found.setdefault(said.at, said)
    return {at: found[at] for at in sorted(found)}


def _clearest(members: Mapping[int, _Said], window: Window) -> str:
    """Return the user's sentence that holds most of what several say; '' if each gives orders or holds what is private."""
    fit = [
        said
        for said in members.values()
        if said.by_user and not objection_to(said.quote.text, window.names_of(window.digests[said.at].ref))
    ]
    held = Counter(name for said in members.values() for name in said.stems)
    if not fit:
        return ""
    best = max(fit, key=lambda said: (sum(held[name] for name in said.stems if held[name] > 1), said.quote.text))
    text = " ".join(best.quote.text.split())
    return text[0].upper() + text[1:].rstrip(" .,;:") + "."

"""What sessions state otherwise than a memory: "6 minutes" in the memory, "4 minutes" in newer sessions; or a day, a place, a
name where sessions say that it is another now.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from dreaming.mining.amounts import Amount, amounts_of, is_unit, without_amounts
from dreaming.mining.echoes import repeats, runs_of
from dreaming.mining.evidence import diverse, risk_of
from dreaming.mining.likeness import stem, stems_of
from dreaming.mining.passages import advice_in
from dreaming.mining.values import (
    NOTHING,
    Digest,
    EventView,
    EvidenceRef,
    Finding,
    MemoryView,
    Quote,
    Support,
    Thresholds,
    Upkeep,
)
from dreaming.mining.window import Window

_MOST = 10
_MOST_CHANGES = 8
_SHORT = 200
_LONG_ANSWER = 2_000
_FEW_WORDS = 4
_SHARED = 2
_ABOUT = 0.3
_AGREE = 0.6
_RARE = 0.05
_SOME = 3
# Words by which people say that something is not as it was.
_CHANGES = re.compile(
    r"\b(?:no longer|any ?more|these days|nowadays|now|since|outdated|obsolete|void|former(?:ly)?|used to|moved|replace[sd]?"
    r"|changed|instead of)\b|, not\b",
    re.IGNORECASE,
)
# Words by which people say that something is over.
_ENDS = re.compile(
    r"\b(?:no longer|any ?more|any longer|abolished|abandoned|cancell?ed|ceased|closed down|decommissioned|deprecated"
    r"|disabled|discontinued|disconnected|dismantled|done away|dropped|ended|expired|obsolete|outdated|out of date|phased out"
    r"|removed|repealed|retired|scrapped|shut down|stopped|superseded|suspended|switched off|turned off|withdrawn|is over"
    r"|was over|used to|not (?:needed|required|necessary)|no (?:[^\W\d_]+ ){1,2}(?:needed|required|necessary)"
    r"|replaced|moved to|instead of)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^\n.!?;\"]+(?:[.!?](?=\w)[^\n.!?;\"]+)*")


def statements_of(events: Iterable[EventView]) -> tuple[Quote, ...]:
    """Return the first sentences of a session that hold an amount, a number with its unit, among words, and the first
    that say that something changed.
    """
    amounts: list[Quote] = []
    changes: list[Quote] = []
    for event in events:
        text = event.text or event.output
        if event.type == "tool_call" or len(text) > _LONG_ANSWER:
            continue
        for match in _SENTENCE.finditer(text):
            said = match[0].strip()
            if len(said) > _SHORT or len(said.split()) < _FEW_WORDS:
                continue
            if amounts_of(said):
                amounts.append(Quote(event.seq, said))
            elif says_change(said) or says_end(said):
                changes.append(Quote(event.seq, said))
        if len(amounts) >= _MOST and len(changes) >= _MOST_CHANGES:
            break
    return (*amounts[:_MOST], *changes[:_MOST_CHANGES])


def restated(
    memories: Sequence[MemoryView], window: Window, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories with an amount for which several sessions, of several principals, agree on another one.

    A sentence is about a memory where they share words and the amounts one unit; to name the memory's own amount
    counts as a word. A sentence in the memory's own words was read to the session, and says nothing.
    """
    stated: dict[str, list[tuple[int, Quote, frozenset[str]]]] = defaultdict(list)
    for at, digest in enumerate(window.digests):
        for quote in digest.stated:
            for unit in {amount.unit for amount in amounts_of(quote.text)}:
                stated[unit].append((at, quote, _stems(quote.text)))
    found = []
    for memory in memories:
        for amount in dict.fromkeys(amounts_of(advice_in(memory.text))):
            same = [said for unit, quotes in stated.items() if is_unit(unit, amount.unit) for said in quotes]
            finding = _restated(memory, amount, same, window, limits, least)
            if finding is not None:
                found.append((memory, finding))
                break
    return found


def says_change(text: str) -> bool:
    """Whether a sentence says that something is not as it was."""
    return bool(_CHANGES.search(text))


def says_end(text: str, known: str = "") -> bool:
    """Whether a sentence says that something is over, in words that a known text does not say it by."""
    return not {found.lower() for found in _ENDS.findall(text)} <= {found.lower() for found in _ENDS.findall(known)}


def _stems(text: str) -> frozenset[str]:
    return frozenset(name for name, _ in stems_of(without_amounts(text)))


def _restated(
    memory: MemoryView,
    amount: Amount,
    stated: Sequence[tuple[int, Quote, frozenset[str]]],
    window: Window,
    limits: Thresholds,
    least: int,
) -> Finding | None:
    matter, own = _stems(memory.text), runs_of([f"{memory.path}: {memory.text}"])
    # A unit that few sessions use tells what a sentence is about, as a word does.
    rare = len({at for at, _, _ in stated}) <= _RARE * len(window.digests)
    said: dict[int, list[tuple[Quote, dict[str, Amount]]]] = defaultdict(list)
    clearly: set[int] = set()
    for at, quote, stems in stated:
        numbers = {one.number: one for one in amounts_of(quote.text) if is_unit(one.unit, amount.unit)}
        shared = len(matter & stems) + (amount.number in numbers)
        enough = max(_SHARED, _ABOUT * min(len(matter), len(stems)))
        if shared + rare >= enough and not repeats(quote.text, own):
            said[at].append((quote, numbers))
            if shared >= enough:
                clearly.add(at)
    told = Counter(name for quotes in said.values() for name in set().union(*(numbers for _, numbers in quotes)))
    # A count of nothing is how one call ended, no rule.
    others = (name for name in told if name not in {amount.number, "0"})
    agreed = max(others, key=lambda name: (told[name], name), default="")
    members = {
        at: next(quote for quote, numbers in quotes if agreed in numbers)
        for at, quotes in said.items()
        if any(agreed in numbers for _, numbers in quotes)
    }
    people = {window.digests[at].principal for at in members}
    enough_say = len(members) >= max(least, _AGREE * len(said)) and len(members.keys() & clearly) >= _SOME
    if not enough_say or len(people) < limits.min_principals:
        return None
    as_said = Counter(
        one.written.lower()
        for quotes in said.values()
        for _, numbers in quotes
        for one in numbers.values()
        if one.number == agreed and stem(one.unit) == stem(amount.unit)
    )
    after = min(as_said, key=lambda text: (-as_said[text], text), default=f"{agreed} {amount.unit}")
    wrong = re.compile(rf"(?<![\w.,:/#-]){re.escape(amount.written)}(?![\w-])", re.IGNORECASE)
    return contradiction(memory, amount.written, after, lambda text: wrong.sub(after, text), members, window, limits)


def contradiction(
    memory: MemoryView,
    before: str,
    after: str,
    swap: Callable[[str], str],
    members: dict[int, Quote],
    window: Window,
    limits: Thresholds,
) -> Finding:
    """Return the correction of a memory in which `swap` puts what the quotes of sessions say in place of what it says."""
    line = next(line for line in memory.text.splitlines() if swap(line) != line).strip()
    claim = f"upkeep:restated:{memory.path}:{before}:{after}"
    shown = diverse(members, window, lambda at: risk_of(window.digests[at], [members[at]]))[: limits.max_evidence]
    return Finding(
        kind="upkeep",
        claim_key=f"upkeep:{hashlib.sha256(claim.encode()).hexdigest()[:16]}",
        title=f"{memory.path} is contradicted: newer sessions say {after}, not {before}",
        tool="",
        template=memory.path,
        message="",
        warning=False,
        support=_support([window.digests[at] for at in members], window),
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=1.0 + 0.05 * len(members),
        evidence=tuple(_ref(window.digests[at], members[at]) for at in shown),
        lesson=Upkeep(
            "update",
            memory.path,
            memory.version,
            "contradicted",
            f"newer sessions say {after}",
            line,
            swap(line),
            swap(memory.text),
        ),
    )


def _ref(digest: Digest, quote: Quote) -> EvidenceRef:
    return EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, "supports")


def _support(members: Sequence[Digest], window: Window) -> Support:
    return replace(
        NOTHING,
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        occurrences=len(members),
        eligible=len(window.digests),
    )

"""The store itself: memories that say the same, that newer sessions contradict, or that nobody reads.

Only single memories change, and only where sessions can be quoted for it; the rest is told as left out.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from dreaming.mining.likeness import likeness, stems_of, vectors
from dreaming.mining.templates import tool_family
from dreaming.mining.values import (
    Discarded,
    EvidenceRef,
    Finding,
    MemoryView,
    Preference,
    Quote,
    Support,
    Upkeep,
    Workflow,
)
from dreaming.mining.window import Window
from dreaming.mining.wording import advise

_SAME = 0.6
_HELD = 0.75
_SAID = 0.75
_ASKED = 0.6
_MATTER = 0.3
_LONG = 60_000
_READS = 20
_SHAPED = re.compile(r"(?<![\w<])(?:[YMDHhmsdy]{1,4}|\d{1,4})(?:[-./:](?:[YMDHhmsdy]{1,4}|\d{1,4}))+(?!\w)")
_NUMBER = re.compile(r"(?<![\w<.-])\d+(?:[.,]\d+)*%?(?!\w)")

NOTHING = Support(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.0, 1.0, 1.0, 0.0, -1.0, 1.0, False)


def passages(text: str) -> list[str]:
    """Return the passages of a memory that can change alone: its lines that say something."""
    return [line.strip() for line in text.splitlines() if len(line.split()) > 2]


def already_said(finding: Finding, memories: Sequence[MemoryView]) -> str:
    """Return the path of the memory that says what a finding says, or ''."""
    asked = finding.lesson.keys if isinstance(finding.lesson, Preference) else ()
    wanted = asked or stems_of(advise(finding).claim.replace("_", " "))
    weights = [1 / rank for rank in range(1, len(wanted) + 1)] if asked else [1.0] * len(wanted)
    for memory in memories:
        for passage in (*passages(memory.text), memory.text):
            said = set(stems_of(passage.replace("_", " ")))
            share = sum(weight for item, weight in zip(wanted, weights, strict=True) if item in said)
            if len(wanted) > 1 and share >= (_ASKED if asked else _SAID) * sum(weights):
                return memory.path
    return ""


def contradicted(found: Iterable[Finding], memories: Sequence[MemoryView]) -> tuple[list[Finding], list[Finding]]:
    """Return (findings that stand for themselves, corrections of memories that others contradict)."""
    kept: list[Finding] = []
    corrections: list[Finding] = []
    for finding in found:
        opposed = ((memory, line) for memory in memories for line in passages(memory.text) if _opposes(finding, line))
        at = next(((memory, line) for memory, line in opposed if not _agrees(finding, memory)), None)
        if at is None or not any(item.stance == "supports" for item in finding.evidence):
            kept.append(finding)
        else:
            corrections.append(_correction(finding, *at))
    return kept, corrections


def _agrees(finding: Finding, memory: MemoryView) -> bool:
    """Whether another passage of the memory says what the finding says: then its prohibitions are of the opposite."""
    said = (replace(memory, text=line) for line in passages(memory.text) if not _opposes(finding, line))
    return any(already_said(finding, [passage]) for passage in said)


def _correction(finding: Finding, memory: MemoryView, line: str) -> Finding:
    advice = advise(finding)
    said = finding.lesson.words if isinstance(finding.lesson, Preference) else advice.do
    mark = re.match(r"(?:[-*>#]+|\d+[.)])\s+", line)
    after = f"{mark[0] if mark else ''}{said}"
    claim = f"upkeep:contradicted:{memory.path}:{finding.claim_key}"
    return replace(
        finding,
        kind="upkeep",
        claim_key=f"upkeep:{hashlib.sha256(claim.encode()).hexdigest()[:16]}",
        title=f"{memory.path} is contradicted: {advice.claim}",
        graduates=False,
        remedy=None,
        causes=(),
        lesson=Upkeep(
            "update",
            memory.path,
            memory.version,
            "contradicted",
            advice.claim,
            line,
            after,
            memory.text.replace(line, after, 1),
        ),
    )


def _opposes(finding: Finding, line: str) -> bool:
    """Whether a passage says the opposite of what a finding shows."""
    if isinstance(finding.lesson, Workflow):
        return _other_order(finding.lesson.first, finding.lesson.second, line)
    if isinstance(finding.lesson, Preference):
        return _other_wish(finding.lesson, line)
    if finding.remedy is None:
        kind, _, rest = finding.causes[0].feature.partition(":") if finding.causes else ("", "", "")
        return kind.startswith("after") and _other_order(finding.tool, rest.partition(":")[0], line)
    kind, _, rest = finding.remedy.change.partition(": ")
    opposed: dict[str, Callable[[Finding, str, str], bool]] = {
        "arguments": _other_arguments,
        "form": _other_form,
        "other tool": _dead_tool,
        "first": lambda item, first, text: _other_order(first, item.tool, text),
        "run": _other_program,
    }
    return opposed[kind](finding, rest, line) if kind in opposed else False


def _place(name: str, line: str) -> int:
    """Return where a tool is named in a passage, as it is written or in words; -1 if it is not."""
    spoken = line.lower().replace("_", " ").replace("-", " ")
    return spoken.find(tool_family(name.partition("(")[0]).replace("_", " "))


def _other_order(first: str, second: str, line: str) -> bool:
    one, two = _place(first, line), _place(second, line)
    if min(one, two) < 0 or one == two:
        return False
    between = line.lower()[min(one, two) : max(one, two)]
    turned = bool(re.search(r"\bafter\b|\bonce\b", between))
    return (two < one) != turned


def _other_wish(lesson: Preference, line: str) -> bool:
    """Whether a passage is about the same matter, and says the opposite of as many keys as it shares, or
    another number.
    """
    said = dict(stems_of(line))
    shared = [(sign, said[key]) for key, sign in lesson.keys if key in said]
    matter = vectors([lesson.words, line])
    if not shared or (len(shared) < 2 and float(likeness(matter[0], matter[1])[0, 0]) < _MATTER):
        return False
    if any(one != two for one, two in shared) and sum(one * two for one, two in shared) <= 0:
        return True
    one, two = set(_NUMBER.findall(lesson.words)), set(_NUMBER.findall(line))
    return bool(one) and bool(two) and not one & two


def _other_arguments(finding: Finding, rest: str, line: str) -> bool:
    if _place(finding.tool, line) < 0:
        return False
    said = dict(stems_of(line.replace("_", " ")))
    for name, _ in finding.remedy.arguments if finding.remedy else ():
        stems = [stem for stem, _ in stems_of(name.replace("_", " "))]
        if not stems or any(stem not in said for stem in stems):
            continue
        dropped = not re.search(rf"add [^;]*(?<!\w){re.escape(name)}(?!\w)", rest)
        needless = bool(re.search(r"\b(?:optional|unnecessary|not needed|not required|needless)\b", line.lower()))
        refused = all(said[stem] < 0 for stem in stems) or needless
        if refused != dropped:
            return True
    return False


def _other_form(finding: Finding, rest: str, line: str) -> bool:
    names = [name for name, _ in finding.remedy.arguments] if finding.remedy else []
    spoken = line.lower().replace("_", " ")
    about = _place(finding.tool, line) >= 0 or any(name.lower().replace("_", " ") in spoken for name in names)
    shapes = {re.sub(r"\d+", _nines, re.sub(r"[A-Za-z]", "9", found)) for found in _SHAPED.findall(line)}
    changes = [part.partition(" from ")[2].partition(" to ") for part in rest.split("; ")]
    return about and any(was.strip("`") in shapes and now.strip("`") not in shapes for was, _, now in changes)


def _nines(found: re.Match[str]) -> str:
    return "9" * min(len(found[0]), 4)


def _dead_tool(finding: Finding, rest: str, line: str) -> bool:
    never = not finding.recovered and finding.support.eligible == finding.support.sessions
    said = dict(stems_of(line.replace("_", " ")))
    named = _place(finding.tool, line) >= 0
    refused = any(said.get(stem, 1) < 0 for stem, _ in stems_of(finding.tool.replace("_", " ")))
    return never and named and not refused and _place(rest, line) < 0


def _other_program(_finding: Finding, rest: str, line: str) -> bool:
    now, _, was = rest.partition(" instead of ")
    return was in line and now not in line and not re.search(r"\b(?:not|never|instead of)\b", line.lower())


def duplicates(memories: Sequence[MemoryView], window: Window) -> tuple[list[Finding], list[Discarded]]:
    """Find memories of which another one says nearly all; the less read, then the shorter, goes."""
    if len(memories) < 2:
        return [], []
    matrix = vectors([memory.text for memory in memories])
    near = likeness(matrix, matrix)
    found: list[Finding] = []
    left: list[Discarded] = []
    gone: set[str] = set()
    for one in range(len(memories)):
        for two in range(one + 1, len(memories)):
            pair = memories[one], memories[two]
            if near[one, two] < _SAME or gone & {item.path for item in pair}:
                continue
            kept, spare = sorted(pair, key=lambda item: (-(item.served or 0), -len(item.text), item.path))
            if not _holds(kept.text, spare.text):
                kept, spare = spare, kept
            if not _holds(kept.text, spare.text):
                continue
            gone.add(spare.path)
            item = _duplicate(kept, spare, window)
            if isinstance(item, Finding):
                found.append(item)
            else:
                left.append(item)
    return found, left


def _holds(text: str, other: str) -> bool:
    """Whether a text holds what another says, with the same polarity and the same numbers."""
    said, wanted = set(stems_of(text)), set(stems_of(other))
    opposed = {(name, -sign) for name, sign in wanted} & said - wanted
    numbers = set(_NUMBER.findall(other)) - set(_NUMBER.findall(text))
    return bool(wanted) and len(said & wanted) >= _HELD * len(wanted) and not opposed and not numbers


def _duplicate(kept: MemoryView, spare: MemoryView, window: Window) -> Finding | Discarded:
    claim = f"upkeep:duplicate:{spare.path}:{kept.path}"
    key = f"upkeep:{hashlib.sha256(claim.encode()).hexdigest()[:16]}"
    title = f"{spare.path} says what {kept.path} says"
    evidence, support = _sessions_about(spare.text, window)
    if not evidence:
        return Discarded("upkeep without evidence: no session speaks of it", title, key, "", spare.path, NOTHING)
    return Finding(
        kind="upkeep",
        claim_key=key,
        title=title,
        tool="",
        template=spare.path,
        message="",
        warning=False,
        support=support,
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=0.5,
        evidence=evidence,
        lesson=Upkeep("delete", spare.path, spare.version, "duplicate", kept.path, spare.text, "", ""),
    )


def _sessions_about(text: str, window: Window) -> tuple[tuple[EvidenceRef, ...], Support]:
    """Quote a few sessions that a memory speaks of: they call a tool that it names, or remark on the same."""
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
    shown = [
        EvidenceRef(digest.ref, digest.external_id, digest.agent, quote.seq, quote.text, "supports")
        for digest, quote in list(zip(members, quotes.values(), strict=True))[-4:]
    ]
    support = replace(
        NOTHING,
        sessions=len(members),
        agents=len({digest.agent for digest in members}),
        principals=len({digest.principal for digest in members if digest.principal}),
        tasks=len({digest.task_id for digest in members if digest.task_id}),
        eligible=len(window.digests),
    )
    return tuple(shown), support


def _is_named(signature: str, spoken: str) -> bool:
    name = signature.partition("(")[0].partition(":")[0].replace("_", " ")
    return len(name) > 5 and " " in name and name in spoken


def unread(memories: Sequence[MemoryView]) -> list[Discarded]:
    """Tell what nobody reads, and a store too long to be read: no session can be quoted for either."""
    most = max((memory.served or 0 for memory in memories), default=0)
    left = [
        _note(f"upkeep without evidence: never served, while others were, in {most} sessions", memory.path)
        for memory in memories
        if memory.served == 0 and most >= _READS
    ]
    size = sum(len(memory.text) for memory in memories)
    if size > _LONG:
        left.append(
            _note(f"upkeep without evidence: {size} characters are too many to be read at a start", "the store")
        )
    return left


def _note(reason: str, path: str) -> Discarded:
    key = hashlib.sha256(f"upkeep:note:{path}".encode()).hexdigest()[:16]
    return Discarded(reason, f"{path}: look at it", f"upkeep:{key}", "", path, NOTHING)

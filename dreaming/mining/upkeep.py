"""The store itself: memories that newer sessions contradict, that say a finding already, or that nobody reads.

Only single memories change, and only where sessions can be quoted for it; the rest is told as left out.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np

from dreaming.mining.likeness import likeness, stems_of, vectors
from dreaming.mining.meaning import meanings
from dreaming.mining.templates import tool_family
from dreaming.mining.values import (
    NOTHING,
    Discarded,
    Finding,
    MemoryView,
    Preference,
    Upkeep,
    Workflow,
)
from dreaming.mining.wording import advise

_SAID = 0.75
_MATTER = 0.3
_BY_WORDS = 0.4
_CLOSEST = 3
_KEYS = 3
_FEW = 4
_OPPOSED = 0.5
_NAMED = 0.6
_LONG = 60_000
_READS = 20
_SHAPED = re.compile(r"(?<![\w<])(?:[YMDHhmsdy]{1,4}|\d{1,4})(?:[-./:](?:[YMDHhmsdy]{1,4}|\d{1,4}))+(?!\w)")
_NUMBER = re.compile(r"(?<![\w<.-])\d+(?:[.,]\d+)*%?(?!\w)")


def passages(text: str) -> list[str]:
    """Return the passages of a memory that can change alone: its lines that say something."""
    return [line.strip() for line in text.splitlines() if len(line.split()) > 2]


def already_said(finding: Finding, memories: Sequence[MemoryView]) -> str:
    """Return the path of the memory that says what a finding says, or ''."""
    wanted = stems_of(advise(finding).claim.replace("_", " "))
    for memory in memories:
        for line in (*passages(memory.text), memory.text):
            if isinstance(finding.lesson, Preference):
                said = _stance(finding, line) > 0
            else:
                stems = set(stems_of(line.replace("_", " ")))
                share = sum(item in stems for item in wanted)
                said = (len(wanted) > 1 and share >= _SAID * len(wanted)) or _says_mend(finding, memory.path, line)
            if said:
                return memory.path
    return ""


def _stance(finding: Finding, line: str) -> float:
    """Say how far a passage agrees (above 0) or disagrees (below 0) with a wish; 0 where it is about something else."""
    assert isinstance(finding.lesson, Preference)
    wordings = [finding.lesson.words, *finding.variants]
    meant = meanings([line, *wordings])
    words = vectors([line, *wordings])
    near = _BY_WORDS * likeness(words[:1], words[1:])[0] + (1 - _BY_WORDS) * (meant[1:] @ meant[0])
    said = dict(stems_of(line))
    keys = [(sign, said[key]) for key, sign in finding.lesson.keys if key in said]
    if np.sort(near)[-_CLOSEST:].mean() < _MATTER and len(keys) < _KEYS:
        return 0.0
    numbers = [set(_NUMBER.findall(text)) for text in (finding.lesson.words, line)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return -1.0
    signs: dict[str, list[int]] = defaultdict(list)
    for text in wordings:
        for key, sign in stems_of(text):
            if key in said:
                signs[key].append(sign * said[key])
    shared = [sum(found) / len(found) for found in signs.values() if len(found) * _FEW > len(wordings)]
    return -1.0 if min(shared, default=0.0) <= -_OPPOSED else 1.0


def _says_mend(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage, or its path, names the tool of a finding, and the passage what mends the error."""
    if finding.remedy is None or max(_place(finding.tool, line), _place(finding.tool, path)) < 0:
        return False
    kind, _, rest = finding.remedy.change.partition(": ")
    if kind == "form":
        shapes = _shapes(line)
        return any(part.partition(" to ")[2].strip("`") in shapes for part in rest.split("; "))
    names = [name for name, _ in finding.remedy.arguments] if kind == "arguments" else [rest]
    said = dict(stems_of(line.replace("_", " ")))
    stems = {stem for name in names for stem, _ in stems_of(name.replace("_", " "))}
    asked = -1 if rest.startswith("leave out") else 1
    return bool(stems) and sum(said.get(stem) == asked for stem in stems) >= _NAMED * len(stems)


def contradicted(found: Iterable[Finding], memories: Sequence[MemoryView]) -> tuple[list[Finding], list[Finding]]:
    """Return (findings that stand for themselves, corrections of memories that others contradict)."""
    kept: list[Finding] = []
    corrections: list[Finding] = []
    for finding in found:
        at = next(
            ((memory, line) for memory in memories for line in passages(memory.text) if _opposes(finding, line)), None
        )
        if at is None or not any(item.stance == "supports" for item in finding.evidence):
            kept.append(finding)
        else:
            corrections.append(_correction(finding, *at))
    return kept, corrections


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
        return _stance(finding, line) < 0
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
    shapes = _shapes(line)
    changes = [part.partition(" from ")[2].partition(" to ") for part in rest.split("; ")]
    return about and any(was.strip("`") in shapes and now.strip("`") not in shapes for was, _, now in changes)


def _shapes(line: str) -> set[str]:
    return {re.sub(r"\d+", _nines, re.sub(r"[A-Za-z]", "9", found)) for found in _SHAPED.findall(line)} | {
        re.sub(r"\d+", _nines, found) for found in re.findall(r"(?<![\w.-])\d{3,}(?![\w.-])", line)
    }


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

"""The store itself: memories that say a finding already, that newer sessions contradict, or that nobody reads.

Only single memories change, and only where sessions can be quoted for it; the rest is told as left out.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from dreaming.mining.corrections import key_of, upkeep_finding
from dreaming.mining.likeness import stems_of
from dreaming.mining.passages import passages
from dreaming.mining.stances import knows_error, names_all, opposes, says_mend, says_wish
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
_LONG = 60_000
_READS = 20
_A_PASS = 3


def already_said(finding: Finding, memories: Sequence[MemoryView]) -> str:
    """Return the path of the memory that says what a finding says, or ''."""
    wanted = stems_of(advise(finding).claim.replace("_", " "))
    for memory in memories:
        for line in (*passages(memory.text), memory.text):
            if isinstance(finding.lesson, Preference):
                said = says_wish(finding, line)
            elif isinstance(finding.lesson, Workflow) and not names_all(finding.lesson.steps, line):
                continue
            else:
                stems = set(stems_of(line.replace("_", " ")))
                share = sum(item in stems for item in wanted)
                said = (
                    (len(wanted) > 1 and share >= _SAID * len(wanted))
                    or says_mend(finding, memory.path, line)
                    or knows_error(finding, memory.path, line)
                )
            if said:
                return memory.path
    return ""


def contradicted(found: Iterable[Finding], memories: Sequence[MemoryView]) -> tuple[list[Finding], list[Finding]]:
    """Return (findings that stand for themselves, corrections of memories that others contradict)."""
    kept: list[Finding] = []
    corrections: list[Finding] = []
    for finding in found:
        opposed = (
            (memory, line)
            for memory in memories
            for line in passages(memory.text)
            if opposes(finding, memory.path, line)
        )
        at = next(((memory, line) for memory, line in opposed if not _agrees(finding, memory)), None)
        if at is None or not any(item.stance == "supports" for item in finding.evidence):
            kept.append(finding)
        else:
            corrections.append(_correction(finding, *at))
    return kept, corrections


def _agrees(finding: Finding, memory: MemoryView) -> bool:
    """Whether another passage of the memory says what the finding says: then its prohibitions are of the opposite."""
    said = (replace(memory, text=line) for line in passages(memory.text) if not opposes(finding, memory.path, line))
    return any(already_said(finding, [passage]) for passage in said)


def _correction(finding: Finding, memory: MemoryView, line: str) -> Finding:
    advice = advise(finding)
    said = finding.lesson.words if isinstance(finding.lesson, Preference) else advice.do
    mark = re.match(r"(?:[-*>#]+|\d+[.)])\s+", line)
    after = f"{mark[0] if mark else ''}{said}"
    return replace(
        finding,
        kind="upkeep",
        claim_key=key_of("contradicted", memory.path, finding.claim_key),
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


def unread(
    memories: Sequence[MemoryView], taken: Collection[str], given: int = 0
) -> tuple[list[Finding], list[Discarded]]:
    """Propose to remove what no session was given while many were given other memories, except paths in `taken`: a few a
    pass, those first that were passed over most often; tell of the others, and of a store too long to be read.

    `given` is how many sessions were given anything, for memories of which nobody counted who was offered others.
    """
    most = max(given, *(memory.served or 0 for memory in memories), 0)
    chances = {memory.path: most if memory.offered is None else memory.offered for memory in memories}
    idle = [
        memory
        for memory in memories
        if memory.served == 0 and chances[memory.path] >= _READS and memory.path not in taken
    ]
    idle.sort(key=lambda memory: (-chances[memory.path], -len(memory.text), memory.path))
    left = [_note("never served: a few of those are proposed a pass", memory.path) for memory in idle[_A_PASS:]]
    size = sum(len(memory.text) for memory in memories)
    if size > _LONG:
        left.append(
            _note(f"upkeep without evidence: {size} characters are too many to be read at a start", "the store")
        )
    return [_unread(memory, chances[memory.path]) for memory in idle[:_A_PASS]], left


def _unread(memory: MemoryView, passed_over: int) -> Finding:
    return upkeep_finding(
        Upkeep("delete", memory.path, memory.version, "unread", str(passed_over), memory.text, "", ""),
        key=key_of("unread", memory.path),
        title=f"{memory.path} was never served, while others were, in up to {passed_over} sessions",
        benefit=0.1,
    )


def _note(reason: str, path: str) -> Discarded:
    return Discarded(reason, f"{path}: look at it", key_of("note", path), "", path, NOTHING)

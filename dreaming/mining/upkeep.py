"""The store itself: memories that newer sessions contradict, that say a finding already, or that nobody reads.

Only single memories change, and only where sessions can be quoted for it; the rest is told as left out.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from dreaming.mining.changes import CAPITALS, OTHER_VALUES, QUOTED, SMALL, form
from dreaming.mining.likeness import likeness, signs_of, stems_of, vectors
from dreaming.mining.meaning import Floats, meanings, together
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
_MATTER = 0.33
_NEAR = 0.2
_MEANT = 0.4
_SHARED = 2
_CLOSEST = 3
_OPPOSED = 0.5
_NAMED = 0.6
_WORDY = 8
_LONG = 60_000
_READS = 20
_SHAPED = re.compile(r"(?<![\w<])(?:[YMDHhmsdy]{1,4}|\d{1,4})(?:[-./:](?:[YMDHhmsdy]{1,4}|\d{1,4}))+(?!\w)")
_NEGATED = re.compile(r"\b(?:not|never|no|without|avoid|instead of|rather than)\b|n['’]t\b", re.IGNORECASE)
_CASE = re.compile(
    r"\b(?:(?P<capital>capitals?|capital letters|upper ?case)|lower ?case|small letters)\b", re.IGNORECASE
)
_LONG_WORD = re.compile(r"\b[A-Za-z]\w*[A-Z_.]\w*[a-z]\b")
_DENIED = re.compile(
    r"\b(?:(?:is|are|was|were|will be) (?:not|never|no longer|refused|rejected|invalid)|fails?|(?:is|are)n['’]t)\b",
    re.IGNORECASE,
)
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
    said, asked = signs_of(line), _asked(tuple(wordings))
    shared = said.keys() & asked.keys()
    if len(shared) < _SHARED:
        return 0.0
    meant = meanings([line, *wordings])
    words = vectors([line, *wordings])
    near = together(likeness(words[:1], words[1:])[0], meant[1:] @ meant[0])
    closest = np.sort(near)[-_CLOSEST:].mean()
    mostly = len(shared) > _SHARED and len(shared) * _CLOSEST >= len(said)
    if closest < (_NEAR if mostly else _MATTER) and _in_all(meant) < _MEANT:
        return 0.0
    numbers = [set(_NUMBER.findall(text)) for text in (finding.lesson.words, line)]
    if all(numbers) and not numbers[0] & numbers[1]:
        return -1.0
    signs = [asked[stem] * said[stem] for stem in shared if abs(asked[stem]) >= _OPPOSED]
    opposed, agreed = -sum(sign for sign in signs if sign < 0), sum(sign for sign in signs if sign > 0)
    if opposed > 0 and opposed >= _OPPOSED * agreed:
        return -1.0
    # What agents did is not what users want: a passage that asks for it, and for nothing that they ask, opposes them.
    done = {stem for stem in shared & set(finding.lesson.done) if said[stem] > 0 and asked[stem] < _OPPOSED}
    wanted = {stem for stem in shared - set(finding.lesson.done) if asked[stem] * said[stem] >= _OPPOSED}
    return -1.0 if done and not wanted else 1.0


def _in_all(meant: Floats) -> float:
    """Return how alike the first text is in meaning to all the others together."""
    middle = meant[1:].mean(axis=0)
    return float(middle @ meant[0] / (np.linalg.norm(middle) + 1e-12))


@lru_cache(maxsize=256)
def _asked(wordings: tuple[str, ...]) -> dict[str, float]:
    """Return the words that two wordings of a wish share, each with the mean of its signs."""
    signs: dict[str, list[int]] = defaultdict(list)
    for wording in wordings:
        for stem, sign in signs_of(wording).items():
            signs[stem].append(sign)
    fewest = min(2, len(wordings))
    return {stem: sum(found) / len(found) for stem, found in signs.items() if len(found) >= fewest}


def _says_mend(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage, or its path, names the tool of a finding, and the passage what mends the error."""
    if finding.remedy is None:
        return False
    kind, _, rest = finding.remedy.change.partition(": ")
    if kind in {"form", OTHER_VALUES}:
        return _stance_on_values(finding, path, line) > 0
    if not _is_about(finding.tool, path, line):
        return False
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
        opposed = (
            (memory, line)
            for memory in memories
            for line in passages(memory.text)
            if _opposes(finding, memory.path, line)
        )
        at = next(((memory, line) for memory, line in opposed if not _agrees(finding, memory)), None)
        if at is None or not any(item.stance == "supports" for item in finding.evidence):
            kept.append(finding)
        else:
            corrections.append(_correction(finding, *at))
    return kept, corrections


def _agrees(finding: Finding, memory: MemoryView) -> bool:
    """Whether another passage of the memory says what the finding says: then its prohibitions are of the opposite."""
    said = (replace(memory, text=line) for line in passages(memory.text) if not _opposes(finding, memory.path, line))
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


def _opposes(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage says the opposite of what a finding shows."""
    if isinstance(finding.lesson, Preference):
        return _stance(finding, line) < 0
    if isinstance(finding.lesson, Workflow):
        first, second = finding.lesson.first, finding.lesson.second
        refused = _is_about(first, path, line) and _refuses(second, line)
        refused |= _is_about(second, path, line) and _refuses(first, line)
        return refused or _other_order(first, second, line)
    if finding.remedy is None:
        kind, _, rest = finding.causes[0].feature.partition(":") if finding.causes else ("", "", "")
        return kind.startswith("after") and _other_order(finding.tool, rest.partition(":")[0], line)
    kind, _, rest = finding.remedy.change.partition(": ")
    opposed: dict[str, Callable[[], bool]] = {
        "arguments": lambda: _other_arguments(finding, path, rest, line),
        "form": lambda: _other_form(finding, path, line),
        OTHER_VALUES: lambda: _other_form(finding, path, line),
        "other tool": lambda: _dead_tool(finding, rest, line) or _refuses_mend(finding, path, rest, line),
        "first": lambda: _other_order(rest, finding.tool, line) or _refuses_mend(finding, path, rest, line),
        "run": lambda: _other_program(rest, line),
    }
    return kind in opposed and opposed[kind]()


def _is_about(tool: str, path: str, line: str) -> bool:
    return max(_place(tool, line), _place(tool, path)) >= 0


def _spoken(name: str) -> str:
    """Return a text with the names in it as words: `getUser` and `get_user` are `get User` and `get user`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name.replace("_", " "))


def _refuses(name: str, line: str) -> bool:
    """Whether a passage refuses most of the words of a name."""
    said = signs_of(_spoken(line))
    stems = [stem for stem, _ in stems_of(_spoken(name.partition("(")[0]))]
    return bool(stems) and sum(said.get(stem, 0) < 0 for stem in stems) >= _NAMED * len(stems)


def _refuses_mend(finding: Finding, path: str, mend: str, line: str) -> bool:
    return _is_about(finding.tool, path, line) and _refuses(mend, line)


def _place(name: str, line: str) -> int:
    """Return where a tool is named in a passage, as it is written or in words; -1 if it is not.

    A tool whose own name is one short word, behind the name of its server, is named only with that.
    """
    whole = name.partition("(")[0]
    if ": " in whole:
        names = [whole.partition(": ")[2], whole.split()[-1]]
        return max(_place(part, line) for part in names if len(part) >= _WORDY or part == names[0])
    family = tool_family(whole)
    own = whole if len(family) < _WORDY and "_" not in family and whole.lower() != family else family
    parts = [re.escape(part) for part in re.split(r"[^a-z0-9]+", own.lower()) if part]
    found = re.search(rf"(?<![a-z0-9]){'[^a-z0-9]*'.join(parts)}(?![a-z0-9])", line.lower()) if parts else None
    return found.start() if found else -1


def _other_order(first: str, second: str, line: str) -> bool:
    one, two = _place(first, line), _place(second, line)
    if min(one, two) < 0 or one == two:
        return False
    between = line.lower()[min(one, two) : max(one, two)]
    turned = bool(re.search(r"\bafter\b|\bonce\b", between))
    return (two < one) != turned


def _other_arguments(finding: Finding, path: str, rest: str, line: str) -> bool:
    if not _is_about(finding.tool, path, line):
        return False
    said = signs_of(_spoken(line))
    needless = bool(re.search(r"\b(?:optional|unnecessary|not needed|not required|needless)\b", line.lower()))
    for name, _ in finding.remedy.arguments if finding.remedy else ():
        stems = [stem for stem, _ in stems_of(_spoken(name))]
        named = [said[stem] for stem in stems if stem in said]
        if not named or len(named) * 2 < len(stems):
            continue
        dropped = not re.search(rf"add [^;]*(?<!\w){re.escape(name)}(?!\w)", rest)
        if (needless or all(sign < 0 for sign in named)) != dropped:
            return True
    return False


def _other_form(finding: Finding, path: str, line: str) -> bool:
    return _stance_on_values(finding, path, line) < 0


def _stance_on_values(finding: Finding, path: str, line: str) -> int:
    """Say whether a passage about a call, or about one of its arguments, shows the values that work (1), those that are
    refused (-1) or neither (0). What a passage itself refuses counts the other way round.
    """
    remedy = finding.remedy
    if remedy is None or not _speaks_of(finding, path, line):
        return 0
    kind, _, rest = remedy.change.partition(": ")
    changes = [part.partition(" from ")[2].partition(" to ") for part in rest.split("; ")] if kind == "form" else []
    if any(QUOTED in (was, now) for was, _, now in changes):
        named = [sign for stem, sign in stems_of(_spoken(line)) if stem.startswith("quot")]
        wanted = 1 if any(now == QUOTED for _, _, now in changes) else -1
        return (1 if sum(named) > 0 else -1) * wanted if named else 0
    old, new = _parts(remedy.refused), _parts(remedy.taken)
    old, new = old - new, new - old
    shapes = {was for was, _, _ in changes}, {now for _, _, now in changes}
    spelt = {CAPITALS, SMALL} & {now for _, _, now in changes}
    if spelt and (letters := _letters(line)):
        return 1 if letters == spelt else -1
    takes = _shown(line, new, shapes[1] - shapes[0])
    refuses = _shown(line, old, shapes[0] - shapes[1])
    return takes or -refuses


def _letters(line: str) -> set[str]:
    """Say which letters a passage asks for, as far as it names one kind first."""
    found = _CASE.search(line)
    return set() if found is None else {CAPITALS if found["capital"] else SMALL}


def _speaks_of(finding: Finding, path: str, line: str) -> bool:
    spoken = line.lower().replace("_", " ")
    if finding.remedy and any(word in finding.remedy.before for word in _LONG_WORD.findall(line)):
        return True
    names = [name for name, _ in finding.remedy.arguments] if finding.remedy else []
    return _is_about(finding.tool, path, line) or any(
        name.lower().replace("_", " ").strip("- ") in spoken for name in names
    )


def _parts(values: Iterable[str]) -> set[str]:
    """Return values and the parts of them that could be named alone."""
    whole = {value.strip() for value in values}
    return {
        part for value in whole for part in (value, *re.split(r"[=,;\s]+", value)) if len(part) > 1 or part.isalpha()
    }


def _shown(line: str, values: set[str], shapes: set[str]) -> int:
    """Return 1 where a passage asks for one of the values or shapes, -1 where it refuses all of them that it names."""
    places = [found.start() for value in values for found in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", line)]
    places += [
        found.start()
        for found in re.finditer(r"\S+", line)
        if _shapes(found[0]) & {shape.strip("`") for shape in shapes}
    ]
    if not places:
        return 0
    return -1 if all(_is_refused(line, place) for place in places) else 1


def _is_refused(line: str, place: int) -> bool:
    """Whether a negation stands before or after a place in its clause."""
    before = re.split(r"[.,;:!?()]\s", line[:place])[-1]
    after = re.split(r"[.,;:!?()](?:\s|$)", line[place:])[0]
    return bool(_NEGATED.search(before) or _DENIED.search(after))


def _shapes(line: str) -> set[str]:
    """Return the shapes of the values that a passage shows, as a change of form names them."""
    shown = (word.strip(".,;:!?()'\"`") for word in line.split())
    return {form(_value(word)).strip("`") for word in shown if re.search(r"\d", word)} | {
        re.sub(r"\d+", _nines, re.sub(r"[A-Za-z]", "9", found)) for found in _SHAPED.findall(line)
    }


def _value(word: str) -> str | float:
    return (float(word) if "." in word else int(word)) if re.fullmatch(r"\d+(?:\.\d+)?", word) else word


def _nines(found: re.Match[str]) -> str:
    return "9" * min(len(found[0]), 4)


def _dead_tool(finding: Finding, rest: str, line: str) -> bool:
    never = not finding.recovered and finding.support.eligible == finding.support.sessions
    said = dict(stems_of(line.replace("_", " ")))
    named = _place(finding.tool, line) >= 0
    refused = any(said.get(stem, 1) < 0 for stem, _ in stems_of(finding.tool.replace("_", " ")))
    return never and named and not refused and _place(rest, line) < 0


def _other_program(rest: str, line: str) -> bool:
    now, _, was = rest.partition(" instead of ")
    return was in line and now not in line and not re.search(r"\b(?:not|never|instead of)\b", line.lower())


def unread(memories: Sequence[MemoryView], taken: Collection[str]) -> tuple[list[Finding], list[Discarded]]:
    """Propose to remove what no session was given while others were, except paths in `taken`; tell of a store too long to
    be read.
    """
    most = max((memory.served or 0 for memory in memories), default=0)
    found = [
        _unread(memory, most)
        for memory in memories
        if memory.served == 0 and most >= _READS and memory.path not in taken
    ]
    size = sum(len(memory.text) for memory in memories)
    long = f"upkeep without evidence: {size} characters are too many to be read at a start"
    return found, [_note(long, "the store")] if size > _LONG else []


def _unread(memory: MemoryView, most: int) -> Finding:
    return Finding(
        kind="upkeep",
        claim_key=f"upkeep:{hashlib.sha256(f'upkeep:unread:{memory.path}'.encode()).hexdigest()[:16]}",
        title=f"{memory.path} was never served, while others were, in up to {most} sessions",
        tool="",
        template=memory.path,
        message="",
        warning=False,
        support=NOTHING,
        recovered=0,
        transient=0,
        remedy=None,
        causes=(),
        benefit=0.1,
        evidence=(),
        lesson=Upkeep("delete", memory.path, memory.version, "unread", str(most), memory.text, "", ""),
    )


def _note(reason: str, path: str) -> Discarded:
    key = hashlib.sha256(f"upkeep:note:{path}".encode()).hexdigest()[:16]
    return Discarded(reason, f"{path}: look at it", f"upkeep:{key}", "", path, NOTHING)

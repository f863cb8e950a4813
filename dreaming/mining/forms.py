"""Whether a passage of a memory shows the values that a call takes, or those that it refuses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dreaming.mining.changes import CAPITALS, QUOTED, SMALL, form
from dreaming.mining.likeness import stems_of
from dreaming.mining.passages import is_about, spoken
from dreaming.mining.values import (
    Finding,
)

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


def stance_on_values(finding: Finding, path: str, line: str) -> int:
    """Say whether a passage about a call, or about one of its arguments, shows the values that work (1), those that are
    refused (-1) or neither (0). What a passage itself refuses counts the other way round.
    """
    remedy = finding.remedy
    if remedy is None or not _speaks_of(finding, path, line):
        return 0
    kind, _, rest = remedy.change.partition(": ")
    changes = [part.partition(" from ")[2].partition(" to ") for part in rest.split("; ")] if kind == "form" else []
    if any(QUOTED in (was, now) for was, _, now in changes):
        named = [sign for stem, sign in stems_of(spoken(line)) if stem.startswith("quot")]
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
    words = line.lower().replace("_", " ")
    if finding.remedy and any(word in finding.remedy.before for word in _LONG_WORD.findall(line)):
        return True
    names = [name for name, _ in finding.remedy.arguments] if finding.remedy else []
    return is_about(finding.tool, path, line) or any(
        name.lower().replace("_", " ").strip("- ") in words for name in names
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

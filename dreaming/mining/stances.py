"""Whether a passage of a memory says what a finding says, or the opposite."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from difflib import SequenceMatcher
from functools import lru_cache

import numpy as np

from dreaming.mining.changes import OTHER_VALUES
from dreaming.mining.forms import stance_on_values
from dreaming.mining.likeness import likeness, signs_of, stems_of, vectors
from dreaming.mining.meaning import Floats, meanings, together
from dreaming.mining.passages import is_about, place_of, spoken
from dreaming.mining.values import (
    Finding,
    Preference,
    Workflow,
)

_MATTER = 0.33
_NEAR = 0.2
_MEANT = 0.47
_SHARED = 2
_CLOSEST = 3
_OPPOSED = 0.5
_NAMED = 0.6
_A_QUOTE = 5
_SOME = 0.33
_SAME = 0.6
_VERY_SAME = 0.7
_SAID = 0.75
_TELLS_OF = re.compile(r"[^,;:.!?]*?\b(?:is|are|was|were)\b(.*)", re.DOTALL)
_MUCH = 3
_TOOL = re.compile(r"\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b")
_NUMBER = re.compile(r"(?<![\w<.-])\d+(?:[.,]\d+)*%?(?!\w)")


def stance_on_wish(finding: Finding, line: str) -> float:
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
        return 0.0 if _says_something_else(line, asked) else -1.0
    # What agents did is not what users want: a passage that asks for it, and for nothing that they ask, opposes them.
    done = {stem for stem in shared & set(finding.lesson.done) if said[stem] > 0 and asked[stem] < _OPPOSED}
    wanted = {stem for stem in shared - set(finding.lesson.done) if asked[stem] * said[stem] >= _OPPOSED}
    return -1.0 if done and not wanted else 1.0


def _says_something_else(line: str, asked: Collection[str]) -> bool:
    """Whether a passage tells of a thing much that nobody who speaks of the thing does."""
    told = _TELLS_OF.match(line)
    rest = {stem for stem, _ in stems_of(told[1])} if told else set()
    return len(rest) >= _MUCH and rest.isdisjoint(asked)


def says_wish(finding: Finding, line: str) -> bool:
    """Whether a passage asks for what a wish asks for: it agrees, and holds most of the words that would be told, or some of
    them where it means what all wordings mean; or means that so clearly that none need be the same.

    To speak of the same thing is not enough: a wish to group a list by turbine is not what a rule on the ids of turbines
    says, also where a few of those were grouped with it who ask for that rule.
    """
    if stance_on_wish(finding, line) <= 0:
        return False
    assert isinstance(finding.lesson, Preference)
    told = {name for name, _ in stems_of(finding.lesson.words)}
    known = len(told & signs_of(line).keys())
    if known >= _OPPOSED * len(told):
        return True
    meant = _in_all(meanings([line, finding.lesson.words, *finding.variants]))
    return meant >= _VERY_SAME or (meant >= _SAME and known >= _SOME * len(told))


def knows_error(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage says what to do about the very error of a finding: it names the tool and the error's own words,
    more besides, and the argument or the tool that mends it, where one is known. Who quotes an error need not name its tool,
    but must not name another, as tools of one maker refuse in nearly the same words; nor need who names what the error names.
    """
    things = {thing.lower() for thing in _TOOL.findall(finding.template)}
    named_alike = bool(things & {thing.lower() for thing in _TOOL.findall(line)})
    quoted = _quotes(finding.template, line) and not _TOOL.search(line)
    if not finding.template or not (quoted or named_alike or is_about(finding.tool, path, line)):
        return False
    said = dict(stems_of(spoken(line)))
    error = {name for name, _ in stems_of(re.sub(r"<[a-z*]+>", " ", finding.template))}
    named = {name for name, _ in stems_of(spoken(finding.tool))}
    if len(error) < _SHARED or (not quoted and sum(name in said for name in error) < _SAID * len(error)):
        return False
    if len(said.keys() - error - named) < _SHARED or opposes(finding, path, line):
        return False
    if finding.remedy is None:
        return True
    names = [name for name, _ in finding.remedy.arguments] or [finding.remedy.change.partition(": ")[2]]
    named_in = [any(stem in said for stem, _ in stems_of(spoken(name))) for name in names]
    return sum(named_in) >= _NAMED * len(names)


def _quotes(error: str, line: str) -> bool:
    """Whether a passage holds half of an error's words as they stand there, in a row."""
    words, said = (re.findall(r"[^\W_]+|<[a-z*]+>", text.lower()) for text in (error, line))
    run = SequenceMatcher(None, words, said, autojunk=False).find_longest_match()
    return run.size >= max(_A_QUOTE, _OPPOSED * len(words))


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


def says_mend(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage, or its path, names the tool of a finding, and the passage what mends the error."""
    if finding.remedy is None:
        return False
    kind, _, rest = finding.remedy.change.partition(": ")
    if kind in {"form", OTHER_VALUES}:
        return stance_on_values(finding, path, line) > 0
    if not is_about(finding.tool, path, line):
        return False
    names = [name for name, _ in finding.remedy.arguments] if kind == "arguments" else [rest]
    said = dict(stems_of(line.replace("_", " ")))
    stems = {stem for name in names for stem, _ in stems_of(name.replace("_", " "))}
    asked = -1 if rest.startswith("leave out") else 1
    return bool(stems) and sum(said.get(stem) == asked for stem in stems) >= _NAMED * len(stems)


def opposes(finding: Finding, path: str, line: str) -> bool:
    """Whether a passage says the opposite of what a finding shows."""
    if isinstance(finding.lesson, Preference):
        return stance_on_wish(finding, line) < 0
    if isinstance(finding.lesson, Workflow):
        first, second = finding.lesson.first, finding.lesson.second
        if not names_all((first, second), f"{path} {line}"):
            return False
        refused = is_about(first, path, line) and _refuses(second, line)
        refused |= is_about(second, path, line) and _refuses(first, line)
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


def names_all(steps: Iterable[str], text: str) -> bool:
    """Whether a text names each step with all words of its name: tools of one maker share most of theirs."""
    said = {stem for stem, _ in stems_of(spoken(text))}
    return all({stem for stem, _ in stems_of(spoken(step))} <= said for step in steps)


def _refuses(name: str, line: str) -> bool:
    """Whether a passage refuses most of the words of a name."""
    refused = {stem for stem, sign in stems_of(spoken(line)) if sign < 0}
    stems = [stem for stem, _ in stems_of(spoken(name.partition("(")[0]))]
    return bool(stems) and sum(stem in refused for stem in stems) >= _NAMED * len(stems)


def _refuses_mend(finding: Finding, path: str, mend: str, line: str) -> bool:
    return is_about(finding.tool, path, line) and _refuses(mend, line)


def _other_order(first: str, second: str, line: str) -> bool:
    one, two = place_of(first, line), place_of(second, line)
    if min(one, two) < 0 or one == two:
        return False
    between = line.lower()[min(one, two) : max(one, two)]
    turned = bool(re.search(r"\bafter\b|\bonce\b", between))
    return (two < one) != turned


def _other_arguments(finding: Finding, path: str, rest: str, line: str) -> bool:
    if not is_about(finding.tool, path, line):
        return False
    said = signs_of(spoken(line))
    needless = bool(re.search(r"\b(?:optional|unnecessary|not needed|not required|needless)\b", line.lower()))
    for name, _ in finding.remedy.arguments if finding.remedy else ():
        stems = [stem for stem, _ in stems_of(spoken(name))]
        named = [said[stem] for stem in stems if stem in said]
        if not named or len(named) * 2 < len(stems):
            continue
        dropped = not re.search(rf"add [^;]*(?<!\w){re.escape(name)}(?!\w)", rest)
        if (needless or all(sign < 0 for sign in named)) != dropped:
            return True
    return False


def _other_form(finding: Finding, path: str, line: str) -> bool:
    return stance_on_values(finding, path, line) < 0


def _dead_tool(finding: Finding, rest: str, line: str) -> bool:
    never = not finding.recovered and finding.support.eligible == finding.support.sessions
    said = dict(stems_of(line.replace("_", " ")))
    named = place_of(finding.tool, line) >= 0
    refused = any(said.get(stem, 1) < 0 for stem, _ in stems_of(finding.tool.replace("_", " ")))
    return never and named and not refused and place_of(rest, line) < 0


def _other_program(rest: str, line: str) -> bool:
    now, _, was = rest.partition(" instead of ")
    return was in line and now not in line and not re.search(r"\b(?:not|never|instead of)\b", line.lower())

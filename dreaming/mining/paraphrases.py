"""One error in other words: groups of errors joined by what they say and mean, and by what mends them."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dreaming.mining.changes import OTHER_VALUES
from dreaming.mining.failures import says_nothing_found
from dreaming.mining.groups import Group, Meeting
from dreaming.mining.likeness import grouped, likeness, vectors
from dreaming.mining.meaning import meanings, together
from dreaming.mining.stats import Table, fisher
from dreaming.mining.substitutes import shares_values
from dreaming.mining.templates import own_words, tool_family
from dreaming.mining.values import RepairSeen

_MOST = 600
_ALIKE = 0.22
_OTHER_TOOL = 0.8
_BESIDE = 0.5
_BESIDE_SHARE = 0.25
_MENDED = 2
_APART = -1.0
# A tool that answers in many more ways than this has many errors: two of its answers are less likely to be one error.
_WORDINGS = 12
_WORTH_A_TEST = 0.1
_OTHERWISE = 0.01
_ALIKE_BACKENDS = 0.05
_SEVERAL, _BY_CHANCE = 2, 100


def join_paraphrases(groups: Sequence[Group], at_least: int, alike: float = _ALIKE) -> list[Group]:
    """Join groups that are one error; the join is named by the wording that most sessions met.

    On unlike tools the wording must be more alike than on one. Two errors that enough sessions met stay apart where
    agents mend them in different ways, or where all that differs is one word.
    """
    ranked = sorted(groups, key=lambda item: (-len(item.meetings), item.template, sorted(item.families)))
    shown = [group for group in ranked if own_words(group.template)][:_MOST]
    if len(shown) < 2:
        return list(groups)
    near = _likeness(shown, at_least)
    joined: dict[int, list[Group]] = {}
    for group, label in zip(shown, grouped(near, alike), strict=True):
        joined.setdefault(label, []).append(group)
    rest = [group for group in ranked if not any(group is other for other in shown)] if len(shown) < len(ranked) else []
    return [joined_as_one(members) for members in joined.values()] + rest


def _likeness(groups: Sequence[Group], at_least: int) -> npt.NDArray[np.float64]:
    texts = [re.sub(r"<[a-z*]+>", " ", group.template) for group in groups]
    words, meant = vectors(texts), meanings(texts)
    whole = meanings([f"{_spoken(group.tool)} {text}" for group, text in zip(groups, texts, strict=True)])
    said = likeness(words, words)
    near, elsewhere = together(said, meant @ meant.T), together(said, whole @ whole.T)
    mends = [_mend(group) for group in groups]
    changes = [_changes(group) for group in groups]
    called = [_called(group) for group in groups]
    spoken = Counter(family for group in groups for family in group.families)
    few = [min(1.0, math.sqrt(_WORDINGS / max(spoken[family] for family in group.families))) for group in groups]
    empty = [says_nothing_found(group.template) for group in groups]
    for one, group in enumerate(groups):
        for two in range(one + 1, len(groups)):
            other = groups[two]
            related = not group.families.isdisjoint(other.families)
            programs = not related and _are_programs(group.tool, other.tool)
            beside = programs or not (called[one].isdisjoint(other.families) and called[two].isdisjoint(group.families))
            value = (
                near[one, two] * min(few[one], few[two])
                if related
                else elsewhere[one, two] * (_BESIDE if beside else _OTHER_TOOL)
            )
            supported = min(len(group.meetings), len(other.meetings)) >= at_least
            mended = mends[one] and mends[one] == mends[two]
            if related and (mended or (value >= _ALIKE_BACKENDS and _of_other_agents(group, other))):
                value = 1.0
            elif value >= _WORTH_A_TEST and (
                empty[one] != empty[two]
                or (supported and _mended_apart(changes[one], changes[two], len(group.meetings), len(other.meetings)))
                or ((supported or programs) and _one_word_apart(group.template, other.template))
            ):
                value = _APART
            near[one, two] = near[two, one] = value
    return near


def _of_other_agents(one: Group, two: Group) -> bool:
    """Whether no agent meets both errors, which is no chance: they use two backends of the tool, each with its words.

    Were the sessions dealt out at random, each of the ways to part the agents in two would be as likely as any other to
    part the sessions so.
    """
    agents = [{met.digest.agent for met in group.meetings.values()} for group in (one, two)]
    if agents[0] & agents[1] or min(map(len, agents)) < _SEVERAL:
        return False
    met = len(one.meetings), len(two.meetings)
    ways = int(2 ** len(agents[0] | agents[1]))
    return math.comb(sum(met), met[0]) >= _BY_CHANCE * ways


def _are_programs(one: str, other: str) -> bool:
    """Whether both are programs of a shell: two of them are two tools, not one under another name."""
    return ": " in one and ": " in other


def _spoken(tool: str) -> str:
    """Return the words of a tool's own name; '' for a program, which says less than the error does."""
    return "" if ": " in tool else re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", tool))


def _mend(group: Group) -> str:
    """Return the change that mends a good part of a group's sessions, '' where there is none."""
    helped = Counter(
        change
        for met in group.meetings.values()
        for change in {item.change for item in met.repairs if item.helped and _says_much(item)}
    )
    if not helped:
        return ""
    change, count = min(helped.items(), key=lambda item: (-item[1], item[0]))
    return change if count >= max(_MENDED, len(group.meetings) * 0.25) else ""


def _changes(group: Group) -> Counter[str]:
    """Count the sessions that each change helped."""
    return Counter(
        change for met in group.meetings.values() for change in {item.change for item in met.repairs if item.helped}
    )


def _mended_apart(one: Counter[str], two: Counter[str], met_one: int, met_two: int) -> bool:
    """Whether what helps most after one error hardly helps after the other, beyond chance."""
    leading = {max(counts, key=lambda change: (counts[change], change)) for counts in (one, two) if counts}
    return any(fisher(Table(one[change], met_one, two[change], met_two)) <= _OTHERWISE for change in leading)


def _says_much(repair: RepairSeen) -> bool:
    """Whether a change is about the call: going on to another tool may be just the next step."""
    if repair.change.startswith("other tool"):
        return shares_values(repair)
    return repair.change != OTHER_VALUES


def _called(group: Group) -> set[str]:
    """Return the tools that work in a good part of a group's sessions: none of them is another's under a new name."""
    counts = Counter(
        family
        for met in group.meetings.values()
        for family in {tool_family(use.tool) for use in met.digest.tools if use.successes}
    )
    return {family for family, count in counts.items() if count >= _BESIDE_SHARE * len(group.meetings)}


def _one_word_apart(one: str, other: str) -> bool:
    words = one.split(), other.split()
    if len(words[0]) != len(words[1]):
        return False
    apart = [pair for pair in zip(*words, strict=True) if pair[0] != pair[1]]
    return len(apart) == 1 and not any(word.startswith("<") for word in apart[0])


def joined_as_one(members: list[Group]) -> Group:
    """Return one group of them all, named as the first."""
    if len(members) == 1:
        return members[0]
    first = members[0]
    whole = Group(first.template, frozenset().union(*(group.families for group in members)), pooled=first.pooled)
    whole.variants = tuple(dict.fromkeys(group.template for group in members[1:] if group.template != first.template))
    whole.spread = any(group.spread or not group.families & first.families for group in members)
    for group in members:
        for at, meeting in group.meetings.items():
            kept = whole.meetings.setdefault(at, Meeting(meeting.digest))
            kept.errors += meeting.errors
            kept.repairs += meeting.repairs
    return whole

"""One error in other words: groups of errors joined by what they say and mean, and by what mends them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dreaming.mining.changes import OTHER_VALUES
from dreaming.mining.failures import says_nothing_found
from dreaming.mining.groups import Group, Meeting
from dreaming.mining.likeness import grouped, likeness, vectors
from dreaming.mining.meaning import meanings
from dreaming.mining.remedies import shares_values
from dreaming.mining.templates import own_words, tool_family
from dreaming.mining.values import RepairSeen

_MOST = 600
_ALIKE = 0.22
_OTHER_TOOL = 0.8
_BESIDE = 0.5
_BESIDE_SHARE = 0.25
_BY_WORDS = 0.4
_MENDED = 2
_APART = -1.0


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
    near = _BY_WORDS * likeness(words, words) + (1 - _BY_WORDS) * (meant @ meant.T)
    mends = [_mend(group) for group in groups]
    moves = [_mend(group, anyhow=True) for group in groups]
    called = [_called(group) for group in groups]
    empty = [says_nothing_found(group.template) for group in groups]
    for one, group in enumerate(groups):
        for two in range(one + 1, len(groups)):
            other = groups[two]
            related = not group.families.isdisjoint(other.families)
            beside = not (
                related or (called[one].isdisjoint(other.families) and called[two].isdisjoint(group.families))
            )
            value = near[one, two] * (1.0 if related else _BESIDE if beside else _OTHER_TOOL)
            made = mends if related else moves
            supported = min(len(group.meetings), len(other.meetings)) >= at_least
            if related and mends[one] and mends[one] == mends[two]:
                value = 1.0
            elif (
                empty[one] != empty[two]
                or (supported and made[one] != made[two])
                or (supported and _one_word_apart(group.template, other.template))
            ):
                value = _APART
            near[one, two] = near[two, one] = value
    return near


def _mend(group: Group, *, anyhow: bool = False) -> str:
    """Return the change that mends a good part of a group's sessions, '' where there is none; `anyhow` counts moves to
    other tools and other values too, where most make them.
    """
    helped = Counter(
        change
        for met in group.meetings.values()
        for change in {item.change for item in met.repairs if item.helped and (anyhow or _says_much(item))}
    )
    if not helped:
        return ""
    change, count = min(helped.items(), key=lambda item: (-item[1], item[0]))
    return change if count >= max(_MENDED, len(group.meetings) * (0.5 if anyhow else 0.25)) else ""


def _says_much(repair: RepairSeen) -> bool:
    """Whether a change is about the call: going on to another tool may be just the next step."""
    if repair.change.startswith("other tool"):
        return shares_values(repair)
    return repair.change != OTHER_VALUES


def _called(group: Group) -> set[str]:
    """Return the tools that a good part of a group's sessions call: none of them is another's under a new name."""
    counts = Counter(
        family for met in group.meetings.values() for family in {tool_family(use.tool) for use in met.digest.tools}
    )
    return {family for family, count in counts.items() if count >= _BESIDE_SHARE * len(group.meetings)}


def _one_word_apart(one: str, other: str) -> bool:
    words = one.split(), other.split()
    return len(words[0]) == len(words[1]) and sum(a != b for a, b in zip(*words, strict=True)) == 1


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

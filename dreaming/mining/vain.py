"""Calls in vain: answers that no tool marks as errors and that agents take for errors, as they make the same call again at
once, and tools that never work.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import chain, compress

from dreaming.mining.denials import denials_of_errors
from dreaming.mining.groups import Group
from dreaming.mining.paraphrases import joined_as_one
from dreaming.mining.stats import Table, adjusted, fisher_more
from dreaming.mining.templates import tool_family
from dreaming.mining.values import Digest, ErrorSeen, ToolUse
from dreaming.mining.window import Window

_WORTH = 3
_SHARE = 0.2
_LIKELY = 0.03
_MARKED = 0.5
_WORKS = 0.1

_Name = tuple[str, str]


def taken_for_errors(digests: Sequence[Digest], answers: Sequence[Group], least: int) -> set[_Name]:
    """Name the answers, by tool family and template, after which agents make the same call again more often than after
    other answers, and those in the words of what the tool marks as an error elsewhere, or that deny something in one of
    them.

    Fisher's test on each answer that enough sessions got and on all answers of each tool, Benjamini-Hochberg over both;
    what is found is no longer among the others, and what is left is tested again. It must only be likely: what is named
    is then judged as any error.
    """
    found = _marked_elsewhere(digests) | denials_of_errors(digests, answers, least)
    left = list(answers)
    again = sum(bool(answer.retried) for digest in digests for answer in digest.said)
    total = sum(len(digest.said) for digest in digests)
    while True:
        asked = [unit for unit in _units(left) if len({at for group in unit for at in group.meetings}) >= least]
        counts = [_counted(unit) for unit in asked]
        p_values = adjusted([fisher_more(Table(*one, again - one[0], total - one[1])) for one in counts])
        likely = [unit for unit, p in zip(asked, p_values, strict=True) if p <= _LIKELY and _is_asked_again(unit)]
        taken = {id(group): group for unit in likely for group in unit if _repeats(group)}
        if not taken:
            return found
        found |= {_name(answer) for one in taken.values() for met in one.meetings.values() for answer in met.errors}
        counted = _counted([*taken.values()])
        again, total = again - counted[0], total - counted[1]
        left = [group for group in left if id(group) not in taken]


def with_answers_as_errors(digests: Sequence[Digest], names: Collection[_Name]) -> list[Digest]:
    """Return the digests with the named answers among the errors; a session recovered whose tool gave another answer too."""
    return [_moved(digest, names) if any(_name(one) in names for one in digest.said) else digest for digest in digests]


def _units(answers: Sequence[Group]) -> list[list[Group]]:
    """Return each answer alone, and together all those of a tool that gives several."""
    by_tool: dict[str, list[Group]] = defaultdict(list)
    for group in answers:
        for family in sorted(group.families):
            by_tool[family].append(group)
    return [*([group] for group in answers), *(groups for groups in by_tool.values() if len(groups) > 1)]


def _counted(groups: Sequence[Group]) -> tuple[int, int]:
    """Count the answers after which the call was made again, and all of them."""
    told = [answer for group in groups for met in group.meetings.values() for answer in met.errors]
    return sum(bool(answer.retried) for answer in told), len(told)


def _is_asked_again(groups: Sequence[Group]) -> bool:
    """Whether in a good part of the sessions, of several agents, the same call is made again."""
    sessions = {at for group in groups for at in group.meetings}
    again = {
        at: met.digest.agent
        for group in groups
        for at, met in group.meetings.items()
        if any(answer.retried for answer in met.errors)
    }
    return len(again) >= max(_WORTH, _SHARE * len(sessions)) and len(set(again.values())) > 1


def _repeats(group: Group) -> bool:
    """Whether the answer is not what agents waited for: it too makes them call again."""
    again, told = _counted([group])
    return again > 0 and again >= _SHARE / 2 * told


def _marked_elsewhere(digests: Sequence[Digest]) -> set[_Name]:
    marked = Counter(name for digest in digests for name in {_name(error) for error in digest.errors if error.marked})
    plain = Counter(name for digest in digests for name in {_name(answer) for answer in digest.said})
    return {name for name, count in marked.items() if count >= max(_WORTH, _MARKED * plain[name])}


def _moved(digest: Digest, names: Collection[_Name]) -> Digest:
    taken = [answer for answer in digest.said if _name(answer) in names]
    tries = tuple(one for one in digest.tries if (tool_family(one.tool), one.template) in names)
    vain = Counter[str]()
    for answer in taken:
        vain[answer.tool] += answer.occurrences
    tools = {use.tool: _less(use, vain[use.tool]) if vain[use.tool] else use for use in digest.tools}
    errors = [replace(answer, recovered=answer.tool in tools and tools[answer.tool].successes > 0) for answer in taken]
    said = tuple(answer for answer in digest.said if _name(answer) not in names)
    return replace(
        digest,
        errors=(*digest.errors, *errors),
        repairs=(*digest.repairs, *tries),
        said=said,
        tries=(),
        tools=tuple(tools.values()),
    )


def _less(use: ToolUse, vain: int) -> ToolUse:
    """Return the use without the calls in vain, and without moves: nothing tells which were made after those."""
    worked = max(0, use.successes - vain)
    return replace(use, successes=worked, moves=(), features=use.features if worked else ())


def join_by_dead_tool(groups: Sequence[Group], window: Window) -> list[Group]:
    """Join the errors of tools that hardly ever work for anybody: that is one thing to know, however it is worded."""
    dead = sorted((one for one in groups if _is_dead(one, window)), key=lambda one: (-len(one.meetings), one.template))
    joined: list[list[Group]] = []
    for group in dead:
        related = [any(group.families & one.families for one in members) for members in joined]
        same = list(chain.from_iterable(compress(joined, related)))
        joined = [members for members, is_same in zip(joined, related, strict=True) if not is_same]
        joined.append([*same, group])
    alive = [one for one in groups if not _is_dead(one, window)]
    largest = (sorted(members, key=lambda one: (-len(one.meetings), one.template)) for members in joined)
    return [*alive, *(joined_as_one(members) for members in largest)]


def _is_dead(group: Group, window: Window) -> bool:
    callers = [window.callers(frozenset({family})) for family in group.families]
    return all(one.sessions and len(one.working) <= _WORKS * len(one.sessions) for one in callers)


def _name(seen: ErrorSeen) -> _Name:
    return tool_family(seen.tool), seen.template

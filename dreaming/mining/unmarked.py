"""Failures that nothing marks: answers, and words in answers, with which sessions plainly end worse."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from dreaming.mining.denials import DENIES
from dreaming.mining.groups import Group, Meeting, group_errors
from dreaming.mining.hostile import reads_as_instruction
from dreaming.mining.judging import LOSS, objection_against
from dreaming.mining.likeness import stems_of
from dreaming.mining.measured import Measured, adjust
from dreaming.mining.paraphrases import join_paraphrases, joined_as_one
from dreaming.mining.stats import Table, adjusted_in_groups, strata_less, stratified_difference
from dreaming.mining.templates import tool_family
from dreaming.mining.values import Finding, Thresholds
from dreaming.mining.verdicts import WORTH, finding_of, support_of
from dreaming.mining.window import EVERY_TOOL, Comparison, Window

_USUAL = 0.6
_ANSWERS_ALIKE = 0.4
_COMMON = 0.5
_OVERLAP = 0.3
_OF_TOOL = 0.1
_VARIANTS = 8
_LETTERS = 3
# What no tool calls an error must be surer than what one does, and less so where it comes from a tool that few call.
_SURER = 0.2
_SELDOM, _LESS_SURE = 0.15, 5


@dataclass(slots=True)
class _Word:
    """A word of tools' answers: the sessions told it, by the tools that told it."""

    sessions: set[int]
    tools: dict[str, set[int]]


@dataclass(frozen=True, slots=True)
class _Troubles:
    """The tools of which each session met an error that many sessions met."""

    tools: dict[int, set[str]]

    @classmethod
    def of(cls, errors: Iterable[Group]) -> _Troubles:
        tools: dict[int, set[str]] = defaultdict(set)
        for group in errors:
            for at in group.meetings:
                tools[at] |= group.families
        return cls(tools)

    def parted(self, sessions: Collection[int], tools: Collection[str]) -> list[set[int]]:
        """Part the sessions by whether they met such an error of another tool than these: it may be why they end as they do."""
        spared = {at for at in sessions if at not in self.tools or self.tools[at].issubset(tools)}
        return [spared, set(sessions) - spared]


def unflagged(
    window: Window,
    limits: Thresholds,
    least: int,
    told: Iterable[Collection[int]] = (),
    errors: Iterable[Group] = (),
) -> list[Finding]:
    """Find answers that nothing marks as an error and with which sessions plainly end worse: whole answers first, then
    those that only share a word, whatever tool tells it and however.

    Only a large loss counts. Of what most callers are told, what denies nothing counts only where it holds for the agents
    one by one: what a tool says may just go along with hard tasks. Words are looked for in errors too, of which each
    wording, on each tool, may be too rare to be told. `told` are the sessions of what is found already, `errors` those that
    many sessions met.
    """
    troubles = _Troubles.of(errors)
    groups = [group for group in answers_of(window, least) if len(group.meetings) >= least]
    measured = [Measured(group, _told_apart(group, window), [], []) for group in groups]
    adjust(measured)
    found: list[Finding] = []
    spent = [set(sessions) for sessions in told]
    sure = replace(limits, alpha=_SURER * limits.alpha)
    harmful = [item for item in measured if item.p_outcome <= sure.alpha]
    for item in [*_by_words(window, limits, least, set().union(*spent), troubles), *harmful]:
        group, support = item.group, support_of(item.group, window, item)
        sessions = set(group.meetings)
        if any(len(sessions & other) >= _OVERLAP * min(len(sessions), len(other)) for other in spent):
            continue
        if reads_as_instruction(group.template) or support.effect > -LOSS:
            continue
        if (
            _is_mostly_one(group)
            or objection_against(group, support, limits)
            or not (_is_telling(group, window) or _holds_within_agents(group, window, limits))
        ):
            continue
        spent.append(sessions)
        found.append(finding_of("recurring_failure", group, window, support, None, (), True, limits))
    return found


def answers_of(window: Window, least: int) -> list[Group]:
    """Return the short answers that nothing marks as an error as if they were errors, one for each way to say it."""
    quiet = [replace(digest, errors=digest.said, repairs=()) for digest in window.digests]
    answers = _denials_joined(group_errors(quiet, least), window)
    return join_paraphrases([group for group in answers if len(group.meetings) >= WORTH], least, _ANSWERS_ALIKE)


def _is_mostly_one(group: Group) -> bool:
    """Whether most of the sessions are of one agent for one principal: then it may be theirs alone."""
    pairs = Counter((met.digest.agent, met.digest.principal) for met in group.meetings.values())
    return max(pairs.values()) > _USUAL * len(group.meetings)


def _is_telling(group: Group, window: Window) -> bool:
    return _is_marked(group) or not _is_usual(group, window) or bool(DENIES.search(group.template))


def _is_marked(group: Group) -> bool:
    """Whether in most sessions a tool calls it an error."""
    marked = sum(any(error in met.digest.errors for error in met.errors) for met in group.meetings.values())
    return 2 * marked > len(group.meetings)


def _holds_within_agents(group: Group, window: Window, limits: Thresholds) -> bool:
    """Whether the sessions of the same agents that were not told so end better."""
    cells: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for at, digest in enumerate(window.digests):
        won, offset = window.won(at), 0 if at in group.meetings else 2
        if won is not None:
            cells[digest.agent][offset] += won
            cells[digest.agent][offset + 1] += 1
    strata = [Table(*cells[agent]) for agent in sorted(cells)]
    return strata_less(strata) <= limits.alpha and stratified_difference(strata).value <= -LOSS


def _by_words(
    window: Window, limits: Thresholds, least: int, told: Collection[int], troubles: _Troubles
) -> list[Measured]:
    """Return the answers that hold a word with which sessions end worse, Benjamini-Hochberg over all words looked at.

    How often a word is told, which decides whether it is looked at, does not depend on how sessions end. Sessions that met
    what is `told` already are left out, and once one is found its sessions too: it may be why they end as they do.
    """
    apart = set(range(len(window.digests))) - set(told)
    found: list[Measured] = []
    while worst := _worst(window, limits, least, apart, troubles):
        found.append(worst)
        apart -= worst.group.meetings.keys()
    return found


def _worst(window: Window, limits: Thresholds, least: int, apart: set[int], troubles: _Troubles) -> Measured | None:
    most = _COMMON * len(apart)
    words = {name: word for name, word in _words(window, apart).items() if least <= len(word.sessions) <= most}
    names = sorted(words)
    tools = {name: _tools_of(words[name]) for name in names}
    parted = {own: troubles.parted(apart, own) for own in set(tools.values())}
    p_values = [strata_less(_tables(words[name].sessions, parted[tools[name]], window)) for name in names]
    groups = ["seldom" if _is_seldom(tools[name], window) else "often" for name in names]
    asked = {"seldom": _LESS_SURE * limits.alpha, "often": limits.alpha}
    told = zip(names, groups, adjusted_in_groups(p_values, groups), strict=True)
    worse = {name: p for name, group, p in told if p <= asked[group]}
    for name in sorted(worse, key=lambda name: (worse[name], -len(words[name].sessions), name)):
        group = _told({other for other in worse if tools[name] & tools[other]}, tools[name], window)
        met = apart & group.meetings.keys()
        if len(met) >= least:
            compared = window.compare(sorted(met), sorted(apart - met))
            effect = stratified_difference(_tables(met, parted[tools[name]], window))
            return Measured(group, replace(compared, effect=effect), [], [], worse[name], worse[name])
    return None


def _tables(met: Collection[int], strata: Iterable[set[int]], window: Window) -> list[Table]:
    """Return how the sessions in `met` ended and how the others did, in each stratum."""
    pairs = ((window.endings(stratum.intersection(met)), window.endings(stratum.difference(met))) for stratum in strata)
    return [Table(one.won, one.known, other.won, other.known) for one, other in pairs]


def _is_seldom(tools: frozenset[str], window: Window) -> bool:
    return bool(tools) and len(window.callers(tools).sessions) <= _SELDOM * len(window.digests)


def _words(window: Window, sessions: Collection[int]) -> dict[str, _Word]:
    stems: dict[str, frozenset[str]] = {}
    found: dict[str, _Word] = {}
    for at in sorted(sessions):
        digest = window.digests[at]
        for answer in (*digest.said, *digest.errors):
            for name in _stems(answer.template, stems):
                word = found.setdefault(name, _Word(set(), defaultdict(set)))
                word.sessions.add(at)
                word.tools[tool_family(answer.tool)].add(at)
    return found


def _stems(template: str, known: dict[str, frozenset[str]]) -> frozenset[str]:
    if template not in known:
        known[template] = frozenset(
            name for name, _ in stems_of(re.sub(r"<[a-z*]+>", " ", template)) if len(name) >= _LETTERS
        )
    return known[template]


def _tools_of(word: _Word) -> frozenset[str]:
    """Return the tools that tell a word to a good part of those who are told it."""
    return frozenset(tool for tool, sessions in word.tools.items() if len(sessions) >= _OF_TOOL * len(word.sessions))


def _told(names: Iterable[str], tools: frozenset[str], window: Window) -> Group:
    """Return as one error the answers of the tools that hold one of the words; the commonest names it."""
    wanted, stems = set(names), dict[str, frozenset[str]]()
    meetings: dict[int, Meeting] = {}
    templates: Counter[str] = Counter()
    for at, digest in enumerate(window.digests):
        held = [
            answer
            for answer in (*digest.said, *digest.errors)
            if tool_family(answer.tool) in tools and wanted & _stems(answer.template, stems)
        ]
        if held:
            meetings[at] = Meeting(digest, held)
            templates.update({answer.template for answer in held})
    ranked = sorted(templates, key=lambda text: (-templates[text], text))
    return Group(ranked[0], tools, meetings, variants=tuple(ranked[1:_VARIANTS]), spread=len(tools) > 1)


def _denials_joined(groups: list[Group], window: Window) -> list[Group]:
    """Join the answers of one tool that deny something, each in other words, where nearly all its callers are told one."""
    denying: dict[frozenset[str], list[Group]] = {}
    for group in groups:
        if DENIES.search(group.template) and not reads_as_instruction(group.template):
            denying.setdefault(group.families, []).append(group)
    joined = [joined_as_one(sorted(members, key=lambda one: -len(one.meetings))) for members in denying.values()]
    usual = {group.families: group for group in joined if group.variants and _is_usual(group, window)}
    rest = [group for group in groups if group.families not in usual or group not in denying[group.families]]
    return [*rest, *usual.values()]


def _is_usual(group: Group, window: Window) -> bool:
    return len(group.meetings) > _USUAL * len(window.callers(group.families).sessions)


def _told_apart(group: Group, window: Window) -> Comparison:
    """Compare with the other callers, or with everybody where nearly all callers are told the same."""
    families = EVERY_TOOL if _is_usual(group, window) else group.families
    return window.compare_to_rest(families, group.meetings.keys())

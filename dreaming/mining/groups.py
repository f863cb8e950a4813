"""Errors of a whole window brought together: one template on one tool, whatever it is called where."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from dreaming.mining.templates import fill, tool_family
from dreaming.mining.values import Digest, ErrorSeen, RepairSeen

ANY_TOOL = ""
_ANY = "<*>"
_LONGEST_GAP = 3


@dataclass(slots=True)
class Meeting:
    """One session that met the group's error: its errors and what it did after them."""

    digest: Digest
    errors: list[ErrorSeen] = field(default_factory=list)
    repairs: list[RepairSeen] = field(default_factory=list)

    @property
    def occurrences(self) -> int:
        return sum(error.occurrences for error in self.errors)


@dataclass(slots=True)
class Group:
    """An error template on one tool (`families` are all the names it wore), by the sessions that met it.

    `variants` are other wordings of it; `spread` says that it was joined over unlike tools.
    """

    template: str
    families: frozenset[str]
    meetings: dict[int, Meeting] = field(default_factory=dict)
    pooled: bool = False
    variants: tuple[str, ...] = ()
    spread: bool = False

    @property
    def tool(self) -> str:
        """The name that most sessions know the tool by; '' for an error pooled over unlike tools."""
        if self.pooled:
            return ANY_TOOL
        names = Counter(name for met in self.meetings.values() for name in {error.tool for error in met.errors})
        return min(names.items(), key=lambda item: (-item[1], item[0]))[0] if names else ""

    @property
    def family(self) -> str:
        return ANY_TOOL if self.pooled else min(self.families, key=lambda name: (len(name), name))


def group_errors(digests: Sequence[Digest], at_least: int) -> list[Group]:
    """Return the window's groups, sorted. `at_least` is the support that lets a variant stand for itself."""
    names = _canonical(digests, at_least)
    joined = _join_families({(names[key], key[1]) for key in names})
    groups: dict[tuple[str, frozenset[str]], Group] = {}
    for at, digest in enumerate(digests):
        for error in digest.errors:
            _meeting(groups, at, digest, error, names, joined).errors.append(error)
        for repair in digest.repairs:
            _meeting(groups, at, digest, repair, names, joined).repairs.append(repair)
    found = [group for group in groups.values() if group.template]
    for group in found:
        group.meetings = {at: met for at, met in group.meetings.items() if met.errors}
    met = [group for group in found if group.meetings]
    return sorted(_pool(met, at_least), key=lambda item: (item.template, sorted(item.families)))


def _pool(groups: list[Group], at_least: int) -> list[Group]:
    """Pool a template over unlike tools where no tool alone has the support and all together have."""
    by_template: dict[str, list[Group]] = defaultdict(list)
    for group in groups:
        by_template[group.template].append(group)
    pooled: list[Group] = []
    for template, members in by_template.items():
        sessions = {at for group in members for at in group.meetings}
        if any(len(group.meetings) >= at_least for group in members) or len(sessions) < at_least:
            pooled += members
            continue
        whole = Group(template, frozenset().union(*(group.families for group in members)), pooled=True)
        for group in members:
            for at, meeting in group.meetings.items():
                kept = whole.meetings.setdefault(at, Meeting(meeting.digest))
                kept.errors += meeting.errors
                kept.repairs += meeting.repairs
        pooled.append(whole)
    return pooled


_Key = tuple[tuple[str, tuple[str, ...]], str]


def _key(seen: ErrorSeen | RepairSeen) -> _Key:
    return (seen.template, seen.values), tool_family(seen.tool)


def _meeting(
    groups: dict[tuple[str, frozenset[str]], Group],
    at: int,
    digest: Digest,
    seen: ErrorSeen | RepairSeen,
    names: Mapping[_Key, str],
    joined: Mapping[tuple[str, str], frozenset[str]],
) -> Meeting:
    template = names.get(_key(seen), seen.template)
    families = joined.get((template, tool_family(seen.tool)), frozenset({tool_family(seen.tool)}))
    group = groups.setdefault((template, families), Group(template, families))
    return group.meetings.setdefault(at, Meeting(digest))


def _canonical(digests: Sequence[Digest], at_least: int) -> dict[_Key, str]:
    """Name each (template, slot values, family): slots that always hold the same are filled in, and words
    that vary from session to session, though they look like constants, become `<*>`.
    """
    holders: dict[_Key, set[int]] = defaultdict(set)
    for at, digest in enumerate(digests):
        for error in digest.errors:
            holders[_key(error)].add(at)
    names: dict[_Key, str] = {}
    loose: dict[tuple[str, str], set[int]] = defaultdict(set)
    for key in sorted(holders):
        (template, values), family = key
        common = values and len(holders[key]) >= at_least
        names[key] = fill(template, values) if common else template
        if not common:
            loose[template, family] |= holders[key]
    merged = _merge_words({key: len(who) for key, who in loose.items()}, at_least)
    return {key: merged.get((name, key[1]), name) for key, name in names.items()}


def _merge_words(counts: Mapping[tuple[str, str], int], at_least: int) -> dict[tuple[str, str], str]:
    """Merge rare templates of one family that differ in one place, if at least four ways to fill it are there."""
    rare = sorted(key for key, count in counts.items() if count < at_least)
    slots: dict[tuple[str, str], set[str]] = defaultdict(set)
    for template, family in rare:
        for name in _with_gaps(template):
            slots[name, family].add(template)
    merged: dict[tuple[str, str], str] = {}
    for (name, family), members in sorted(
        slots.items(), key=lambda item: (-len(item[1]), -len(item[0][0].split()), item[0])
    ):
        if len(members) >= 4:
            for template in members:
                merged.setdefault((template, family), name)
    return merged


def _with_gaps(template: str) -> Iterable[str]:
    """Yield the template with a gap for each word, and for each few words that stand inside it: names may be longer."""
    words = template.split()
    if 4 <= len(words) <= 25:
        for at, word in enumerate(words):
            if not word.startswith("<"):
                yield " ".join([*words[:at], _ANY, *words[at + 1 :]])
            for end in range(at + 2, min(at + _LONGEST_GAP, len(words) - 3) + 1):
                if at and not all(one.startswith("<") for one in words[at:end]):
                    yield " ".join([*words[:at], _ANY, *words[end:]])


def _join_families(pairs: set[tuple[str, str]]) -> dict[tuple[str, str], frozenset[str]]:
    """Join tool families that one template is seen on when one name's words hold the other's: `crm_get_user`
    and `get_user`, `user_lookup` and `lookup_user`.
    """
    by_template: dict[str, set[str]] = defaultdict(set)
    for template, family in pairs:
        by_template[template].add(family)
    joined: dict[tuple[str, str], frozenset[str]] = {}
    for template, families in by_template.items():
        for family in families:
            words = set(family.split("_"))
            same = {other for other in families if _alike(words, set(other.split("_")))}
            joined[template, family] = frozenset(same)
        _close(joined, template, families)
    return joined


def _alike(one: set[str], other: set[str]) -> bool:
    return one == other or (min(len(one), len(other)) >= 2 and (one <= other or other <= one))


def _close(joined: dict[tuple[str, str], frozenset[str]], template: str, families: set[str]) -> None:
    """Make the relation transitive, so that every family of a joined set names the same set."""
    for _ in families:
        grown = False
        for family in sorted(families):
            whole = frozenset().union(*(joined[template, other] for other in joined[template, family]))
            if whole != joined[template, family]:
                joined[template, family], grown = whole, True
        if not grown:
            return

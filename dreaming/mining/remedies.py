"""The remedy of an error, of all that agents did after it; and what failing calls have that working ones lack."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from dreaming.mining.adoptions import ELSEWHERE, Adoption
from dreaming.mining.changes import OTHER_VALUES, WHOLE_INPUT
from dreaming.mining.edits import Edit, edit_of
from dreaming.mining.groups import Group, Meeting
from dreaming.mining.stats import Table, fisher_more
from dreaming.mining.substitutes import is_substitute, scalars
from dreaming.mining.values import Cause, Remedy, RepairSeen, Thresholds
from dreaming.mining.window import Window

_FEW = 5
_MOSTLY = 0.8
_SEVERAL = 3
_COMMON_SHARE = 0.15
_CONTRAST = 0.5
_MOST_VALUES = 12
_LESS_SURE = 5


def _ends_better(adoption: Adoption, group: Group, window: Window, thresholds: Thresholds) -> bool:
    """Whether sessions that made the change end in success more often than those that met the error and did not."""
    compared = window.compare(adoption.repairs.keys(), [at for at in group.meetings if at not in adoption.repairs])
    return compared.effect.value >= thresholds.min_gain and compared.p_value <= thresholds.alpha


def best_adoption(group: Group, found: list[Adoption], thresholds: Thresholds, window: Window) -> Adoption | None:
    """Choose the change that explains most recoveries: adopted by many, specific to it, and working."""
    total = len(group.meetings)
    fit = [
        item
        for item in found
        if _is_proven(item, group, window, thresholds)
        and len(item.repairs) >= _adoption_asked(item, thresholds) * total
        and item.helped >= thresholds.min_help * len(item.repairs)
        and (is_substitute(item, group, window) or _ends_better(item, group, window, thresholds))
        and (item.change != OTHER_VALUES or _says_where_from(item) or _constants(item, window) or _edits(item, window))
    ]
    return max(fit, key=lambda item: (_worth(item, total), item.change), default=None)


def _is_proven(item: Adoption, group: Group, window: Window, thresholds: Thresholds) -> bool:
    """Whether a change is made because of the error; less surely where how sessions end, which is independent of how many
    make it, says so as well.
    """
    if item.p_value <= thresholds.alpha:
        return True
    if item.p_value > _LESS_SURE * thresholds.alpha or item.change.startswith(ELSEWHERE):
        return False
    rest = [at for at in group.meetings if at not in item.repairs]
    return fisher_more(window.compare(item.repairs.keys(), rest).table) <= _LESS_SURE * thresholds.alpha


def _adoption_asked(item: Adoption, thresholds: Thresholds) -> float:
    """Going to another tool or program may be moving on: ask for more of it than of a change in the same call."""
    return thresholds.min_adoption * (1.6 if item.change.startswith(ELSEWHERE) else 1.0)


def _says_where_from(item: Adoption) -> bool:
    """Whether most sessions got the other values from one source: the user, or one tool."""
    sources = _sources(list(item.repairs.values()))
    return bool(sources) and sources[0][1] * 2 >= len(item.repairs)


def _sources(repairs: list[RepairSeen]) -> tuple[tuple[str, int], ...]:
    counts = Counter(source for repair in repairs for source in repair.sources)
    return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _worth(item: Adoption, total: int) -> float:
    weight = 0.5 if item.change == OTHER_VALUES else 0.75 if item.change.startswith("other tool") else 1.0
    return weight * (item.helped - item.usual * total)


def remedy_of(adoption: Adoption, group: Group, window: Window) -> Remedy:
    """Measure an adopted change; `p_outcome` is not adjusted."""
    adopters = sorted(adoption.repairs)
    rest = [at for at in sorted(group.meetings) if at not in adoption.repairs]
    outcome = window.compare(adopters, rest)
    repairs = [adoption.repairs[at] for at in adopters]
    example = next((item for item in repairs if item.helped), repairs[0])
    to_tools = Counter(item.to_tool for item in repairs)
    served = Counter(window.digests[at].principal for at in adopters if window.digests[at].principal)
    working, without = _unneeded(adoption.change, group, window)
    return Remedy(
        change=adoption.change,
        to_tool=min(to_tools, key=lambda name: (-to_tools[name], name)),
        arguments=tuple(sorted(Counter(name for item in repairs for name in item.arguments).items())),
        constants=_constants(adoption, window),
        common=_common(adoption, window),
        sources=_sources(repairs)[:3],
        adopted=len(repairs),
        helped=adoption.helped,
        asked=sum(item.asked for item in repairs),
        agents=len({window.digests[at].agent for at in adopters}),
        principals=len(served),
        scope=_scope(served, len({met.digest.principal for met in group.meetings.values()})),
        usual=adoption.usual,
        p_adjusted=adoption.p_value,
        adopted_success=outcome.table.met_success,
        adopted_total=outcome.table.met_total,
        rest_success=outcome.table.other_success,
        rest_total=outcome.table.other_total,
        p_outcome=outcome.p_value,
        refused=_commonest((item.before, item.arguments) for item in repairs),
        taken=_commonest((item.after, item.arguments) for item in repairs if item.helped),
        before=example.before,
        after=example.after,
        edits=_edits(adoption, window) if adoption.change == OTHER_VALUES else (),
        working=working,
        without=without,
    )


def _commonest(inputs: Iterable[tuple[str, tuple[str, ...]]]) -> tuple[str, ...]:
    """Return the values that most calls had in the changed arguments, as they are written."""
    seen: Counter[str] = Counter()
    for text, names in inputs:
        given = json.loads(text) if text and len(text) < WHOLE_INPUT else {}
        seen.update({str(given[name]) for name in names if isinstance(given.get(name), str | int | float)})
    return tuple(sorted(seen, key=lambda value: (-seen[value], value))[:_MOST_VALUES])


def _unneeded(change: str, group: Group, window: Window) -> tuple[int, int]:
    """Count the other sessions in which the tool worked, and those of them in which it did without the change."""
    kind, _, rest = change.partition(": ")
    base = window.baseline(group.families, group.meetings.keys())
    if kind == "first":
        return base.sessions, base.sessions - base.had(f"after:{rest}")
    if kind != "arguments":
        return 0, 0
    parts = [part.partition(" ") for part in rest.replace("leave out ", "without ").split("; ")]
    had = [(verb, base.had(f"has:{name}")) for verb, _, names in parts for name in names.split(", ")]
    return base.sessions, max((base.sessions - count if verb == "add" else count) for verb, count in had)


def _scope(served: Counter[str], met_by: int) -> str:
    if not served or met_by < 2:
        return ""
    name, count = min(served.items(), key=lambda item: (-item[1], item[0]))
    return name if count >= 0.9 * served.total() else ""


def _constants(adoption: Adoption, window: Window) -> tuple[tuple[str, str], ...]:
    """Values that the changed call has in nearly every session, whoever the session was for."""
    values: dict[str, Counter[str]] = defaultdict(Counter)
    helped = _helped_for_several(adoption, window)
    for item in helped:
        for name, value in scalars(item.after).items():
            if name in item.arguments and len(value) <= 32 and value[:1] not in "[{":
                values[name][value] += 1
    common = ((name, *seen.most_common(1)[0]) for name, seen in sorted(values.items()))
    return tuple((name, value) for name, value, count in common if count >= 0.8 * len(helped))


def _helped_for_several(adoption: Adoption, window: Window) -> list[RepairSeen]:
    """Return the changes that worked, none where that was for too few sessions or principals to tell what they share."""
    helped = [(at, item) for at, item in sorted(adoption.repairs.items()) if item.helped]
    scopes = {window.digests[at].principal or window.digests[at].task_id or str(at) for at, _ in helped}
    return [item for _, item in helped] if len(helped) >= _FEW and len(scopes) >= _SEVERAL else []


def _edits(adoption: Adoption, window: Window) -> tuple[Edit, ...]:
    """Return what nearly all changed values lost and gained, for each argument."""
    pairs: dict[str, list[tuple[str, str]]] = defaultdict(list)
    helped = _helped_for_several(adoption, window)
    for item in helped:
        before, after = (json.loads(text) if len(text) < WHOLE_INPUT else {} for text in (item.before, item.after))
        for name in item.arguments:
            if isinstance(before.get(name), str) and isinstance(after.get(name), str):
                pairs[name].append((before[name], after[name]))
    found = (edit_of(name, pairs[name]) for name in sorted(pairs) if len(pairs[name]) >= _MOSTLY * len(helped))
    return tuple(edit for edit in found if edit is not None)


def _common(adoption: Adoption, window: Window) -> tuple[tuple[str, str], ...]:
    """Return for each changed argument the commonest new value, where several principals were given it."""
    holders: dict[tuple[str, str], set[str]] = defaultdict(set)
    for at, item in sorted(adoption.repairs.items()):
        for name, value in scalars(item.after).items():
            if item.helped and name in item.arguments and len(value) <= 32 and value[:1] not in "[{":
                holders[name, value].add(window.digests[at].principal)
    asked = max(_SEVERAL, _COMMON_SHARE * adoption.helped)
    shared = sorted((-len(who), name, value) for (name, value), who in holders.items() if len(who) >= asked)
    return tuple({name: value for _, name, value in reversed(shared)}.items())


def causes(group: Group, window: Window) -> list[Cause]:
    """Return every feature of failing calls with its count against sessions where the tool worked; p
    unadjusted.
    """
    attached = [met for met in group.meetings.values() if all(error.attached for error in met.errors)]
    base = window.baseline(group.families, group.meetings.keys())
    total = len(attached)
    if not base.sessions or 2 * total < len(group.meetings):
        return []
    counts = Counter(name for met in attached for name in _features(met))
    for name in base.arguments():
        counts[f"lacks:{name}"] = total - counts[f"has:{name}"]
    found = []
    for name in sorted(name for name in counts if counts[name]):
        other = base.had(name)
        p_value = fisher_more(Table(counts[name], total, other, base.sessions))
        found.append(Cause(name, counts[name], total, other, base.sessions, p_value))
    return found


def _features(met: Meeting) -> frozenset[str]:
    return frozenset(name for error in met.errors for name in error.features)


def best_causes(found: list[Cause], thresholds: Thresholds, group: Group, window: Window) -> tuple[Cause, ...]:
    """Choose up to two features that most failing calls show and few working ones, the clearest first.

    What came earlier must set them apart from working calls on the same tasks too, where there are some.
    """
    fit = [
        item
        for item in found
        if item.p_adjusted <= thresholds.alpha
        and item.met >= 0.6 * item.met_total
        and item.other <= 0.3 * item.other_total
        and item.met / item.met_total - item.other / item.other_total >= _CONTRAST
        and not (item.feature.startswith("after:") and _goes_with_tasks(item, group, window))
    ]
    fit.sort(key=lambda item: (-_contrast(item), item.feature))
    if any(not item.feature.startswith("after:") for item in fit):
        fit = [item for item in fit if not item.feature.startswith("after:")]
    return tuple(fit[:2])


def _goes_with_tasks(cause: Cause, group: Group, window: Window) -> bool:
    working = window.callers(group.families).working
    peers = [at for at in window.on_the_tasks_of(group.meetings) if at in working]
    had = sum(window.had(at, group.families, cause.feature) for at in peers)
    return len(peers) >= _FEW and cause.met / cause.met_total - had / len(peers) < _CONTRAST


def _contrast(item: Cause) -> float:
    bonus = 0.0 if item.feature.startswith("after:") else 0.1
    return item.met / item.met_total - item.other / item.other_total + bonus


def with_p(cause: Cause, p_adjusted: float) -> Cause:
    """Return the cause with its adjusted p-value."""
    return replace(cause, p_adjusted=p_adjusted)

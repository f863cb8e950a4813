"""What agents did after an error, and whether they did it because of the error."""

from __future__ import annotations

from dataclasses import dataclass, field

from scipy.stats import binom

from dreaming.mining.groups import Group
from dreaming.mining.stats import Table, fisher_more
from dreaming.mining.templates import tool_family
from dreaming.mining.values import RepairSeen
from dreaming.mining.window import Window

OTHER_TOOL = "other tool: "
ELSEWHERE = ("other tool", "run")
_FEW = 5
_NEXT_CALLS = 3


@dataclass(slots=True)
class Adoption:
    """One change that sessions made after a group's error; `usual` is the share of the `compared` sessions, in which the
    tool worked, that made it too.
    """

    change: str
    repairs: dict[int, RepairSeen] = field(default_factory=dict)
    p_value: float = 1.0
    usual: float = 0.0
    compared: int = 0

    @property
    def helped(self) -> int:
        return sum(repair.helped for repair in self.repairs.values())


def adoptions(group: Group, window: Window, at_least: int) -> list[Adoption]:
    """Return every change that enough sessions made, with its p-value.

    Two tests where both can be made, the smaller p doubled (Bonferroni): that the change follows this error more often than a call
    that worked, and that the tool then works more often than after any other try (`_by_effect`).
    """
    found: dict[str, Adoption] = {}
    for at, met in sorted(group.meetings.items()):
        for repair in met.repairs:
            kept = found.setdefault(repair.change, Adoption(repair.change)).repairs
            if at not in kept or (repair.helped and not kept[at].helped):
                kept[at] = repair
    enough = [found[change] for change in sorted(found) if len(found[change].repairs) >= at_least]
    base = window.baseline(group.families, group.meetings.keys(), at_least=len(group.meetings))
    elsewhere = sum(len(item.repairs) for item in found.values() if item.change.startswith(OTHER_TOOL))
    usual_elsewhere = base.moved_any(OTHER_TOOL) if elsewhere else 0
    for adoption in enough:
        moved = base.moved(adoption.change)
        adoption.usual, adoption.compared = moved / base.sessions if base.sessions else 0.0, base.sessions
        follows = fisher_more(Table(len(adoption.repairs), len(group.meetings), moved, base.sessions))
        if adoption.change.startswith(OTHER_TOOL):
            moved_elsewhere = Table(len(adoption.repairs), elsewhere, moved, usual_elsewhere)
            follows = max(follows, _by_share(moved_elsewhere))
        works = _by_effect(adoption, group)
        adoption.p_value = follows if works is None else min(1.0, 2 * min(follows, works))
        if base.sessions < _FEW and adoption.change.startswith("first"):
            adoption.p_value = 0.0
        elif base.sessions < _FEW and adoption.change.startswith(ELSEWHERE):
            adoption.p_value = _by_rate(adoption, group)
    return enough


def _by_share(moves: Table) -> float:
    """One-sided p that of all moves to another tool no more go to this one after the error than after a call that worked.

    Where more work is left after the error, each tool that it needs follows more often. 0 where too little follows success.
    """
    return fisher_more(moves) if moves.other_total >= max(_FEW, moves.met_total / 2) else 0.0


def _by_effect(adoption: Adoption, group: Group) -> float | None:
    """One-sided p that the change works no more often than the other tries of the same tool after this error, among them
    the same call again; None where it is another tool or program that is tried.
    """
    if adoption.change.startswith(ELSEWHERE):
        return None
    others = [met for at, met in group.meetings.items() if at not in adoption.repairs]
    tried = []
    for met in others:
        made = [item.helped for item in met.repairs if not item.change.startswith(ELSEWHERE)]
        made += [error.healed_by_retry > 0 for error in met.errors if error.retried]
        tried += [any(made)] if made else []
    return fisher_more(Table(adoption.helped, len(adoption.repairs), sum(tried), len(tried)))


def _by_rate(adoption: Adoption, group: Group) -> float:
    """One-sided p that sessions go to the other tool after the error no more often than they call it anyway.

    For a tool that never works there is nothing to compare with but the rest of the same sessions: each of the next few
    calls would be the other tool's with the share that it has of all other steps.
    """
    target = adoption.change.removeprefix(OTHER_TOOL)
    targets = {target} if "(" in target else {tool_family(repair.to_tool) for repair in adoption.repairs.values()}
    elsewhere = total = 0
    for at, met in group.meetings.items():
        steps = met.digest.steps
        taken = sum(step.signature in targets or step.tool in targets for step in steps) - (at in adoption.repairs)
        elsewhere += max(0, taken)
        total += len(steps) - (at in adoption.repairs)
    rate = (elsewhere + 1) / (total + 2)
    chances = [1 - (1 - rate) ** (_NEXT_CALLS * met.occurrences) for met in group.meetings.values()]
    return float(binom.sf(len(adoption.repairs) - 1, len(chances), sum(chances) / len(chances)))

"""What is measured of an error: how sessions with it end, what agents do about it, and what failing calls share."""

from __future__ import annotations

from dataclasses import dataclass

from dreaming.mining.adoptions import Adoption, adoptions
from dreaming.mining.groups import Group
from dreaming.mining.remedies import causes, with_p
from dreaming.mining.stats import adjusted, adjusted_in_groups
from dreaming.mining.values import (
    Cause,
)
from dreaming.mining.window import Comparison, Window

_FEW_TOOLS = 3
_ABOUT_THE_CALL = ("arguments", "form", "first")


@dataclass(slots=True)
class Measured:
    group: Group
    comparison: Comparison
    adoptions: list[Adoption]
    causes: list[Cause]
    p_outcome: float = 1.0
    p_pooled: float = 1.0


def measure(group: Group, window: Window, least: int) -> Measured:
    comparison = window.compare_to_rest(group.families, group.meetings.keys())
    why = [] if group.spread or is_everywhere(group) else causes(group, window)
    return Measured(group, comparison, adoptions(group, window, least), why)


def adjust(measured: list[Measured]) -> None:
    """Replace the p-values of every hypothesis looked at by their adjusted ones.

    That sessions with an error end worse is asked one-sidedly: that they end better would teach nothing.
    """
    outcomes = adjusted([item.comparison.p_worse for item in measured])
    pooled = adjusted([item.comparison.p_worse_pooled for item in measured])
    for item, p_value, p_pooled in zip(measured, outcomes, pooled, strict=True):
        item.p_outcome, item.p_pooled = p_value, p_pooled
    moves = [adoption for item in measured for adoption in item.adoptions]
    features = [cause for item in measured for cause in item.causes]
    about = ["call" if move.change.startswith(_ABOUT_THE_CALL) else "next" for move in moves]
    for move, p_value in zip(moves, adjusted_in_groups([move.p_value for move in moves], about), strict=True):
        move.p_value = p_value
    rest = iter(adjusted([cause.p_adjusted for cause in features]))
    for item in measured:
        item.causes = [with_p(cause, next(rest)) for cause in item.causes]


def is_everywhere(group: Group) -> bool:
    """Whether the same words come from many tools: then they say nothing about the calls, and may be put there."""
    return group.pooled or len(group.families) > _FEW_TOOLS

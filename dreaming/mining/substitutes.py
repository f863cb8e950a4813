"""Whether another tool that agents go to after an error stands in for the one that failed, or is just the next step."""

from __future__ import annotations

import json
import re

from dreaming.mining.adoptions import OTHER_TOOL, Adoption
from dreaming.mining.changes import WHOLE_INPUT
from dreaming.mining.groups import Group
from dreaming.mining.values import RepairSeen
from dreaming.mining.window import Window

_FEW = 5
_SPECIFIC = 3.0
_APART_ON_TASKS = 2.0
# The share of the other sessions that make a change says less of it than its arguments do.
_SURE = 0.001
_LONG_ENOUGH = 6


def is_substitute(adoption: Adoption, group: Group, window: Window) -> bool:
    """Whether another tool stands in for the failed one: their names share words, it is given the same values, or it is
    hardly ever called else.
    """
    if not _goes_elsewhere(adoption.change) or _is_uncommon(adoption, group, window):
        return True
    other = set(adoption.change.removeprefix(OTHER_TOOL).partition("(")[0].split("_"))
    for family in group.families:
        words = set(family.split("_"))
        if len(words & other) * 2 >= min(len(words), len(other)) and len(words & other) >= 2:
            return True
    same = [shares_values(repair) for repair in adoption.repairs.values()]
    name = adoption.change.partition("(")[0]
    others = [
        shares_values(repair)
        for met in group.meetings.values()
        for repair in met.repairs
        if repair.change.startswith(OTHER_TOOL) and not repair.change.startswith(name)
    ]
    # What each next call is given anyway says nothing.
    return sum(same) * 2 > len(same) and (len(others) < _FEW or sum(others) * 2 <= len(others))


def _is_uncommon(adoption: Adoption, group: Group, window: Window) -> bool:
    """Whether the tool gone to is far less often called where the failed one works, and less often on the same tasks:
    else it is just the next step.
    """
    share = len(adoption.repairs) / len(group.meetings)
    if adoption.compared < _FEW or share < _SPECIFIC * adoption.usual or adoption.p_value > _SURE:
        return False
    target = adoption.change.removeprefix(OTHER_TOOL)
    peers = window.on_the_tasks_of(group.meetings)
    taken = sum(window.took(at, target) for at in peers)
    return len(peers) < _FEW or share * len(peers) >= _APART_ON_TASKS * taken


def _goes_elsewhere(change: str) -> bool:
    """Whether a change is to another tool, or to another command of the same program."""
    now, _, was = change.removeprefix("run: ").partition(" instead of ")
    return change.startswith(OTHER_TOOL) or (was != "" and now.split()[0] == was.split()[0])


def shares_values(repair: RepairSeen) -> bool:
    """Whether the later call was given at least half of the values of the failed one, or a part of each that names a thing."""
    before, after = (set(scalars(text).values()) for text in (repair.before, repair.after))
    parts = [value.strip('"') for value in after if len(value) > _LONG_ENOUGH and re.search(r"\d", value)]
    kept = [value for value in before if value in after or any(part in value for part in parts)]
    return bool(before) and len(kept) * 2 >= len(before)


def scalars(text: str) -> dict[str, str]:
    if not text or len(text) >= WHOLE_INPUT:
        return {}
    return {name: json.dumps(value, ensure_ascii=False) for name, value in json.loads(text).items()}

"""What must be done so that a mirror says what we say. Plain values; nothing is looked up here."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Action = Literal["delete", "rename", "update", "create", "drift"]
# Paths are freed before they are taken.
ORDER: tuple[Action, ...] = ("delete", "rename", "update", "create", "drift")


@dataclass(frozen=True, slots=True)
class Known:
    """Of one path there: the hash of what was ours, and what was asked for without an answer (None: nothing)."""

    sha256: str
    sent: str | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """`expected` is the hash that stands at `path` there now: the condition of every change."""

    action: Action
    path: str
    expected: str = ""
    new_path: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    steps: tuple[Step, ...]
    in_step: tuple[str, ...]


def plan(ours: Mapping[str, str], theirs: Mapping[str, str], known: Mapping[str, Known]) -> Plan:
    """Path → hash of both sides, compared with what was ours there last.

    What changed there since is drift, and nothing is done about it. Text that goes at one path and comes, the same, at
    another is renamed.
    """
    found: dict[str, Step] = {}
    in_step = []
    for path in sorted({*ours, *theirs, *known}):
        here, there = ours.get(path, ""), theirs.get(path, "")
        if here == there:
            in_step.append(path)
        elif there != _was_ours(there, known.get(path)):
            found[path] = Step("drift", path, there)
        elif not here:
            found[path] = Step("delete", path, there)
        else:
            found[path] = Step("update" if there else "create", path, there)
    _make_renames(found, ours)
    return Plan(tuple(sorted(found.values(), key=lambda step: ORDER.index(step.action))), tuple(in_step))


def _was_ours(there: str, known: Known | None) -> str:
    """A request whose answer was lost may have been done all the same."""
    if known is None:
        return ""
    return there if known.sent == there else known.sha256


def _make_renames(found: dict[str, Step], ours: Mapping[str, str]) -> None:
    coming = {ours[path]: path for path, step in found.items() if step.action == "create"}
    for path, step in list(found.items()):
        new_path = coming.pop(step.expected, "") if step.action == "delete" else ""
        if new_path:
            found[path] = Step("rename", path, step.expected, new_path)
            del found[new_path]

"""What a finding's `support` says: the counts that a dream measured, as it kept them (JSON that an engine wrote)."""

from dataclasses import dataclass
from typing import Any

from dreaming.charts import Bar


@dataclass(frozen=True, slots=True)
class Words:
    """What the counts of a kind of finding are counts of."""

    scope: str
    met: str
    other: str
    occurrences: str


FAILURES = Words(
    "sessions that called the tool met this", "met it", "did not meet it", "failing calls in these sessions"
)
WORKFLOWS = Words("sessions that had the chance did so", "did so", "did not", "")
PREFERENCES = Words("sessions asked for it", "asked for it", "did not ask", "remarks in these sessions")
UPKEEP = Words("sessions bear on it", "bear on it", "do not", "")


def words_of(support: dict[str, Any]) -> Words:
    """By what the lesson has: steps in an order, words of users, or a version of a memory."""
    lesson = part_of(support, "lesson")
    if "steps" in lesson:
        return WORKFLOWS
    if "words" in lesson:
        return PREFERENCES
    return UPKEEP if "operation" in lesson else FAILURES


def bars_of(support: dict[str, Any]) -> list[Bar]:
    """Success with and without: of the change where agents tried it, else of what was met. None unless both are known."""
    words = words_of(support)
    return _tried(support) or _pair(support, ("met", words.met), ("other", words.other))


def compared_p(support: dict[str, Any]) -> float | None:
    """The p-value of what `bars_of` compares, adjusted for the patterns that were tried.

    None where there is none: of a change that agents tried, another number is adjusted (that the error made them try it).
    """
    p = support.get("p_adjusted")
    return p if bars_of(support) and not _tried(support) and is_number(p) else None


def _tried(support: dict[str, Any]) -> list[Bar]:
    return _pair(part_of(support, "remedy"), ("adopted", "made the change"), ("rest", "met it, did not"))


def _pair(counts: dict[str, Any], *sides: tuple[str, str]) -> list[Bar]:
    bars = [Bar(label, count_in(counts, f"{side}_success"), count_in(counts, f"{side}_total")) for side, label in sides]
    return bars if all(bar.total for bar in bars) else []


def part_of(support: dict[str, Any], name: str) -> dict[str, Any]:
    part = support.get(name)
    return part if isinstance(part, dict) else {}


def count_in(counts: dict[str, Any], key: str) -> int:
    value = counts.get(key)
    return int(value) if is_number(value) else 0


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

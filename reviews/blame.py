"""Since which version each line of a text stands in it. Pure; time grows with the lines of all versions."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from reviews.diffs import stretches

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Line(Generic[K]):
    """`since` is the key of the version that the line came with; it stands in each one from there to the last."""

    text: str
    since: K


def blame(versions: Iterable[tuple[K, str]]) -> list[Line[K]]:
    """The lines of the last of (key, text), oldest first. A line that moved counts as new, one that only lost or got
    its line break at the end of the text does not."""
    lines: list[str] = []
    since: list[K] = []
    for key, text in versions:
        now = [f"{line}\n" for line in text.splitlines()]
        came: list[K] = [key] * len(now)
        for is_same, (a1, a2, b1, b2) in stretches(lines, now):
            if is_same:
                came[b1:b2] = since[a1:a2]
        lines, since = now, came
    return [Line(line[:-1], key) for line, key in zip(lines, since, strict=True)]

"""Three-way merge by lines: what two sides made of one text. Pure, and near linear whatever the texts are."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reviews.diffs import stretches

Chunk = tuple[list[str], list[str], list[str]]


@dataclass(frozen=True, slots=True)
class Conflict:
    """Lines that both sides changed, each in its own way."""

    base: list[str]
    ours: list[str]
    theirs: list[str]


@dataclass(frozen=True, slots=True)
class Merge:
    """Merged lines and conflicts, in order."""

    parts: list[list[str] | Conflict]

    @property
    def conflicts(self) -> list[Conflict]:
        return [part for part in self.parts if isinstance(part, Conflict)]

    @property
    def text(self) -> str:
        """The merged text; where the sides conflict both stand, theirs first."""
        both = (part.theirs + part.ours if isinstance(part, Conflict) else part for part in self.parts)
        return "\n".join(line for lines in both for line in lines)


def merge(base: str, ours: str, theirs: str) -> Merge:
    """The diff3 rule (Khanna, Kunal, Pierce 2007): between lines that all three share, the side that changed counts."""
    parts: list[list[str] | Conflict] = []
    for old, left, right in _chunks(base.split("\n"), ours.split("\n"), theirs.split("\n")):
        if old == right or left == right:
            parts.append(left)
        elif old == left:
            parts.append(right)
        else:
            parts.append(Conflict(old, left, right))
    return Merge([part for part in parts if part])


def _chunks(base: Sequence[str], ours: Sequence[str], theirs: Sequence[str]) -> Iterator[Chunk]:
    """All lines in order, cut at the lines that stand in all three."""
    in_ours, in_theirs = _matches(base, ours), _matches(base, theirs)
    a = b = c = 0
    for line in sorted(in_ours.keys() & in_theirs.keys()):
        left, right = in_ours[line], in_theirs[line]
        yield list(base[a:line]), list(ours[b:left]), list(theirs[c:right])
        yield [base[line]], [base[line]], [base[line]]
        a, b, c = line + 1, left + 1, right + 1
    yield list(base[a:]), list(ours[b:]), list(theirs[c:])


def _matches(old: Sequence[str], new: Sequence[str]) -> dict[int, int]:
    """Index of each line that stayed → its index in the new text."""
    return {a1 + step: b1 + step for same, (a1, a2, b1, _) in stretches(old, new) if same for step in range(a2 - a1)}

"""Word-level differences of two texts. Pure, and near linear whatever the texts are."""

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby

SAME, INSERTED, DELETED = "same", "ins", "del"

# Above this many equal pairs a stretch is shown as removed and added whole: a reviewer waits for no matcher.
MAX_PAIRS = 4_000
FILLER_LIMIT = 24
FOLD_ABOVE = 14
FOLD_KEEPS = 3

_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_FILLER = re.compile(r"[\s\W]{0,3}\Z")

# Stretch of the old tokens (from, to) and of the new ones (from, to).
Stretch = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text that stayed, came or went. `lines` is set on a stretch worth folding away."""

    op: str
    text: str
    lines: int = 0


def diff(before: str, after: str) -> list[Piece]:
    """The pieces in order: all but `ins` give `before`, all but `del` give `after`, letter by letter."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[Piece] = []
    for same, (a1, a2, b1, b2) in stretches(old, new):
        if same:
            pieces.append(Piece(SAME, "".join(old[a1:a2])))
        else:
            pieces += _word_diff("".join(old[a1:a2]), "".join(new[b1:b2]))
    return _joined(pieces)


def diff_lines(before: str, after: str) -> list[Piece]:
    """The difference as a page shows it: by words, with long unchanged stretches of lines split off to be folded."""
    return list(folded(diff(before, after)))


def folded(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The same pieces with long unchanged stretches split off, so that a page can fold them away."""
    for index, piece in enumerate(pieces):
        lines = piece.text.splitlines(keepends=True)
        if piece.op != SAME or len(lines) <= FOLD_ABOVE or len(pieces) == 1:
            yield piece
            continue
        head = 0 if index == 0 else FOLD_KEEPS
        tail = len(lines) - (0 if index == len(pieces) - 1 else FOLD_KEEPS)
        if head:
            yield Piece(SAME, "".join(lines[:head]))
        yield Piece(SAME, "".join(lines[head:tail]), lines=tail - head)
        if tail < len(lines):
            yield Piece(SAME, "".join(lines[tail:]))


def _word_diff(before: str, after: str) -> list[Piece]:
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    pieces: list[Piece] = []
    for same, (a1, a2, b1, b2) in stretches(old, new):
        if same:
            pieces.append(Piece(SAME, "".join(old[a1:a2])))
        else:
            pieces += [Piece(DELETED, "".join(old[a1:a2])), Piece(INSERTED, "".join(new[b1:b2]))]
    return _without_filler(pieces)


def _without_filler(pieces: list[Piece]) -> list[Piece]:
    """A word or comma kept between two larger changes makes a diff unreadable: it counts as changed too."""
    runs = [list(run) for _, run in groupby(pieces, key=lambda piece: piece.op != SAME)]
    result: list[Piece] = []
    size = 0
    for index, run in enumerate(runs):
        text = "".join(piece.text for piece in run)
        if run[0].op != SAME:
            size += max(sum(len(piece.text) for piece in run if piece.op == op) for op in (DELETED, INSERTED))
            result += run
            continue
        around = min(size, max(len(piece.text) for piece in runs[index + 1])) if 0 < index < len(runs) - 1 else 0
        if around and "\n" not in text and (len(text) <= min(around, FILLER_LIMIT) or _FILLER.match(text)):
            result += [Piece(DELETED, text), Piece(INSERTED, text)]
        else:
            result += run
            size = 0
    return result


def _joined(pieces: list[Piece]) -> list[Piece]:
    """Neighbours of one kind become one; in a run of changes what went stands before what came."""
    result: list[Piece] = []
    for changed, run in groupby(pieces, key=lambda piece: piece.op != SAME):
        here = list(run)
        ops = (DELETED, INSERTED) if changed else (SAME,)
        texts = ((op, "".join(piece.text for piece in here if piece.op == op)) for op in ops)
        result += [Piece(op, text) for op, text in texts if text]
    return result


def stretches(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[bool, Stretch]]:
    """(is it the same, where) over both sequences: common ends first, then lines that occur once in both."""
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    if head:
        yield True, (0, head, 0, head)
    a, b = head, head
    ends = (len(old) - tail, len(new) - tail)
    for next_a, next_b in [*_anchors(old[head : ends[0]], new[head : ends[1]], head), ends]:
        if a < next_a or b < next_b:
            yield from _matched(old, new, (a, next_a, b, next_b))
        if (next_a, next_b) != ends:
            yield True, (next_a, next_a + 1, next_b, next_b + 1)
        a, b = next_a + 1, next_b + 1
    if tail:
        yield True, (ends[0], len(old), ends[1], len(new))


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    """How many leading items are equal."""
    for index, (left, right) in enumerate(zip(old, new, strict=False)):
        if left != right:
            return index
    return min(len(old), len(new))


def _anchors(old: Sequence[str], new: Sequence[str], offset: int) -> list[tuple[int, int]]:
    """Items that occur exactly once on both sides, in the longest order that both share (patience diff)."""
    if not _is_dear(old, new):
        return []
    counts, there = Counter(old), Counter(new)
    where = {item: index for index, item in enumerate(new) if there[item] == 1}
    pairs = [(i, where[item]) for i, item in enumerate(old) if counts[item] == 1 and item in where]
    tops: list[int] = []
    ends: list[int] = []
    links: list[int] = []
    for index, (_, b) in enumerate(pairs):
        place = bisect_left(tops, b)
        links.append(ends[place - 1] if place else -1)
        tops[place : place + 1], ends[place : place + 1] = [b], [index]
    chain, at = [], ends[-1] if ends else -1
    while at >= 0:
        chain.append((pairs[at][0] + offset, pairs[at][1] + offset))
        at = links[at]
    return chain[::-1]


def _is_dear(old: Sequence[str], new: Sequence[str]) -> bool:
    """Whether the matcher would have to try too many pairs; each pass of it looks at all of them."""
    there = Counter(new)
    return sum(count * there[item] for item, count in Counter(old).items() if not item.isspace()) > MAX_PAIRS


def _matched(old: Sequence[str], new: Sequence[str], stretch: Stretch) -> Iterator[tuple[bool, Stretch]]:
    a1, a2, b1, b2 = stretch
    left, right = old[a1:a2], new[b1:b2]
    if _is_dear(left, right):
        yield False, stretch
        return
    for tag, i1, i2, j1, j2 in SequenceMatcher(str.isspace, left, right, autojunk=False).get_opcodes():
        yield tag == "equal", (a1 + i1, a1 + i2, b1 + j1, b1 + j2)

"""Words that sessions state otherwise than a memory: it says Tuesday; newer sessions say Thursday, no longer Tuesday."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from dreaming.mining.echoes import repeats, runs_of
from dreaming.mining.likeness import signs_of, stem
from dreaming.mining.statements import contradiction, says_change
from dreaming.mining.values import Finding, MemoryView, Quote, Thresholds
from dreaming.mining.window import Window

_SHARED = 2
_ABOUT = 0.3
_AGREE = 0.6
_SOME = 3
_Said = tuple[int, Quote, dict[str, int]]


def replaced(
    memories: Sequence[MemoryView], window: Window, limits: Thresholds, least: int
) -> list[tuple[MemoryView, Finding]]:
    """Find memories of which several sessions, of several principals, say a word or a name otherwise and agree on it.

    A sentence is about a memory where they share words. The word that falls is one that the memory asserts and several
    sessions refuse; the word that comes is one that the memory lacks and most of the sessions say.
    """
    said: list[_Said] = [
        (at, quote, signs_of(quote.text))
        for at, digest in enumerate(window.digests)
        for quote in digest.stated
        if says_change(quote.text)
    ]
    held: dict[str, list[int]] = defaultdict(list)
    for row, (_, _, signs) in enumerate(said):
        for name in signs:
            held[name].append(row)
    pairs = ((memory, _replaced(memory, said, held, window, limits, least)) for memory in memories)
    return [(memory, finding) for memory, finding in pairs if finding is not None]


def _replaced(
    memory: MemoryView,
    said: Sequence[_Said],
    held: dict[str, list[int]],
    window: Window,
    limits: Thresholds,
    least: int,
) -> Finding | None:
    known, own = signs_of(memory.text), runs_of([f"{memory.path}: {memory.text}"])
    shared = Counter(row for name in known for row in held.get(name, ()))
    about = [
        said[row]
        for row, count in sorted(shared.items())
        if count >= max(_SHARED, _ABOUT * min(len(known), len(said[row][2]))) and not repeats(said[row][1].text, own)
    ]
    new: dict[str, dict[int, Quote]] = defaultdict(dict)
    turned: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for at, quote, signs in about:
        places = {name: place for place, name in enumerate(signs)}
        fallen = [name for name, sign in signs.items() if sign < 0 and known.get(name, 0) > 0]
        for name in (name for name, sign in signs.items() if sign > 0 and name not in known):
            new[name].setdefault(at, quote)
            for old in fallen:
                turned[old, name].setdefault(at, abs(places[old] - places[name]))
    if not turned:
        return None
    old, name = min(turned, key=lambda pair: (-len(turned[pair]), sum(turned[pair].values()), pair))
    members = new[name]
    people = {window.digests[at].principal for at in members}
    enough = len(members) >= max(least, _AGREE * len({at for at, _, _ in about})) and len(turned[old, name]) >= _SOME
    if not enough or len(people) < limits.min_principals:
        return None
    as_often = [pair for pair, seen in turned.items() if 2 * len(seen) >= len(turned[old, name])]
    before = _phrase([memory.text], old, {one for one, two in as_often if two == name})
    after = _phrase([quote.text for quote in members.values()], name, {two for one, two in as_often if one == old})
    wrong = re.compile(rf"(?<!\w){re.escape(before)}(?!\w)", re.IGNORECASE)

    def swap(text: str) -> str:
        return wrong.sub(lambda found: after[0].upper() + after[1:] if found[0][0].isupper() else after, text)

    return contradiction(memory, before, after, swap, members, window, limits)


def _phrase(texts: Iterable[str], name: str, names: set[str]) -> str:
    """Return the words around a stem that stand next to each other and have one of the stems, as most texts write them."""
    found: Counter[str] = Counter()
    for text in texts:
        words = list(re.finditer(r"[^\W\d_]+", text))
        fits = [stem(word[0].lower()) in names for word in words]
        for place, word in enumerate(words):
            if stem(word[0].lower()) != name:
                continue
            first = last = place
            while first and fits[first - 1] and text[words[first - 1].end() : words[first].start()] == " ":
                first -= 1
            while last + 1 < len(words) and fits[last + 1] and text[words[last].end() : words[last + 1].start()] == " ":
                last += 1
            found[text[words[first].start() : words[last].end()]] += 1
            break
    return min(found, key=lambda phrase: (-found[phrase], phrase))

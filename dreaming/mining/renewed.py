"""How a memory reads after a word of it has fallen: with the new word in its place, or with a user's own sentence."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from dreaming.mining.asides import without_asides
from dreaming.mining.corrections import contradiction, key_of
from dreaming.mining.hostile import objection_to
from dreaming.mining.likeness import signs_of, stem
from dreaming.mining.sayings import Saying, Sayings
from dreaming.mining.values import Finding, MemoryView, Thresholds

_AGREE = 0.6
_SOME = 3


@dataclass(frozen=True, slots=True)
class Fallen:
    """A word of a passage that sessions say is over: one saying of each, how many say so without a word in its place, and
    the word that most say instead, or ''.
    """

    name: str
    line: str
    members: Mapping[int, Saying]
    apart: int
    instead: str


def renewed(memory: MemoryView, fallen: Fallen, said: Sayings, limits: Thresholds) -> Finding | None:
    """Return the correction, None if nothing fit can be put; the key of one in a user's words does not depend on which."""
    before, after = _phrases(memory, fallen) if fallen.instead else ("", "")
    if before and after:
        key, title = key_of("restated", memory.path, before, after), f"newer sessions say {after}, not {before}"
        put, news = partial(_put, re.compile(rf"(?<!\w){re.escape(before)}(?!\w)", re.IGNORECASE), after), after
    else:
        after = _clearest(fallen.members, said)
        key, title = key_of("outdated", memory.path, fallen.line), after.rstrip(".")
        put, news = partial(_put, re.compile(re.escape(fallen.line)), after), title
    if not after or put(fallen.line) == fallen.line:
        return None
    quotes = {at: one.quote for at, one in fallen.members.items()}
    news = f"newer sessions say {news}"
    return contradiction(memory, news, put, quotes, said.window, limits, key=key, title=title)


def _put(wrong: re.Pattern[str], after: str, text: str) -> str:
    return wrong.sub(lambda found: after[0].upper() + after[1:] if found[0][0].isupper() else after, text)


def _phrases(memory: MemoryView, fallen: Fallen) -> tuple[str, str]:
    """Return the words that fall and those that come, with those that mostly stand beside them.

    They are '' where sayings write the word that falls otherwise: another form of it has another place in its sentence.
    """
    known = signs_of(memory.text)
    sayings = list(fallen.members.values())
    named = Counter(name for one in sayings if fallen.name in one.signs for name in one.signs if name in known)
    new = Counter(name for one in sayings for name, sign in one.signs.items() if sign > 0 and name not in known)
    before = _phrase([fallen.line], fallen.name, _as_often(fallen.name, named))
    if sum(before.lower().rstrip("s") in one.quote.text.lower() for one in sayings) < _SOME:
        return "", ""
    beside = _as_often(fallen.instead, new) | signs_of(before).keys() - {fallen.name}
    after = _phrase([one.quote.text for one in sayings], fallen.instead, beside)
    return before, after


def _as_often(name: str, counts: Mapping[str, int]) -> set[str]:
    return {name} | {other for other, count in counts.items() if count >= max(_SOME, _AGREE * counts.get(name, 0))}


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
    return min(found, key=lambda phrase: (-found[phrase], phrase), default="")


def _clearest(members: Mapping[int, Saying], said: Sayings) -> str:
    """Return the user's sentence that holds most of what several say; '' if each gives orders or holds what is private."""
    window = said.window
    users = [one for one in members.values() if one.by_user]
    texts = without_asides([one.quote.text for one in users])
    fit = [
        (one, text)
        for one, text in zip(users, texts, strict=True)
        if text and not objection_to(text, window.names_of(window.digests[one.at].ref))
    ]
    held = Counter(name for one in members.values() for name in one.signs)
    if not fit:
        return ""
    _, best = max(fit, key=lambda pair: (sum(held[name] for name in pair[0].signs if held[name] > 1), pair[1]))
    text = " ".join(best.split())
    return text[0].upper() + text[1:].rstrip(" .,;:!") + "."

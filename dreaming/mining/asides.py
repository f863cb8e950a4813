"""What stands beside a wish and says nothing of it: greetings, thanks, contact data, turns of phrase."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence

from dreaming.mining.hostile import objection_to
from dreaming.mining.likeness import FUNCTION_WORDS, content_of, stems_of
from dreaming.mining.templates import masked

# Words by which people ask, demand and refuse, in any trade.
_ASKS = re.compile(
    r"\b(?:please|kindly|could|would|can|may|should|shall|must|need\w*|want\w*|prefer\w*|like|rather|expect\w*|always"
    r"|never|not|no|nothing|stop|instead|without|only|every|each|ask|from now on|next time|habit|rule|keep|make sure|wish"
    r"|have to|has to|stays?|remains?|belongs?|(?:is|are) to be|goes|max|maximum|at most|who (?:asked|told|said)|why)\b|n['’]t\b",
    re.IGNORECASE,
)
_PROMISES = re.compile(r"\b(?:let me|i['’]?ll|i will)\b[^.;!?]*", re.IGNORECASE)
# Verbs by which orders begin, in any trade.
_ORDERS = re.compile(
    r"(?:^|[.!?:;,]\s+|\s[-–—]\s+|\b(?:and|then)\s+)(?:add|ask|avoid|begin|bring|call|change|check|cut|drop|end|give|hold|include"
    r"|leave|list|make|mark|mention|move|name|open|order|place|put|quote|remove|reply|restore|say|send|set|show|skip|sort|spell|split|start|state"
    r"|switch|take|tell|try|turn|use|write)\b(?!\s*[,.?!])",
    re.IGNORECASE,
)
_ENQUIRES = re.compile(
    r"^\W*(?:\w+\W+){0,2}?(?:(?:can|could|would|will) you\b[^?.]*\b(?:tell|show|remind|let|find out for) (?:me|us)(?: know)?"
    r"|(?:do|would) you (?:happen to )?know|any idea|i wonder|(?:i['’]d|i would) like to know|(?:please )?(?:tell me|let me know)),?"
    r" (?:when|where|who|whose|whom|what|which|how|why|if|whether)\b(?![^?]*\b(?:every|each|all|any)\b)",
    re.IGNORECASE,
)
_THANKS = re.compile(r"\b(?:thanks|thank you|thx|cheers|much appreciated|well done)\b", re.IGNORECASE)
_GREETS = re.compile(
    r"\W*(?:(?:hi|hello|hey|dear|good (?:morning|day|afternoon|evening)|morning|hm+|uh+m*|er+m*|well|oh|ah|ok|okay|alright"
    r"|great|perfect|lovely|brilliant|nice|fine|good|sorry|again|all|there|everyone|everybody|team|best|kind|regards"
    r"|cheers|bye|yes|right|so|and|but|also|look|listen|note|one thing|by the way|btw|fyi|pls|plz)\W*){1,3}",
    re.IGNORECASE,
)
_TRIMMED = re.compile(
    r"^(?:sorry|but|and|so|well)(?:,| but)?\s+|(?:[\s,]+(?:thanks|thank you|cheers))+[.!]*$", re.IGNORECASE
)
_PASSED_ON = re.compile(
    r"\n\s*>|\n\s*\n|:\s*\n|\b(?:forward\w*|fwd|from (?:their|the|his|her|an?) (?:\w+ )?(?:mail|e-mail|email|letter|message)"
    r"|(?:they|he|she|customer|sender) (?:wrote|writes|sent|says?))\b[^\n:]{0,40}:",
    re.IGNORECASE,
)
# A sentence also begins where a small word has a capital after a word that has none: "keep it dry Thanks".
_BEGINS = "|".join(sorted(word.capitalize() for word in FUNCTION_WORDS - {"i", "may", "will"}))
_OPENS = rf"\s+(?=[-–—(/]\s?)|(?<=[a-z\d)])\s+(?=(?:{_BEGINS})\b)"
_PHRASE = re.compile(rf"(?<=[.!?:;,\n])\s+|{_OPENS}")
_SENTENCE = re.compile(rf"(?<=[.!?\n])\s+|{_OPENS}")
_PRIVATE = frozenset({"secret", "personal"})
_TELLS = 2
_MANY = 5
_SHARED = 0.5


def asks(text: str) -> bool:
    """Whether a text asks for something or refuses it, by its words or as an order."""
    told = _PROMISES.sub("", text)
    return bool(_ASKS.search(told) or _ORDERS.search(told))


def enquires(text: str) -> bool:
    """Whether a text asks to be told one fact: a question of its task and no wish for others."""
    return bool(_ENQUIRES.search(text))


def without_asides(texts: Sequence[str]) -> list[str]:
    """Return each text without what stands at its ends and says nothing of what it asks for; '' where nothing is left.

    That are greetings, thanks, how to reach who speaks, and what stands beside many texts that have nothing in common.
    """
    turns = _turns(texts)
    return [_core(text, turns) for text in texts]


def _core(text: str, turns: frozenset[str]) -> str:
    thanked, private = bool(_THANKS.search(text)), False
    parts = _SENTENCE.split(_PASSED_ON.split(text.strip())[0])
    while parts and _is_aside(parts[-1], turns):
        private |= bool(objection_to(parts.pop()))
    parts = _PHRASE.split(" ".join(parts))
    while parts and _is_aside(parts[0], turns):
        private |= bool(objection_to(parts.pop(0)))
    left = _TRIMMED.sub("", " ".join(parts))
    if private and not content_of(left):
        return text
    return "" if thanked and len(left.split()) < _TELLS else left


def _is_aside(part: str, turns: frozenset[str]) -> bool:
    greets = _GREETS.fullmatch(part) or (_THANKS.search(part) and not asks(part))
    return bool(greets or objection_to(part) in _PRIVATE) or _name(part) in turns


def _turns(texts: Sequence[str]) -> frozenset[str]:
    """Return what stands first or last in many texts whose rests share no word."""
    rests: dict[str, set[str]] = defaultdict(set)
    for text in texts:
        first, *others = _PHRASE.split(text.strip())
        *before, last = _SENTENCE.split(text.strip())
        if others:
            rests[_name(first)].add(" ".join(others))
        if before:
            rests[_name(last)].add(" ".join(before))
    return frozenset(name for name, others in rests.items() if len(others) >= _MANY and not _share_a_word(others))


def _share_a_word(texts: Collection[str]) -> bool:
    held = Counter(stem for text in texts for stem in {stem for stem, _ in stems_of(text)})
    return bool(held) and max(held.values()) > _SHARED * len(texts)


def _name(part: str) -> str:
    return " ".join(re.findall(r"[\w<>]+", masked(part).lower()))

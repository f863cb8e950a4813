"""Which words of a wish are clearly asked for or refused. Where a sentence only reports, asks or sets a condition, neither.

"Never ship without a photo" refuses neither to ship nor photos, and "a photo again" tells not which of both is wanted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dreaming.mining.frames import put_plainly
from dreaming.mining.likeness import signs_of, stems_of

_SENTENCE = re.compile(r"(?<=[.;!?\n])\s+|\s+[-–—]+\s+")
_CLAUSE = re.compile(r"(?<=[,:])\s+|\.\.+|\s*(?:[-=]>|→)\s*")
_NOT = r"(?:no|not|never|nothing|don['’]?t|\w+n['’]t|stop|avoid|without)"
_PLACE = r"(?:in|on|at|from|for|of|into|to|with|by|after|as|about|per)"
_REQUEST = re.compile(r"\b(?:could|can|would|will|may|might|should|shall|please|let|why|who)\b", re.IGNORECASE)
_CONDITION = re.compile(
    rf"\b(?:unless|until|till|except|only (?:when|if|on|after|with|upon|once|by|where)|(?:when|if|once|after) i)\b"
    rf"|\b{_NOT}\b.+\bwithout\b|^\W*no\b[^,]+,\s*no\b",
    re.IGNORECASE,
)
_REPORT = re.compile(
    r"\b(?:i|we|they|you|he|she) (?:can['’]?t|cannot|can not|could not|couldn['’]t)\b"
    r"|^\W*you (?!should|must|need|can|could|may|might|have to|will|would|do not|don)|\btoo \w"
    r"|^\W*(?:this|that|it) (?:came|went|got|was|arrived|is (?:still|again|back))\b"
    r"|^\W*(?:the |those |these )?\w+ (?:is|are) for (?!me\b|us\b)\w"
    r"|\b(?:less|fewer)\b|\bwithout\b.*\b(?:is|are|was|were)(?:n['’]t)?\b|\b(?:is|are|was|were)\b.*\bwithout\b",
    re.IGNORECASE,
)
_SO_DONT = re.compile(r"\bso don['’]?t\b", re.IGNORECASE)
_AGAIN = re.compile(r"\w.*\bagain\b|\bagain\b\W+\w", re.IGNORECASE)
_BIDS = re.compile(r"\b(?:please|do not|don['’]?t|never|stop)\b", re.IGNORECASE)
_WHERE = re.compile(rf"\b{_NOT}\s+(?!{_PLACE}\b|before\b)\w.*?\s(?:{_PLACE}|before)\s(.*)", re.IGNORECASE)
# What a clause says of when, where or which things something holds; what it says of what must be is a rule.
_RULE = r"(?!(?:\w+\s+){0,3}?(?:must|should|shall|may|can|cannot|could|needs?|ought)\b)"
_WHO = r"(?:you|we|i|they|he|she|it|anyone|anybody|somebody|someone|\w+ing)"
_WHEN = re.compile(
    rf"\b(?:if|when|whenever|where|wherever|who|which|whose|whom|(?:before|after|until|till|once|while) (?={_WHO}\b))\b"
    rf"{_RULE}([^,;:.!?]*)",
    re.IGNORECASE,
)
# What is to be written otherwise is neither wanted nor refused as it stands: "spell out the codes".
_OTHERWISE = re.compile(
    r"\b(?:spell(?:ed|t|ing)?|write|writing)(?: out)? ((?:the |all |any |these |those |your )?[\w-]+)(?= (?:out|in full)\b|$|[,;:.!?])"
    r"|\b(?:spell(?:ing)?|writ(?:e|ing)) out (?:the |all |any |these |those |your )?([\w-]+)"
    r"|([\w-]+) (?:[\w']+ ){0,3}(?:spelled|spelt|written) out\b",
    re.IGNORECASE,
)
_JUDGES = re.compile(r"^\W*(?:it|this|that)\b|doesn't help", re.IGNORECASE)
_BLAMES = re.compile(r"^\W*(?:who|where)\b", re.IGNORECASE)
# A number of things that is refused, or named as a limit, refuses no such thing.
_COUNT = r"(?:\d{1,4}|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"
_LIMITS = (
    r"(?:more than|less than|fewer than|over|under|above|below|at most|at least|max|maximum|min|minimum|up to|beyond|exceed\w*"
    r"|limit\w*|only)"
)
_LIMITED = re.compile(
    rf"\b{_LIMITS}\b[^,;:.!?]*?\b({_COUNT}[\s-]+\w+)"
    rf"|\b({_COUNT}[\s-]+\w+)\b(?=[^,;:.!?]*\b(?:tops|at most|at least|max|maximum|min|minimum|or (?:less|fewer|more))\b)",
    re.IGNORECASE,
)
_COUNTED = re.compile(rf"\b{_COUNT}[\s-]+(\w+)", re.IGNORECASE)


def leanings_of(text: str) -> dict[str, int]:
    """Return the words of a text, each with 1 where it is clearly asked for, -1 where it is refused, 0 where neither."""
    plain = put_plainly(text)
    unsure = {stem for part in _unsure(plain) for stem, _ in stems_of(part)}
    counted = {stem for found in _COUNTED.finditer(plain) for stem, _ in stems_of(found[1])}
    signs = signs_of(plain)
    return {stem: 0 if stem in unsure or (stem in counted and sign < 0) else sign for stem, sign in signs.items()}


def _unsure(text: str) -> Iterator[str]:
    for sentence in _SENTENCE.split(text):
        if _SO_DONT.search(sentence):
            continue
        if (sentence.endswith("?") and not _REQUEST.search(sentence)) or _CONDITION.search(sentence):
            yield sentence
            continue
        yield from (found[1] or found[2] for found in _LIMITED.finditer(sentence))
        yield from (next(filter(None, found.groups())) for found in _OTHERWISE.finditer(sentence))
        for clause in _CLAUSE.split(sentence):
            when = _WHEN.search(clause)
            before = clause[: when.start()] if when else ""
            if when and not _BLAMES.match(clause) and not _JUDGES.search(before) and (not before or stems_of(before)):
                yield when[1]
            if _REPORT.search(clause) or (_AGAIN.search(clause) and not _BIDS.search(clause)):
                yield clause
            elif where := _WHERE.search(clause):
                yield where[1]

"""A long turn as the matters that it holds: the sentences of a letter, without salutation and signature, and what somebody
says at last who takes back what they began with.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from dreaming.mining.likeness import stems_of
from dreaming.mining.values import Digest, RemarkSeen

_SALUTATION = re.compile(
    r"^\W*(?:dear|hi|hello|hey|good (?:morning|day|afternoon|evening)|greetings|to|team|all)\b[^\n.?!]{0,60}[,:!.]?[ \t]*\n\s*",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"\n\s*(?:(?:(?:kind|best|warm|many|with (?:kind|best))\s+)*(?:regards|wishes|greetings)|yours\b|sincerely|respectfully"
    r"|all the best|best|cheers|(?:many )?thanks|thank you|br|rgds|--+|sent from)\b[^\n]{0,40}(?:\n[\s\S]*)?$",
    re.IGNORECASE,
)
_PASSED_ON = re.compile(
    r"\n\s*>|\b(?:forward\w*|fwd|original message|(?:they|he|she|customer|sender) (?:wrote|writes|sent|says?))\b[^\n:]{0,40}:?",
    re.IGNORECASE,
)
# Not after an abbreviation ("no. and page"); before a word that counts also where no sentence ends.
_SENTENCE = re.compile(
    r"(?<=[!?;])\s+|(?<=\.)\s+(?![a-z\d])|(?<=\w{4}\.)\s+|\n+"
    r"|\s+(?=(?:First|Second|Third|Fourth|Last|Final)(?:ly)?,|(?:Also|Besides|Furthermore|In addition|Next),)"
)
_COUNTED = re.compile(
    r"^\W*(?:(?:first|second|third|last|final)(?:ly)?(?: of all)?|(?:next|then|also|besides|finally|furthermore|in addition"
    r"|(?:and )?one (?:more|last|other) (?:thing|point|matter)|another (?:thing|point|matter)|on (?:top of that|another note))"
    r"|\d{1,2}[.)]|[-*•])(?:\s*[,:–—]\s*|(?<=[.)*•-])\s+)",
    re.IGNORECASE,
)
_TAKEN_BACK = re.compile(
    r"^[^\n]{0,160}?(?:^|[\s,;.–—-])(?:no,? wait|wait,? no(?=\s*(?:[,:;.!–—-]|i\b))"
    r"|hold on|hang on|scratch that|strike that|forget (?:that|what i said)"
    r"|or rather(?:,? not(?: yet| now| that)?)?|on second thoughts?|let me (?:rephrase|start over|put it differently)"
    r"|i take that back|what i meant (?:is|was))\b(?:[\s,:;.!–—-]+(?:actually|rather|no|instead)\b)*[\s,:;.!–—-]+",
    re.IGNORECASE,
)
_MANY = 4
_TELLS = 2


def matters_in(digests: Sequence[Digest]) -> tuple[list[tuple[int, RemarkSeen]], list[bool]]:
    """Return the matters of all remarks with the position of their digest, and for each whether it is all of its remark."""
    seen: list[tuple[int, RemarkSeen]] = []
    whole: list[bool] = []
    for at, digest in enumerate(digests):
        for remark in digest.remarks:
            matters = matters_of(remark.quote.text)
            seen += [(at, replace(remark, quote=replace(remark.quote, text=matter))) for matter in matters]
            whole += [len(matters) == 1] * len(matters)
    return seen, whole


def matters_of(text: str) -> list[str]:
    """Return the matters of a turn, each as it stands in it: one for each sentence of a letter, else the turn without
    what is taken back.
    """
    opened = _SALUTATION.match(text)
    body = _CLOSING.sub("", text[opened.end() :] if opened else text)
    sentences = _SENTENCE.split(_PASSED_ON.split(body)[0].strip())
    if not opened and len(sentences) < _MANY:
        return [at_last(text)]
    parts = [at_last(_COUNTED.sub("", sentence.strip())) for sentence in sentences]
    return [part for part in parts if _tells(part)] or [text]


def at_last(text: str) -> str:
    """Return what a turn says after it takes back what it began with; the whole where that would leave too little."""
    left = text
    while found := _TAKEN_BACK.match(left):
        rest = left[found.end() :]
        if not _tells(rest):
            break
        left = rest
    return left


def _tells(text: str) -> bool:
    return len(stems_of(text)) >= _TELLS

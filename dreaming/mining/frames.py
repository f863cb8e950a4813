"""Turns of phrase that ask for or refuse a thing without saying so plainly, put so that words before it tell its side.

"Don't forget the seal", "where is the seal?" and "you left out the seal" want it; "leave the seal alone", "replace the
seal by a stamp" and "wax rather than tape" refuse seal, seal and tape.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

_NOT = r"(?:no|not|never|nothing|don['’]?t|do not|stop|avoid|without|why|who|\w+n['’]t)"
_DONT = r"(?:don['’]?t|do not|never)"
_IN = r"[^.;:!?,\n]"
_THING = r"([^.;:!?,\n]{2,60}?)"
_IT = r"(?:it|them|that|those|this)"
_ARE = r"(?:is|are|was|were)"
_MISSING = r"(?:missing|left out|left off|forgotten|omitted|absent)"
_FORGET = r"(?:forget(?:ting)?|omit(?:ting)?|miss(?:ing)?|skip(?:ping)?|overlook(?:ing)?|leav(?:e|ing) out)"
_AS_IT_IS = rf"(?:alone|be|as (?:it|they) {_ARE}|as is|untouched|unchanged|intact|un\w+ed)"
_END = r"(?=\s*(?:$|[.!;,\n]))"
_Put = str | Callable[[re.Match[str]], str]


def _unless_refused(put: str) -> Callable[[re.Match[str]], str]:
    """Put a turn only where its sentence does not refuse it before."""
    refused = re.compile(rf"\b{_NOT}\b[^.;!?\n]*$", re.IGNORECASE)
    return lambda found: found[0] if refused.search(found.string[: found.start()]) else found.expand(put)


_AGREED: tuple[tuple[str, _Put], ...] = (
    # A word that only halts, and a question at the end that only asks to agree.
    (r"^\W*(?:stop|no|nope|wait|halt)\s+[-–—]+\s+(?!\w+ing\b)", ""),
    (r",\s*(?:ok|okay|right|yes|please|alright|agreed|understood|thanks|(?:will|would|can|could) you)\s*\?", "."),
)
_WANTED: tuple[tuple[str, _Put], ...] = (
    # A request that says that it was not met asks for what it names.
    (
        r"(?<=\w),?\s+(?:but\s+)?(?:it|you|they|this|that)\s+"
        rf"(?:did|does|do|{_ARE}|has|have)(?:n['’]t| not)(?=\s*(?:$|[.;!]))",
        "",
    ),
    (
        r"^\W*you (?:did not|didn['’]t|have not|haven['’]t|keep forgetting to|forgot to|failed to)\b(?! \w+ (?:that|what))",
        "want",
    ),
    (rf"\b(?:{_DONT}|without)\s+(?:ever\s+)?{_FORGET}\b(?:\s+to\b)?", "always"),
    (rf"\b{_DONT}\s+leave\s+{_THING}\s+(?:out|off)\b", r"want \1"),
    (r"\bwhere(?:['’]s| is| are)\s+([^?.;!\n]+)\?", r"want \1."),
    (r"\byou(?:['’]ve| have)?\s+(?:again\s+)?(?:left out|left off|forgot|missed|omitted|skipped)\b", "want"),
    (rf"\byou(?:['’]ve| have)?\s+(?:again\s+)?left\s+{_THING}\s+(?:out|off)\b", r"want \1"),
    (
        rf"(?<=\w)\s+(?:(?:{_ARE}|went|has been|have been)\s+)?(?:again\s+)?{_MISSING}\b"
        r"(?=\s*$|\s*[.;,!?]|\s+(?:again|from|in|on|at|where|when)\b)",
        " wanted",
    ),
    (
        r"^([^?.;!\n]{2,60})\?\s+(?=(?:that|it|they|this|those)\s+"
        r"(?:belong|go(?:es)? |come|should|must|(?:is|are) (?:needed|wanted)))",
        r"\1, ",
    ),
)
_GIVEN_UP: tuple[tuple[str, _Put], ...] = (
    (rf"\b(rather|sooner|prefer\w*)\b({_IN}+?)\bthan\b", _unless_refused(r"\1\2 instead of")),
    (rf"\b(prefer\w*)\b({_IN}+?)\bover\b", _unless_refused(r"\1\2 instead of")),
    (rf"\b(?:replac|swap|exchang)\w*\s+({_IN}+?)\s+(?:by|with|for)\b", _unless_refused(r"instead of \1,")),
    (rf"\b(?:switch|chang|mov)\w*\s+from\s+({_IN}+?)\s+to\b", _unless_refused(r"instead of \1,")),
    (rf"\b(?:convert|turn)\w*\s+({_IN}+?)\s+(?:in)?to\b", _unless_refused(r"instead of \1,")),
    (r"\b(?:in place of|as opposed to)\b", "instead of"),
    (rf"\b(?:leave|put|set|lay)\s+({_IN}+?)\s+aside\b", _unless_refused(r"not \1,")),
    (r"\bget(?:ting)? rid of (?!it\b|them\b|that\b|those\b|this\b)", _unless_refused("not ")),
    (r"\b(?:mean|say|tell)s? (?:\w+ )?nothing\b", "doesn't"),
    (
        r"\b(?:is|are|was|were) (?:just |simply |plain |all )?(?:wrong|banned|forbidden|prohibited|useless|pointless"
        r"|un(?:acceptable|wanted|necessary|needed|helpful|readable|usable))\b",
        "doesn't help",
    ),
    (r"\b(?:confus|mislead|annoy|bother|irritat|distract)(?:e|es|s|ing)?\b", "doesn't help"),
)
_REFUSED: tuple[tuple[str, _Put], ...] = (
    # To leave a thing as it is refuses what was done to it.
    (rf"\b(?:leave|left|keep|kept)\s+{_THING}\s+{_AS_IT_IS}\b", _unless_refused(r"not \1,")),
    (rf"\bkeep\s+{_THING}\s+from\b(?:\s+being)?", _unless_refused(r"never \1")),
    (rf"\b{_ARE}(?: not|n['’]t) (?:supposed|meant|allowed|expected|intended) to\b", "must not"),
    (r"\bno (?:reason|need|point|cause|call|sense) (?:to|for|in)\b", ", never"),
    # A refusal that points back at what was said.
    (
        r"[,;.?!]?\s*(?:\band\s+)?\b(?:(?:please|just|kindly|so)\s+)?"
        rf"(?:(?:take|cut|strip|pull|leave)\s+{_IT}\s+(?:out|off|away)"
        rf"|(?:skip|drop|remove|omit|stop|quit|cut|cease|get rid of|do away with)\s+(?:{_IT}|doing (?:it|that|so))|(?<=[;,.]\s)stop)\b"
        rf"(?:\s+next time)?{_END}",
        ", so don't do it",
    ),
)
_TURNS = (*_AGREED, *_WANTED, *_GIVEN_UP, *_REFUSED)
_PUT = tuple((re.compile(turn, re.IGNORECASE), put) for turn, put in _TURNS)


def put_plainly(text: str) -> str:
    """Return a text without invisible characters, and with such turns of phrase put as plain wants and refusals."""
    plain = "".join(char for char in text if unicodedata.category(char) != "Cf")
    for turn, put in _PUT:
        plain = turn.sub(put, plain)
    return plain

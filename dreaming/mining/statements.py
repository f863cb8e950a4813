"""Sentences of a session that a memory may be compared with: amounts, and what people say has changed or is over."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from dreaming.mining.amounts import amounts_of
from dreaming.mining.values import EventView, Quote

_MOST = 10
_MOST_CHANGES = 8
_SHORT = 200
_LONG_ANSWER = 2_000
_FEW_WORDS = 4
# Words by which people say that something is not as it was.
_CHANGES = re.compile(
    r"\b(?:no longer|any ?more|these days|nowadays|now|since|outdated|obsolete|void|former(?:ly)?|used to|moved|replace[sd]?"
    r"|changed|instead of|(?:took|taken|takes)\W+over)\b|, not\b",
    re.IGNORECASE,
)
# Words by which people say that something is over for all; and such that may be said of one thing as well.
_FIRM = (
    r"no longer|any ?more|any longer|abolished|abandoned|ceased|decommissioned|deprecated|discontinued|dismantled|done away"
    r"|obsolete|outdated|out of date|phased out|renamed|repealed|retired|scrapped|superseded|used to|not (?:needed|required|necessary)"
    r"|no (?:[^\W\d_]+ ){1,2}(?:needed|required|necessary)|replaced|moved to|instead of"
)
_LOOSE = (
    r"cancell?ed|closed down|disabled|disconnected|dropped|ended|expired|removed|shut down|stopped|suspended|switched off"
    r"|turned off|withdrawn|is over|was over"
    r"|(?:has|have) (?:gone|left)"
    r"|(?:is|are|was|were|been|s) (?:now )?(?:gone|dead|closed|history|off|old|stale|void|wrong)"
)
_ENDS_FIRMLY = re.compile(rf"\b(?:{_FIRM})\b", re.IGNORECASE)
_ENDS = re.compile(rf"\b(?:{_FIRM}|{_LOOSE})\b", re.IGNORECASE)
_SENTENCE = re.compile(r"[^\n.!?;\"]+(?:[.!?](?=\w)[^\n.!?;\"]+)*")


def statements_of(events: Iterable[EventView]) -> tuple[Quote, ...]:
    """Return sentences of a session that hold an amount, a number with its unit, among words, and such that say that
    something changed: first those of events that hold few of them, as a table or a log states nothing.
    """
    amounts: list[list[Quote]] = []
    changes: list[list[Quote]] = []
    for event in events:
        text = event.text or event.output
        if event.type == "tool_call" or len(text) > _LONG_ANSWER:
            continue
        amounts.append([])
        changes.append([])
        for said in sentences_of(text):
            if amounts_of(said):
                amounts[-1].append(Quote(event.seq, said))
            elif says_change(said) or says_end(said):
                changes[-1].append(Quote(event.seq, said))
    return (*_fewest_first(amounts)[:_MOST], *_fewest_first(changes)[:_MOST_CHANGES])


def sentences_of(text: str) -> Iterator[str]:
    """Yield the sentences of a text that are long enough to state something, and no longer than people write."""
    for match in _SENTENCE.finditer(text):
        said = match[0].strip()
        if len(said) <= _SHORT and len(said.split()) >= _FEW_WORDS:
            yield said


def _fewest_first(quotes: Iterable[Sequence[Quote]]) -> list[Quote]:
    return [quote for of_event in sorted(quotes, key=len) for quote in of_event]


def says_change(text: str) -> bool:
    """Whether a sentence says that something is not as it was."""
    return bool(_CHANGES.search(text))


def says_end(text: str, known: str = "") -> bool:
    """Whether a sentence says that something is over, in words that a known text does not say it by."""
    return not {found.lower() for found in _ENDS.findall(text)} <= {found.lower() for found in _ENDS.findall(known)}


def says_end_of_all(text: str) -> bool:
    """Whether a sentence says that something is over for all, as what "expired" or "was removed" may not be."""
    return bool(_ENDS_FIRMLY.search(text))


def without_changes(text: str) -> str:
    """Return a text without the words that say that something changed or is over."""
    return _ENDS.sub(" ", _CHANGES.sub(" ", text))

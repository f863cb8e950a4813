"""Wishes to be asked, or that somebody is told, before something is done: one wish, in words that hardly share one."""

from __future__ import annotations

import re

# Words by which people ask and tell, and by which they say that it comes first, in any trade.
_TOLD = (
    r"(?:ask(?:ed|ing)?|tell(?:ing)?|told|inform(?:ed|ing)?|notif(?:y|ied|ying)|warn(?:ed|ing)?|call(?:ed|ing)?"
    r"|phon(?:e|ed|ing)|ring(?:ing)?|let \w+ know)"
)
_AHEAD = r"(?:ahead|before|beforehand|first|in advance|prior)"
_NOTICE = re.compile(
    rf"\b{_TOLD}\b(?:[^.;!?]*|\W+)\b{_AHEAD}\b|\b{_AHEAD}\b[^.;!?]*\b{_TOLD}\b"
    rf"|\b(?:without|nobody was) (?:\w+ )?{_TOLD}\b"
    r"|\b(?:approv(?:al|ed?)|permission|consent|go-ahead|sign-off|heads[- ]up|unannounced|announce\w*|notice)\b"
    r"|\b(?:check|confirm|clear it|an? ok(?:ay)?) (?:\w+ )?(?:with|from)\b"
    r"|\b(?:ahead of time|beforehand|in advance|on your own|prior to)\b",
    re.IGNORECASE,
)


def asks_for_notice(text: str) -> bool:
    """Whether a text asks to be asked, or that somebody is told, before something is done."""
    return bool(_NOTICE.search(text))


def with_notice(text: str) -> str:
    """Return a text with one word more, the same for all, where it asks for notice."""
    return f"{text} beforehand" if asks_for_notice(text) else text

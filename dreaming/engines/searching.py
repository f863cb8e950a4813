"""Finding, in the events of sessions, exact quotes for a text that came without any."""

import re
from collections.abc import Collection, Mapping, Sequence
from typing import TypeVar

from django.db import models

from memory.services import QuoteDraft
from sessions.models import Event

Key = TypeVar("Key")
MAX_QUOTES = 12
MAX_PHRASES = 120
LONGEST = 300
# Fewer words than this stand anywhere by chance.
WINDOW, STRIDE, LEAST_WORDS, LEAST_LETTERS = 6, 2, 5, 24
LEAST_CODE = 6

_CODE = re.compile(r"`([^`\n]+)`|“([^”\n]+)”|\"([^\"\n]+)\"")
_SENTENCE_END = re.compile(r"(?<=[.!?:;])\s+|\n")
_MARKUP = re.compile(r"^[\s#>*+\-\d.)]+|[*_`]")


def phrases_of(text: str) -> list[str]:
    """What of a text might stand elsewhere letter by letter, longest first: code, quotes, sentences, runs of words."""
    found = [next(filter(None, match)) for match in _CODE.findall(text)]
    found = [phrase for phrase in found if len(phrase) >= LEAST_CODE]
    for raw in _SENTENCE_END.split(text):
        words = _MARKUP.sub("", raw).rstrip(".!?:;").split()
        if len(words) >= LEAST_WORDS:
            last = max(0, len(words) - WINDOW)
            runs = [words[at : at + WINDOW] for at in sorted({*range(0, last, STRIDE), last})]
            found += [" ".join(run) for run in (words, *runs)]
    fit = {phrase for phrase in found if len(phrase) <= LONGEST and _tells(phrase)}
    return sorted(fit, key=lambda phrase: (-len(phrase), phrase))[:MAX_PHRASES]


def _tells(phrase: str) -> bool:
    return len(phrase) >= LEAST_LETTERS or (len(phrase) >= LEAST_CODE and not phrase.isalpha())


def find_quotes(session_ids: Collection[int], wanted: Mapping[Key, Sequence[str]]) -> dict[Key, list[QuoteDraft]]:
    """For each key the longest of its phrases in each session, at most `MAX_QUOTES`; one read of the events."""
    best: dict[Key, dict[int, QuoteDraft]] = {key: {} for key in wanted}
    events: models.QuerySet[Event] = Event.objects.filter(session_id__in=session_ids).order_by("session_id", "seq")
    for session_id, seq, *texts in events.values_list("session_id", "seq", "text", "output", "input").iterator():
        body = "\n\0\n".join(filter(None, texts))
        for key, phrases in wanted.items():
            phrase = next((phrase for phrase in phrases if phrase in body), "")
            known = best[key].get(session_id)
            if phrase and (known is None or len(phrase) > len(known.quote)):
                best[key][session_id] = QuoteDraft(session_id, seq, phrase, "supports")
    return {key: list(found.values())[:MAX_QUOTES] for key, found in best.items()}

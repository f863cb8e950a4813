"""Candidates that rooms above add to a pass, at chance places among its own, so that nothing tells them apart."""

from collections.abc import Iterable, Iterator
from secrets import SystemRandom

from dreaming.engines.base import Candidate, Pass
from dreaming.signals import candidates_wanted
from memory.services import known_claim

_chance = SystemRandom()


def mixed(run: Pass, own: Iterable[Candidate]) -> Iterator[Candidate]:
    """The pass's own candidates in their order, and at most one added beside each that is news.

    What finds no place waits for a later pass: added ones never come alone, and never over the cap.
    """
    answers = candidates_wanted.send(sender=Pass, dream=run.dream)
    added = [candidate for _, candidates in answers for candidate in candidates]
    _chance.shuffle(added)
    for candidate in own:
        place = _place(run, candidate) if added else ""
        if place == "before":
            yield added.pop()
        accepted = run.accepted
        yield candidate
        if place == "after" and run.accepted > accepted and run.room:
            yield added.pop()


def _place(run: Pass, candidate: Candidate) -> str:
    is_news = candidate.draft and not known_claim(store=run.dream.store, claim_key=candidate.claim_key)
    return _chance.choice(["before", "after", ""]) if is_news and run.room > 1 else ""

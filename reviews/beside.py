"""What a page shows beside a proposal: who reads it, whose turn it is, what people said, and who stands behind it."""

from typing import Any

from django.contrib.auth.models import User
from django.utils.http import urlencode

from audit.roles import REVIEWER, has_role
from memory.models import Proposal
from reviews.blind import visible_votes
from reviews.four_eyes import is_author
from reviews.models import ReviewSettings
from reviews.standing import Standing, standing_of
from reviews.told import obstacles


def beside(proposal: Proposal, reader: User) -> dict[str, Any]:
    """The names that `_together.html`, `_top.html` and `_state.html` use."""
    standing = standing_of(proposal.pk)
    assert standing is not None
    decides = has_role(reader, REVIEWER)
    votes = visible_votes(proposal, reader) if standing.needs_two or not proposal.is_open else []
    requests = list(proposal.change_requests.select_related("answer"))
    in_the_way = obstacles(standing, reader) if proposal.is_open else []
    voted = any(vote.reader_id == reader.pk for vote in votes)
    two_people, not_this_one = _two_people(proposal, standing, reader, voted=voted)
    return {
        "standing": standing,
        "seen_mark": urlencode(standing.mark),
        "obstacles": in_the_way,
        "two_people": two_people,
        "why_not": next((change.text for change in in_the_way if change.blocks), "") or not_this_one,
        "votes": votes,
        "comments": list(proposal.comments.all()) if standing.comment_count else [],
        "may_waive": _may_waive(proposal, standing, decides=decides),
        "requests": requests,
        "asked": next((asked for asked in requests if asked.is_waiting), None),
        "takes_part": decides,
        "colleagues": _reviewers() if decides and proposal.is_open else [],
    }


def _two_people(proposal: Proposal, standing: Standing, reader: User, *, voted: bool) -> tuple[str, str]:
    """Where two people are asked: what to tell this reader, and why they may not approve, if so.

    Nobody is told whether somebody else approved it already: two readers, two judgements.
    """
    if not (proposal.is_open and standing.needs_two):
        return "", ""
    if not has_role(reader, REVIEWER):
        return "Two people are asked here: it goes live with the second approval.", ""
    if is_author(proposal, reader):
        return (
            "Two people are asked here, and you wrote this: it waits for somebody else.",
            "Somebody else approves it.",
        )
    if voted:
        return "You approved it. Two people are asked here: it waits for somebody else.", "You approved it already."
    if proposal.proposer_kind == "user":
        return (
            f"Two people are asked here. {proposal.proposer} wrote it and is one; with your approval it goes live.",
            "",
        )
    return "Two people are asked here. Neither sees what the other made of it before it is closed.", ""


def _may_waive(proposal: Proposal, standing: Standing, *, decides: bool) -> bool:
    if not (decides and proposal.is_open and standing.needs_two):
        return False
    return ReviewSettings.of(proposal.store).waivers_allowed


def _reviewers() -> list[User]:
    return list(User.objects.filter(groups__name=REVIEWER, is_active=True).order_by("username"))
